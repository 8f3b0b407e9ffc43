def souvenirs():
    return {
        "its folder": tried(os.listdir, "@neighbour_folder@") if "@neighbour_folder@" != os.getcwd() else str(os.listdir()),
        "its file": tried(read, "@neighbour_folder@/diary.txt"),
        "its shared memory": tried(read, "/dev/shm/cvlab-neighbour"),
        "kill it": tried(os.kill, int("@neighbour_process@"), 9) if "@mode@" == "bare" else "same number as itself",
        "its memory": tried(read, "/proc/@neighbour_process@/mem") if "@mode@" == "bare" else "same number as itself",
    }
