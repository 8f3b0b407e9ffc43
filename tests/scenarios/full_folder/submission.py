def filled(folder, bound):
    for number in range(bound):
        write(f"{folder}/{number}", bytes(8 << 20))
    return "all of it"


def crowded():
    for number in range(10_000):
        os.close(os.open(f"small{number}", os.O_CREAT, 0o600))
    return "all of them"


def souvenirs():
    taken = {"scratch": tried(filled, ".", 40), "shared memory": tried(filled, "/dev/shm", 40)}
    for number in range(10):
        tried(os.unlink, str(number))
    return taken | {"many small": tried(crowded)}
