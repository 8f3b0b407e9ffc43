"""Memory as a process that forks many others wants it: little to copy at each fork, little to ask the kernel for.

Nothing here changes what a program computes; where the system has no such call, or refuses, it only takes longer.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cvlab.sandbox import policy

# madvise(2)
DONT_FORK, LARGE_PAGES, COLLAPSE = 10, 14, 25

# mallopt(3)
LARGEST_FASTBIN, TRIM_THRESHOLD, MMAP_THRESHOLD = 1, -1, -3
#: The most that glibc takes on a 64-bit system.
MMAP_FROM = 32 << 20
TRIM_FROM = 1 << 30

LARGE_PAGE = 2 << 20
FRESH = 31 << 20
"""How much untouched memory a child finds; after that it asks the kernel for more. Less than `MMAP_FROM`."""
SPARE = 128 << 10
"""How much the forking process keeps for itself, so that it need not begin on what is its children's."""


class _Mapping(NamedTuple):
    start: int
    size: int
    access: bytes
    name: str


def keep_what_is_freed() -> None:
    """Let glibc's malloc keep what is freed for what comes next, instead of giving it back to the kernel.

    A training step asks for the same tensors as the one before. By default each is mapped, filled with zeros page by
    page, and unmapped again; and small pieces set aside are sorted again at every large one that is freed.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, MMAP_FROM)
        mallopt(TRIM_THRESHOLD, TRIM_FROM)
        mallopt(LARGEST_FASTBIN, 0)


def gather_into_large_pages() -> None:
    """Move what this process has in memory into pages of 2 MB: a fork then copies one entry where it copied 512.

    For 200 MB it takes 50 ms, some hundred where a virtual machine has to find memory first, and from then on nothing
    is shared with the process that we were forked from. A child that writes there still copies 4 kB at a time: the
    kernel splits the large page for it.
    """
    for mapping in _mappings():
        if mapping.access == b"rw-p" and mapping.name in ("", "[heap]") and mapping.size >= policy.LARGE_MAPPING:
            _advise(mapping, COLLAPSE)


def leave_untouched_memory_to_children() -> None:
    """Let malloc give our children memory that we never used, in pages of 2 MB, instead of what we have freed.

    What we have used and freed they would have to copy first, 4 kB at a time, only to write over it. The pages are
    made when they are touched: we grow by nothing. Call it last, when nothing of size is freed any more.
    """
    libc = ctypes.CDLL(None)
    begin = next((mapping.start for mapping in _mappings() if mapping.name == "[heap]"), 0)
    if not begin or not hasattr(libc, "mallopt"):
        return
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_size_t, [ctypes.c_size_t]
    libc.free.restype, libc.free.argtypes = None, [ctypes.c_size_t]
    libc.sbrk.restype, libc.sbrk.argtypes = ctypes.c_size_t, [ctypes.c_ssize_t]
    libc.malloc_trim(0)  # below the heap's end is nothing now but what is in use, and holes between
    libc.mallopt(MMAP_THRESHOLD, 1 << 11)  # what fits into no hole comes from elsewhere for a moment
    end = libc.sbrk(0)
    for power in range(24, 11, -1):
        while begin <= (piece := libc.malloc((1 << power) - 16)) < end:
            pass  # a hole that is taken is nobody's any more
        libc.free(piece)
    libc.mallopt(MMAP_THRESHOLD, MMAP_FROM)
    spare = libc.malloc(SPARE)
    fresh = libc.malloc(FRESH)
    libc.free(fresh)
    at_the_end = begin < spare < fresh < libc.sbrk(0)  # where malloc grows, unless it is kept from it
    if at_the_end:
        first = -(-fresh // LARGE_PAGE) * LARGE_PAGE
        libc.malloc(first - fresh - 16)  # what malloc notes about the rest lies in front of it: we write nothing there
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(FRESH - LARGE_PAGE), LARGE_PAGES)
    libc.free(spare)


def keep_gpu_tables_from_children() -> None:
    """Leave the large tables of libraries that need a GPU out of what children inherit; touching them ends a child."""
    library = ""
    for mapping in _mappings():
        if mapping.name:
            library = os.path.basename(mapping.name)  # noqa: PTH119 - text, not a place
            continue
        # Only what lies behind a library's own parts: those are read when an exception looks for its handler.
        own = mapping.access == b"rw-p" and mapping.size >= policy.LARGE_TABLE
        if own and library.startswith(policy.GPU_LIBRARIES):
            _advise(mapping, DONT_FORK)
        library = ""


def _mappings() -> Iterator[_Mapping]:
    for line in Path("/proc/self/maps").read_bytes().splitlines():
        fields = line.split(maxsplit=5)
        start, end = (int(address, 16) for address in fields[0].split(b"-"))
        yield _Mapping(start, end - start, fields[1], os.fsdecode(fields[5]) if len(fields) > 5 else "")


def _advise(mapping: _Mapping, advice: int) -> None:
    # A refusal only costs time.
    ctypes.CDLL(None).madvise(ctypes.c_void_p(mapping.start), ctypes.c_size_t(mapping.size), advice)
