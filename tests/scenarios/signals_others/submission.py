import signal


def souvenirs():
    taken = {}
    for who, pid in (("grader", GRADER), ("nursery", NURSERY), ("bystander", VICTIM)):
        for number in (0, signal.SIGKILL, signal.SIGSTOP, signal.SIGUSR1):
            taken[f"kill {number} {who}"] = tried(os.kill, pid, number)
        taken[f"group of {who}"] = tried(os.killpg, pid, signal.SIGKILL)
        taken[f"queue for {who}"] = called("rt_sigqueueinfo", pid, signal.SIGUSR1, ctypes.create_string_buffer(b"\0\0\0\0\0\0\0\0\xff\xff\xff\xff", 128))
        taken[f"thread of {who}"] = called("tkill", pid, signal.SIGKILL)
        taken[f"by handle {who}"] = called("pidfd_send_signal", 3, signal.SIGKILL, 0, 0)
    taken["everybody"] = tried(os.kill, -1, signal.SIGTERM)
    taken["parent"] = tried(os.kill, os.getppid() or NURSERY, signal.SIGKILL)
    return taken
