import fcntl
import resource
import termios

FLAGS = {"user": 0x10000000, "process": 0x20000000, "mount": 0x20000, "network": 0x40000000, "ipc": 0x08000000, "beside": 0x8000}


def souvenirs():
    taken = {f"clone {name}": called("clone", flag | 17, 0, 0, 0, 0) for name, flag in FLAGS.items()}
    taken["clone3"] = called("clone3", 0, 0)
    taken["dumpable"] = called("prctl", 4, 0, 0, 0, 0)
    taken["subreaper"] = called("prctl", 36, 1, 0, 0, 0)
    taken["other death signal"] = called("prctl", 1, 0, 0, 0, 0)
    taken["keep capabilities"] = called("prctl", 8, 1, 0, 0, 0)
    taken["ptracer"] = called("prctl", 0x59616D61, -1, 0, 0, 0)
    taken["push a key"] = tried(fcntl.ioctl, 0, termios.TIOCSTI, b"x")
    taken["push into output"] = tried(fcntl.ioctl, 1, termios.TIOCSTI, b"x")
    taken["paste"] = tried(fcntl.ioctl, 1, 0x541C, b"\3")
    taken["take the terminal"] = tried(fcntl.ioctl, 0, termios.TIOCSCTTY, 1)
    taken["terminal"] = tried(os.open, "/dev/tty", os.O_RDWR)
    taken["more time"] = tried(resource.setrlimit, resource.RLIMIT_CPU, (1000, 1000))
    taken["more memory"] = tried(resource.setrlimit, resource.RLIMIT_AS, (-1, -1))
    taken["more files"] = tried(resource.setrlimit, resource.RLIMIT_NOFILE, (4096, 4096))
    taken["more processes"] = tried(resource.setrlimit, resource.RLIMIT_NPROC, (-1, -1))
    taken["core dumps"] = tried(resource.setrlimit, resource.RLIMIT_CORE, (0, 0))
    taken["limits of others"] = tried(resource.prlimit, NURSERY, resource.RLIMIT_CPU, (1, 1))
    taken["session"] = tried(os.setsid)
    taken["priority"] = tried(os.setpriority, os.PRIO_USER, 0, 19)
    taken["processors of others"] = tried(os.sched_setaffinity, NURSERY, {0})
    return taken
