import sys


def souvenirs():
    return {
        "processes": " ".join(sorted(name for name in os.listdir("/proc") if name.isdigit())),
        "self and parent": f"{os.getpid()} {os.getppid()}",
        "user": f"{os.getuid()} {os.geteuid()} {os.getgid()}",
        "host": os.uname().nodename,
        "network": " ".join(line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line),
        "command line": read("/proc/self/cmdline").strip(b"\0").decode(),
        "arguments": " ".join(sys.argv + sys.orig_argv),
    }
