import mmap


def souvenirs():
    return {
        "anonymous file": tried(os.memfd_create, "hoard"),
        "shared anonymous": tried(mmap.mmap, -1, 1 << 20),
        "shared and validated": tried(mmap.mmap, -1, 1 << 20, flags=3 | mmap.MAP_ANONYMOUS),
        "zero device": tried(os.open, "/dev/zero", os.O_RDWR),
        "segment": called("shmget", 0, 1 << 20, 0o1666),
        "secret memory": called("memfd_secret", 0),
        "private is fine": str(len(mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))),
    }
