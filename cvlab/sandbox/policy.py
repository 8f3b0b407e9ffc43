"""What a worker may do, as lists somebody can read. Everything not named here is refused."""

from __future__ import annotations

#: Parts of the system that Python and torch read at run time; bound read-only into the worker's empty root.
SYSTEM_PATHS = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/sys/devices/system/cpu",
)

#: Devices that hold nothing and reach nobody; readable, and those of the first line writable.
WRITABLE_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
READABLE_DEVICES = ("/dev/random", "/dev/urandom")

#: Environment variables that survive into the nursery; all others are cleared and their memory wiped.
KEPT_ENVIRONMENT = ("LC_ALL", "LANG", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "MKL_NUM_THREADS")

#: System calls that a worker may make with any arguments.
ALLOWED_CALLS = """
accept accept4 access alarm arch_prctl bind brk chdir chmod clock_getres clock_gettime clock_nanosleep close connect
copy_file_range dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 exit exit_group faccessat faccessat2
fadvise64 fallocate fchdir fchmod fchmodat fcntl fdatasync flock fork fstat fstatfs fsync ftruncate futex futex_waitv get_mempolicy
get_robust_list getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp
getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid
gettimeofday getuid kill link linkat listen lseek lstat madvise membarrier mincore mkdir mkdirat mlock mlock2 mmap mprotect
mremap msync munlock munmap nanosleep newfstatat open openat pause pipe pipe2 poll ppoll pread64 preadv preadv2 pselect6
pwrite64 pwritev pwritev2 read readlink readlinkat readv recvfrom recvmsg rename renameat renameat2 restart_syscall rmdir
rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_get_priority_max
sched_get_priority_min sched_getaffinity sched_getparam sched_getscheduler sched_setaffinity sched_yield select sendfile sendmsg
sendto set_robust_list set_tid_address setitimer setpgid setpriority setrlimit setsid shutdown sigaltstack stat statfs statx
symlink symlinkat sysinfo tgkill time timer_create timer_delete timer_settime timerfd_create timerfd_settime times tkill truncate
umask uname unlink unlinkat utimensat vfork wait4 waitid write writev
""".split()  # noqa: SIM905 - a paragraph to read, not 170 lines of quotes

# Left out on purpose, beside everything that needs privileges:
#   memfd_create    pages written but not mapped count in no process's memory and in no limit
#   clone3          its flags lie in memory, where a filter cannot see them; glibc falls back to clone
#   execve          a worker is Python and stays Python
#   ptrace, process_vm_*, pidfd_*, userfaultfd, bpf, perf_event_open, io_uring_*, keyctl, shm*, msg*, sem*, setns, unshare, mount

#: `clone` without any flag that makes a namespace.
NAMESPACE_FLAGS = 0x7E02_0000

#: Sockets of the Unix family only, and with the network namespace empty they reach nobody outside.
AF_UNIX = 1

#: TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
ALLOWED_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)

#: PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS, PR_SET_VMA.
ALLOWED_PRCTLS = (3, 15, 16, 21, 39, 0x5356_4D41)
PR_SET_PDEATHSIG = 1
SIGKILL = 9
