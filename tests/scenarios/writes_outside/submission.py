import stat

LIBRARY = os.path.dirname(os.__file__)


def linked():
    os.symlink("@outside@/keep.txt", "out")
    return write("out")


def souvenirs():
    return {
        "new file beside": tried(write, "@outside@/new.txt"),
        "new folder beside": tried(os.mkdir, "@outside@/new"),
        "cut a file short": tried(os.truncate, "@outside@/keep.txt", 0),
        "change a mode": tried(os.chmod, "@outside@/keep.txt", 0o777),
        "change times": tried(os.utime, "@outside@/keep.txt", (1, 1)),
        "rename": tried(os.rename, "@outside@/keep.txt", "@outside@/lost.txt"),
        "remove": tried(os.unlink, "@outside@/keep.txt"),
        "link in": tried(os.link, "@outside@/keep.txt", "in"),
        "symbolic link out": tried(linked),
        "device": tried(os.mknod, "disk", stat.S_IFBLK | 0o600, os.makedev(8, 0)),
        "in /": tried(write, "/new"),
        "in /usr": tried(write, "/usr/lib/new"),
        "in /etc": tried(write, "/etc/new"),
        "in /dev": tried(write, "/dev/new"),
        "in the library": tried(write, LIBRARY + "/new.py"),
        "in cvlab": tried(write, "@cvlab@/new.py"),
        "score": tried(write, "/proc/self/oom_score_adj", b"-1000"),
        "core pattern": tried(write, "/proc/sys/kernel/core_pattern", b"|/bin/sh"),
        "sysctl": tried(write, "/proc/sys/kernel/hostname", b"mine"),
        "sysfs": tried(write, "/sys/devices/system/cpu/cpu1/online"),
        "user map": tried(write, "/proc/self/uid_map", b"0 0 1"),
        "other scratch": tried(write, "/tmp/../@outside@/new.txt"),
    }
