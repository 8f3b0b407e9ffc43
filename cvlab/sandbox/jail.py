"""The kernel calls of the sandbox: namespaces, a read-only root, rlimits, capabilities, Landlock, seccomp.

Linux on x86_64 and aarch64. Each function does one thing and raises OSError where the kernel refuses; who calls them in
which order is told in `nursery`, `supervisor` and `worker`. Numbers are those of the kernel's own headers.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import platform
import resource
import signal
import struct
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cvlab.limits import Limits
from cvlab.sandbox import policy

# unshare(2)
NEW_MOUNT, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000
NEW_USER, NEW_PID, NEW_NET = 0x1000_0000, 0x2000_0000, 0x4000_0000

# mount(2)
READ_ONLY, NO_SUID, NO_DEV, NO_EXEC, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
NO_ATIME, REL_ATIME = 1024, 1 << 21
DETACH = 2

# prctl(2)
SET_PDEATHSIG, SET_DUMPABLE, DROP_BOUNDING, SET_SECUREBITS = 1, 4, 24, 28
SET_CHILD_SUBREAPER, SET_NO_NEW_PRIVS, AMBIENT, AMBIENT_CLEAR_ALL = 36, 38, 47, 4
#: no root magic, no set-uid fix-up, no ambient raise; each locked.
LOCKED_SECUREBITS = 0x2F | 0xC0

SYSCALLS = {
    "x86_64": {"pivot_root": 155, "seccomp": 317, "landlock": 444},
    "aarch64": {"pivot_root": 41, "seccomp": 277, "landlock": 444},
}

ROOTLESS_UID = 1000
"""What a worker sees as its own user and group."""
NOBODY = 65534
"""What real root becomes before a worker runs: root is exempt from RLIMIT_NPROC."""


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def _checked(result: int, what: str) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(name: str, *arguments: object, offset: int = 0) -> int:
    """Make a system call that libc does not wrap; `offset` picks one of a family numbered in a row."""
    numbers = SYSCALLS.get(platform.machine())
    if numbers is None:
        raise OSError(errno.ENOSYS, f"{name}: not known for {platform.machine()}")
    return _checked(int(_libc().syscall(numbers[name] + offset, *arguments)), name)


def prctl(option: int, *arguments: int) -> int:
    """Make the call and return its result, -1 included: what is asked for may not exist on this kernel."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    return int(_libc().prctl(option, *(ctypes.c_ulong(argument) for argument in padded)))


def unshare(flags: int) -> None:
    """Move this process into new namespaces."""
    _checked(_libc().unshare(flags), f"unshare({flags:#x})")


def fork_into_new_namespace(home: int) -> int:
    """Fork a child that is the first process of a new process namespace, and return as `os.fork` does.

    `home` is a handle on our own namespace, in which later children are to be born again; it must belong to our user
    namespace.
    """
    unshare(NEW_PID)
    pid = -1
    try:
        pid = os.fork()
    finally:
        if pid:
            _checked(_libc().setns(home, NEW_PID), "setns")
    return pid


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """Mount, bind or remount; raises OSError."""

    def encoded(text: str | None) -> bytes | None:
        return None if text is None else os.fsencode(text)

    result = _libc().mount(encoded(source), encoded(target), encoded(kind), ctypes.c_ulong(flags), encoded(data))
    _checked(result, f"mount {target}")


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends.

    The kernel forgets the wish at every change of credentials, so this comes after the last of them. `parent` is the
    parent's process id, or 0 where it lives outside this process's namespace.
    """
    prctl(SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(99)


def survive_parent() -> None:
    """Take back what `die_with_parent` asked for."""
    prctl(SET_PDEATHSIG, 0)


def hide_from_tracers(hidden: bool = True) -> None:
    """Make /proc/<this process> unreadable and the process untraceable for others of the same user, or the contrary."""
    prctl(SET_DUMPABLE, 0 if hidden else 1)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none can slip away."""
    prctl(SET_CHILD_SUBREAPER, 1)


