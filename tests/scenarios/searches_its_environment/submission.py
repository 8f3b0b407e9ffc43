import sys

OURS = {"HOME", "TMPDIR", "PATH", "PYTHONDONTWRITEBYTECODE"}
KEPT = {"LC_ALL", "LANG", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "MKL_NUM_THREADS"}


def souvenirs():
    return {
        "python": sorted(set(os.environ) - OURS - KEPT),
        "kernel": read("/proc/self/environ", 1 << 20).replace(b"\0", b"").decode("latin1"),
        "paths": [place for place in sys.path if "@others@" in place or "@bank@" in place],
        "mounts": [line for line in open("/proc/self/mountinfo") if "@bank@" in line or "@others@" in line],
    }
