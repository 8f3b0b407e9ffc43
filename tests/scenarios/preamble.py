# What every submission of the scenarios begins with: two right answers, and what most attackers need.
import ctypes
import os
import platform

GRADER, NURSERY, VICTIM = int("@grader@"), int("@nursery@"), int("@victim@")

CALLS = {
    "x86_64": dict(
        ptrace=101, process_vm_readv=310, process_vm_writev=311, kcmp=312, pidfd_open=434, pidfd_getfd=438,
        pidfd_send_signal=424, mount=165, umount2=166, pivot_root=155, chroot=161, unshare=272, setns=308, clone=56,
        clone3=435, bpf=321, keyctl=250, add_key=248, request_key=249, io_uring_setup=425, userfaultfd=323,
        perf_event_open=298, open_by_handle_at=304, name_to_handle_at=303, kexec_load=246, init_module=175, shmget=29,
        msgget=68, semget=64, mq_open=240, seccomp=317, personality=135, modify_ldt=154, quotactl=179, acct=163,
        settimeofday=164, swapon=167, reboot=169, sethostname=170, iopl=172, memfd_create=319, memfd_secret=447,
        fsopen=430, open_tree=428, move_mount=429, setxattr=188, mknod=133, inotify_init1=294, fanotify_init=300,
        splice=275, vmsplice=278, move_pages=279, migrate_pages=256, mbind=237, setuid=105, setgid=106, setgroups=116,
        capset=126, ioprio_set=251, sched_setscheduler=144, tkill=200, rt_sigqueueinfo=129, execve=59, execveat=322,
        landlock_create_ruleset=444, chown=92, process_madvise=440, prctl=157, getpid=39, vhangup=153, syslog=103,
    ),
}.get(platform.machine(), {})

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def tried(attempt, *arguments, **named):
    try:
        result = attempt(*arguments, **named)
    except OSError as problem:
        return problem.strerror or str(problem)
    except BaseException as problem:
        return type(problem).__name__
    return f"managed: {result!r}"[:300]


def called(name, *arguments):
    ctypes.set_errno(0)
    number = name if isinstance(name, int) else CALLS[name]
    result = _libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    return f"managed: {result}" if result >= 0 else os.strerror(ctypes.get_errno())


def read(path, size=200):
    with open(path, "rb") as file:
        return file.read(size)


def write(path, text=b"0"):
    with open(path, "wb", buffering=0) as file:
        return file.write(text)


def brightened(x):
    return x * 1.5 + 0.25


def total(x):
    return x.sum(dim=0)


def souvenirs():
    return "nothing"
