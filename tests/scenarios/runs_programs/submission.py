import subprocess


def spawned():
    return os.posix_spawn("/bin/sh", ["sh", "-c", "id"], {})


def loaded():
    return os.execv("/lib64/ld-linux-x86-64.so.2", ["ld.so", "/bin/true"])


def souvenirs():
    return {
        "shell": tried(subprocess.run, ["/bin/sh", "-c", "id"], check=True),
        "system": str(os.system("id")),
        "python": tried(os.execv, "@python@", ["python", "-c", "1"]),
        "spawn": tried(spawned),
        "loader": tried(loaded),
        "raw": called("execve", b"/bin/sh", 0, 0),
        "by handle": called("execveat", 3, b"", 0, 0, 0x1000),
    }