def map_user(uid: int, gid: int) -> None:
    """Map one user and group of the outer namespace into the new one."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{ROOTLESS_UID} {uid} 1"),
        ("gid_map", f"{ROOTLESS_UID} {gid} 1"),
    ):
        Path("/proc/self", name).write_text(text)


def become_nobody() -> None:
    """Give up root for good, keeping access to our own /proc entries."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    hide_from_tracers(False)  # the change of user did it, and uid_map would belong to root


# ------------------------------------------------------------------------------------------------ the worker's root


def build_root(readable: Sequence[Path]) -> None:
    """Replace the root by an empty, read-only one in which only `readable` and a few devices exist.

    Needs a mount namespace of one's own. /scratch, /proc, /dev/shm are left as places for `mount_private_folders`.
    """
    mount(None, "/", None, RECURSIVE | PRIVATE)
    devices = [Path(device) for device in (*policy.WRITABLE_DEVICES, *policy.READABLE_DEVICES)]
    links = {path: path.readlink() for path in readable if path.is_symlink()}
    handles = {path: os.open(path, os.O_PATH) for path in (*readable, *devices) if path.exists() and path not in links}
    proc = os.open("/proc", os.O_PATH)
    root = Path(tempfile.gettempdir())  # a mount point is needed, any folder will do; handles keep what it covers
    mount("tmpfs", str(root), "tmpfs", NO_SUID | NO_DEV, "mode=755,size=1m")
    for path, target in links.items():
        place = _under(root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    for path in sorted(handles):
        _bind(handles[path], _under(root, path), writable=path in devices)
    for name in ("proc", "dev/shm", "scratch", "old"):
        (root / name).mkdir(parents=True, exist_ok=True)
    if not (root / "tmp").exists():
        (root / "tmp").symlink_to("scratch")
    # A procfs can be mounted in a user namespace only where another is in full view.
    mount(f"/proc/self/fd/{proc}", str(root / "proc"), None, BIND | RECURSIVE)
    for handle in (*handles.values(), proc):
        os.close(handle)
    os.chdir(root)
    syscall("pivot_root", b".", b"old")
    os.chdir("/")
    _checked(_libc().umount2(b"/old", DETACH), "umount /old")
    Path("/old").rmdir()
    mount(None, "/", None, REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEV)


def _under(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _bind(handle: int, place: Path, *, writable: bool) -> None:
    source = f"/proc/self/fd/{handle}"
    if Path(source).is_dir():
        place.mkdir(parents=True, exist_ok=True)
    elif not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    mount(source, str(place), None, BIND | RECURSIVE)
    if writable:
        return
    # In a user namespace the flags a mount was born with are locked and must be repeated.
    born = os.statvfs(place).f_flag
    kept = born & (NO_SUID | NO_DEV | NO_EXEC | NO_ATIME) | (REL_ATIME if born & 4096 else 0)
    mount(None, str(place), None, REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEV | kept)


def mount_private_folders(limits: Limits) -> None:
    """Give this process its own /proc, /scratch and /dev/shm, the latter two of bounded size."""
    mount("proc", "/proc", "proc", NO_SUID | NO_DEV | NO_EXEC)
    for place, size, files in (("/scratch", limits.scratch_mb, 4096), ("/dev/shm", limits.shared_memory_mb, 1024)):  # noqa: S108
        options = f"size={size}m,nr_inodes={files},mode=700"
        mount("tmpfs", place, "tmpfs", NO_SUID | NO_DEV | NO_EXEC, options)


# ------------------------------------------------------------------------------------------------ the worker's bounds


def tasks_of_this_user() -> int:
    """Return how many processes and threads of our real user there are in sight."""
    uid, count = os.getuid(), 0
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with contextlib.suppress(OSError):
                about = dict(line.split(b":", 1) for line in (place / "status").read_bytes().splitlines())
                count += int(about[b"Threads"]) if int(about[b"Uid"].split()[0]) == uid else 0
    return count


def set_rlimits(limits: Limits, others: int = 0) -> None:
    """Bound this process and its children; memory counts from what it uses now.

    `others` are the tasks of the same user that the kernel counts together with ours.
    """
    now = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    room = limits.memory_mb << 20
    cpu = max(1, int(limits.total_cpu_seconds) + 1)
    bounds = {
        # Zero would still start a core dump handler where the system pipes dumps into one; one byte starts none.
        resource.RLIMIT_CORE: 1,
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_FSIZE: limits.scratch_mb << 20,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_NPROC: others + limits.processes,
        resource.RLIMIT_MEMLOCK: 65536,
        resource.RLIMIT_MSGQUEUE: 0,
        # Address space is reserved generously by allocators; the supervisor counts what is really used.
        resource.RLIMIT_DATA: (int(now["VmData"].split()[0]) << 10) + room + (256 << 20),
        resource.RLIMIT_AS: (int(now["VmSize"].split()[0]) << 10) + room + (1 << 30),
    }
    for which, bound in bounds.items():
        resource.setrlimit(which, (bound, bound + (which == resource.RLIMIT_CPU)))


def be_first_to_go() -> None:
    """Ask the kernel to take this process and its children before any other when memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def drop_capabilities() -> None:
    """Give up every capability, also those that a later exec could bring back."""
    capability = 0
    while prctl(DROP_BOUNDING, capability) != -1:
        capability += 1
    prctl(AMBIENT, AMBIENT_CLEAR_ALL)
    prctl(SET_SECUREBITS, LOCKED_SECUREBITS)
    header, nothing = struct.pack("Ii", 0x2008_0522, 0), bytes(24)
    _checked(_libc().capset(header, nothing), "capset")


def landlock_abi() -> int:
    """Return the Landlock ABI of this kernel, 0 where there is none."""
    try:
        return syscall("landlock", None, ctypes.c_size_t(0), ctypes.c_uint(1))
    except OSError:
        return 0


#: Landlock file rights by the ABI that brought them.
EXECUTE, WRITE, READ, LIST, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_SYM = 1 << 7, 1 << 8, 1 << 9, 1 << 10, 1 << 12
REFER, TRUNCATE, IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
FIRST_RIGHTS = (1 << 13) - 1
ON_FILES = EXECUTE | WRITE | READ | TRUNCATE | IOCTL_DEVICE
LOOK = READ | LIST
USE = (
    LOOK | WRITE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE
)


def restrict_files(readable: Iterable[Path], writable: Iterable[Path]) -> int:
    """Apply Landlock: files outside these trees are out of reach, and so are TCP, foreign signals and abstract sockets.

    Handles whatever the kernel's ABI knows, and returns that ABI.
    """
    abi = landlock_abi()
    if not abi:
        raise OSError(errno.ENOSYS, "landlock: not in this kernel")
    files = (
        FIRST_RIGHTS | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0) | (IOCTL_DEVICE if abi >= 5 else 0)
    )
    network = 3 if abi >= 4 else 0
    scopes = 3 if abi >= 6 else 0
    attributes = struct.pack("QQQ", files, network, scopes)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = syscall("landlock", attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    grants = [(path, LOOK) for path in readable] + [(path, USE) for path in writable]
    grants += [(Path(device), READ | WRITE | TRUNCATE) for device in policy.WRITABLE_DEVICES]
    grants += [(Path(device), READ) for device in policy.READABLE_DEVICES]
    for path, rights in grants:
        try:
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # not there, or out of our reach already
        allowed = rights & files if path.is_dir() else rights & files & ON_FILES
        syscall("landlock", ruleset, 1, struct.pack("=Qi", allowed, handle), 0, offset=1)
        os.close(handle)
    prctl(SET_NO_NEW_PRIVS, 1)
    syscall("landlock", ruleset, 0, offset=2)
    os.close(ruleset)
    return abi


@functools.cache
def load_seccomp() -> Any:
    """Return the module that speaks to libseccomp; its first call looks for files that a bare root does not have.

    Raises OSError where libseccomp is not installed.
    """
    try:
        import pyseccomp
    except (ImportError, RuntimeError) as problem:
        raise OSError(errno.ENOSYS, f"libseccomp: {problem}") from None
    return pyseccomp


def seccomp_program(*, own_root: bool) -> bytes:
    """Compile the system-call policy; the BPF program can be installed in any number of processes.

    With `own_root` the worker sees no files but those made for it, and may do more with them. Raises OSError where
    libseccomp is not installed.
    """
    seccomp = load_seccomp()
    filtered = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))

    def allow(name: str, *conditions: object) -> None:
        # Where this architecture or libseccomp has no such call, nothing needs allowing.
        with contextlib.suppress(OSError, ValueError):
            filtered.add_rule(seccomp.ALLOW, name, *conditions)

    for name in policy.ALLOWED_CALLS + (policy.CALLS_IN_OWN_ROOT if own_root else []):
        allow(name)
    allow("clone", seccomp.Arg(0, seccomp.MASKED_EQ, policy.REFUSED_CLONE_FLAGS, 0))
    filtered.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")  # glibc then falls back to clone
    for flags in policy.MMAP_FLAGS:
        allow("mmap", seccomp.Arg(3, seccomp.MASKED_EQ, policy.SHARED_AND_ANONYMOUS, flags))
    unix = seccomp.Arg(0, seccomp.EQ, policy.AF_UNIX)
    if own_root:
        allow("socket", unix)
        allow("socketpair", unix)
        reuse = (seccomp.Arg(1, seccomp.EQ, policy.SOL_SOCKET), seccomp.Arg(2, seccomp.EQ, policy.SO_REUSEADDR))
        allow("setsockopt", *reuse)
    else:
        allow("socketpair", unix, seccomp.Arg(1, seccomp.MASKED_EQ, policy.SOCKET_TYPES, policy.SOCK_STREAM))
    for name, position in policy.SOCKET_CALLS.items():
        allow(name, seccomp.Arg(position, seccomp.MASKED_EQ, policy.MSG_OOB, 0))
    allow("sched_setaffinity", seccomp.Arg(0, seccomp.EQ, 0))
    allow("setpgid", seccomp.Arg(1, seccomp.EQ, policy.OWN_GROUP))
    for request in policy.ALLOWED_IOCTLS:
        allow("ioctl", seccomp.Arg(1, seccomp.EQ, request))
    for option in policy.ALLOWED_PRCTLS:
        allow("prctl", seccomp.Arg(0, seccomp.EQ, option))
    allow("prctl", seccomp.Arg(0, seccomp.EQ, policy.PR_SET_PDEATHSIG), seccomp.Arg(1, seccomp.EQ, policy.SIGKILL))
    allow("prlimit64", seccomp.Arg(0, seccomp.EQ, 0), seccomp.Arg(1, seccomp.NE, policy.RLIMIT_CORE))
    with os.fdopen(os.memfd_create("policy"), "w+b") as file:  # a read-only root has no place for a temporary file
        filtered.export_bpf(file)
        file.seek(0)
        return file.read()


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install_seccomp(program: bytes) -> None:
    """Install a compiled policy in every thread of this process; there is no way back."""
    prctl(SET_NO_NEW_PRIVS, 1)
    instructions = ctypes.create_string_buffer(program, len(program))
    program_of_kernel = _Program(len(program) // 8, ctypes.cast(instructions, ctypes.c_void_p))
    syscall("seccomp", 1, 1, ctypes.byref(program_of_kernel))  # set the filter, in all threads (TSYNC)


def close_all_but(kept: Iterable[int]) -> None:
    """Close every file descriptor but these."""
    kept = set(kept)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - Path.iterdir keeps its own handle open meanwhile
        if int(name) not in kept:
            with contextlib.suppress(OSError):  # the handle that listed them is closed already
                os.close(int(name))
