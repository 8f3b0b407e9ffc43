def through_folder():
    handle = os.open(os.getcwd(), os.O_PATH)
    return os.open("../../../../../../../..@others@/alice.py", os.O_RDONLY, dir_fd=handle)


def linked(target, name):
    os.symlink(target, name)
    return read(name)


def reopened():
    handle = os.open("@others@/alice.py", os.O_PATH)
    return read(f"/proc/self/fd/{handle}")


def souvenirs():
    return {
        "root of the first": tried(os.listdir, "/proc/1/root/@others@"),
        "own root": tried(read, "/proc/self/root/@others@/alice.py"),
        "own folder": tried(read, "/proc/self/cwd/../../../../../..@others@/alice.py"),
        "absolute link": tried(linked, "@others@/alice.py", "one"),
        "relative link": tried(linked, "../../../../../../../../..@others@/alice.py", "two"),
        "link to proc": tried(linked, "/proc/@grader@/environ", "three"),
        "open folder": tried(through_folder),
        "path handle": tried(reopened),
        "old root": tried(os.listdir, "/old"),
    }
