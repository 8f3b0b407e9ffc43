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
#: Not /dev/zero: mapped shared, it is memory that counts in no limit (see MMAP_FLAGS).
WRITABLE_DEVICES = ("/dev/null", "/dev/full")
READABLE_DEVICES = ("/dev/random", "/dev/urandom")

#: Libraries that torch brings for GPUs, which workers have none of, and whose tables are large: about a hundred
#: megabytes that every fork would have to account for, and every exit to give back.
GPU_LIBRARIES = ("libcublasLt.so",)
LARGE_TABLE = 16 << 20

#: From which size on a piece of memory is worth moving into large pages.
LARGE_MAPPING = 2 << 20

#: Environment variables that survive into the nursery; all others are cleared and their memory wiped.
KEPT_ENVIRONMENT = ("LC_ALL", "LANG", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "MKL_NUM_THREADS")

#: System calls that a worker may make with any arguments.
ALLOWED_CALLS = """
access alarm arch_prctl brk chdir clock_getres clock_gettime clock_nanosleep close copy_file_range dup dup2 dup3
epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 exit exit_group faccessat faccessat2 fadvise64 fallocate
fchdir fcntl fdatasync flock fork fstat fstatfs fsync ftruncate futex futex_waitv get_mempolicy get_robust_list getcpu
getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid
getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid
kill link linkat lseek lstat madvise membarrier mincore mkdir mkdirat mlock mlock2 mprotect mremap msync munlock
munmap nanosleep newfstatat open openat pause pipe pipe2 poll ppoll pread64 preadv preadv2 pselect6 pwrite64 pwritev
pwritev2 read readlink readlinkat readv rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction
rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_get_priority_max
sched_get_priority_min sched_getaffinity sched_getparam sched_getscheduler sched_yield select sendfile set_robust_list
set_tid_address setitimer shutdown sigaltstack stat statfs statx symlink symlinkat sysinfo tgkill time timer_create
timer_delete timer_settime timerfd_create timerfd_settime times tkill truncate umask uname unlink unlinkat vfork wait4
waitid write writev
""".split()  # noqa: SIM905 - a paragraph to read, not 170 lines of quotes

#: Calls that Landlock does not hold back, and that act on whatever a path names: allowed only where the worker has a
#: root of its own. Elsewhere they would change modes and times of the grader's files, or speak to its user's services.
CALLS_IN_OWN_ROOT = "accept accept4 bind chmod connect fchmod fchmodat listen utimensat".split()  # noqa: SIM905

# Left out on purpose, beside everything that needs privileges:
#   memfd_create    pages written but not mapped count in no process's memory and in no limit
#   clone3          its flags lie in memory, where a filter cannot see them; glibc falls back to clone
#   execve          a worker is Python and stays Python
#   ptrace, process_vm_*, pidfd_*, userfaultfd, bpf, perf_event_open, io_uring_*, keyctl, shm*, msg*, sem*, setns,
#   unshare, mount
#   setsid          a worker is one session; kernels that share processors by session must not take it for many
#   setpriority     where processes share a namespace it slows down everybody of the same user, the grader too

#: `clone` without any flag that makes a namespace, and without CLONE_PARENT, whose child would stand beside the worker,
#: where neither its memory nor its computing time is counted.
REFUSED_CLONE_FLAGS = 0x7E02_0000 | 0x8000

#: `setpgid` only into a group of one's own. The first process of a namespace that joins the group of a child can never
#: be buried: the kernel waits for the child's number to become free, which is in use as long as the group has a member.
OWN_GROUP = 0

#: `mmap` with at most one of MAP_SHARED and MAP_ANONYMOUS. Memory that has both and is let go of by MADV_DONTNEED stays
#: in use, but counts in no process. Private memory always counts, and shared files lie in folders of bounded size.
SHARED_AND_ANONYMOUS = 0x01 | 0x20
MMAP_FLAGS = (0x00, 0x01, 0x20)

#: Sockets of the Unix family only, and with the network namespace empty they reach nobody outside.
AF_UNIX = 1
#: Without a root of our own only pairs of streams, which are born connected and cannot be sent elsewhere.
SOCK_STREAM, SOCKET_TYPES = 1, 0xF

#: Calls on sockets, with the argument that holds their flags. MSG_OOB is refused: nobody needs it and its code in the
#: kernel was a way out of other sandboxes (CVE-2025-38236).
SOCKET_CALLS = {"sendto": 3, "recvfrom": 3, "sendmsg": 2, "recvmsg": 2}
MSG_OOB = 1

#: The only socket option that may be set: multiprocessing does, for the processes of a DataLoader.
SOL_SOCKET, SO_REUSEADDR = 1, 2

#: A worker may lower its own limits but for this one, which keeps a crash from waking the system's core dump handler.
RLIMIT_CORE = 4

#: TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
ALLOWED_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)

#: PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP, PR_GET_NO_NEW_PRIVS, PR_SET_VMA.
ALLOWED_PRCTLS = (3, 15, 16, 21, 39, 0x5356_4D41)
PR_SET_PDEATHSIG = 1
SIGKILL = 9
