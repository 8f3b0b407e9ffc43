"""What a submission may use, as data: the defaults for every drill, which `drill.toml` may change under `[limits]`."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds for one submission. CPU time decides, never wall time: a busy machine changes no verdict."""

    probe_cpu_seconds: float = 10.0
    """CPU time that one probe may use, summed over all processes of the submission."""
    total_cpu_seconds: float = 60.0
    """CPU time that all probes together may use; the kernel enforces it too."""
    idle_seconds: float = 10.0
    """A submission that waits this long (wall time) without using the processor has stopped answering."""
    memory_mb: int = 1024
    """Memory above what an empty worker uses, summed over all processes of the submission."""
    processes: int = 32
    """Processes and threads at one time."""
    scratch_mb: int = 64
    """Room for files in the submission's own folder."""
    shared_memory_mb: int = 128
    open_files: int = 256
    reply_mb: int = 64
    """Tensors of one answer."""
    header_kb: int = 1024
    """Everything of one answer that is not a tensor."""
    output_kb: int = 16
    """What is kept of the submission's printed output."""
    workers: int = 4
    """Workers that one submission may use up by crashing or hanging; probes left after that are not asked."""
