"""Memory that is cheap to fork and cheap to reuse: what it must not change, and what it must save."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
WHO_GETS_THEM = Path("/sys/kernel/mm/transparent_hugepage/enabled")
KERNEL = tuple(map(int, os.uname().release.split("-")[0].split(".")[:2]))

STEPS = """
import ctypes, resource, torch
from cvlab.sandbox import pages

def faults_of_a_step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [torch.ones(2 << 20) for _ in range(10)]  # ten times 8 MB
    del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

torch.set_num_threads(1)
ctypes.CDLL(None).mallopt(-3, 128 << 10)  # what glibc begins with, held fast: what is larger is mapped and unmapped
if KEEP:
    pages.keep_what_is_freed()
faults_of_a_step()
print(min(faults_of_a_step() for _ in range(5)))
"""

GATHERING = """
import os
from cvlab.sandbox import pages

def large_kb():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages:"))

pattern = bytes(range(251)) * 131_072  # 33 MB that no page repeats
held = [bytearray(pattern), bytearray(pattern[::-1])]
reader, writer = os.pipe()
pages.gather_into_large_pages()
large = large_kb()
child = os.fork()
if child == 0:
    held[0][::4096] = bytes(len(held[0][::4096]))
    os.write(writer, b"." if held[1] == pattern[::-1] and held[0][1:4096] == pattern[1:4096] else b"!")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0 and os.read(reader, 1) == b".", "the child lost something"
assert held == [pattern, pattern[::-1]], "what the child wrote is ours"
print(large)
"""

UNTOUCHED = """
import os, resource
from cvlab.sandbox import pages

def resident_kb():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Rss:"))

pages.keep_what_is_freed()
held = [bytes([number % 251]) * (3000 + number) for number in range(8000)]  # 55 MB
expected = held[1::2]
del held[::2]  # half of it are holes now
before = resident_kb()
if LEAVE:
    pages.leave_untouched_memory_to_children()
grown = resident_kb() - before
assert grown < 1024, f"it took {grown} kB itself"
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    fresh = [bytearray([number]) * 40_000 for number in range(200)]  # 8 MB in pieces that fit into few holes
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert held == expected and all(set(piece) == {number} for number, piece in enumerate(fresh))
    more = [bytearray([number]) * 400_000 for number in range(150)]  # 60 MB, more than was left
    assert held == expected and all(piece.count(number) == len(piece) for number, piece in enumerate(more))
    os.write(writer, str(faults).encode())
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
again = [bytes([number % 7]) * 5000 for number in range(2000)]
assert held == expected and all(piece == bytes([number % 7]) * 5000 for number, piece in enumerate(again))
print(os.read(reader, 99).decode())
"""


def test_a_step_that_asks_for_what_the_last_one_freed_costs_no_page() -> None:
    assert _printed(STEPS.replace("KEEP", "False")) > 1000  # or there would be nothing to save
    assert _printed(STEPS.replace("KEEP", "True")) < 100


@pytest.mark.skipif(KERNEL < (6, 1) or not LARGE_PAGES.exists(), reason="this kernel does not gather pages")
def test_gathered_memory_lies_in_large_pages_and_is_what_it_was() -> None:
    assert _printed(GATHERING) >= 32 << 10


gives_large_pages = pytest.mark.skipif(
    not WHO_GETS_THEM.exists() or "[never]" in WHO_GETS_THEM.read_text(), reason="this system gives no large pages"
)


@gives_large_pages
def test_a_child_finds_memory_that_nobody_used_and_everything_else_as_it_was() -> None:
    assert _printed(UNTOUCHED.replace("LEAVE", "False")) > 1000  # 8 MB, 4 kB at a time
    assert _printed(UNTOUCHED.replace("LEAVE", "True")) < 200


@gives_large_pages
def test_it_does_so_too_where_memory_is_laid_out_upwards() -> None:
    upwards = (  # with a stack that may grow for ever, the kernel maps below the heap what it maps above it elsewhere
        "import os, resource, sys; hard = resource.getrlimit(resource.RLIMIT_STACK)[1];"
        "resource.setrlimit(resource.RLIMIT_STACK, (hard, hard));"
        "os.execv(sys.executable, [sys.executable, '-c', sys.argv[1]])"
    )
    assert _printed(upwards, UNTOUCHED.replace("LEAVE", "True")) < 200


def _printed(program: str, *arguments: str) -> int:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
