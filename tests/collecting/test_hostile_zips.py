"""Zips made to do harm: nothing outside is touched, nothing is filled up, and each hostile member costs itself alone.

Every zip here also holds honest work, which must be found whole.
"""

from __future__ import annotations

import os
import stat
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvlab.collecting import Collection, collect
from cvlab.collecting.archive import MAX_DIRECTORY
from cvlab.collecting.naming import MAX_KEY
from cvlab.drill import Drill
from cvlab.errors import BadCollection, BadSubmission
from cvlab.submission import MAX_BYTES
from cvlab.text import visible

HONEST = b"# honest work\n"


class Zip:
    """A zip in the making, whose table of contents may lie."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.directory: list[bytes] = []

    def add(
        self,
        name: bytes | str,
        contents: bytes = b"x = 1\n",
        *,
        method: int = 8,
        flags: int = 0x800,
        mode: int = 0,
        says: int | None = None,
        packed: bytes | None = None,
        offset: int | None = None,
        version: int = 20,
        extra: bytes = b"",
        crc: int | None = None,
    ) -> Zip:
        raw = name.encode("utf-8", "surrogatepass") if isinstance(name, str) else name
        if packed is None:
            packed = zlib.compress(contents, wbits=-15) if method == 8 else contents
        size = len(contents) if says is None else says
        crc = zlib.crc32(contents) if crc is None else crc
        here = len(self.data) if offset is None else offset
        fields = struct.pack("<HHHHHLLLHH", version, flags, method, 0, 0x5C21, crc, len(packed), size, len(raw), 0)
        self.data += b"PK\x03\x04" + fields + raw + packed
        entry = b"PK\x01\x02" + struct.pack("<H", 3 << 8 | 20) + fields[:-2]
        entry += struct.pack("<HHHHLL", len(extra), 0, 0, 0, mode << 16, here) + raw + extra
        self.directory.append(entry)
        return self

    def write(self, path: Path) -> Path:
        directory = b"".join(self.directory)
        count = min(len(self.directory), 0xFFFF)
        end = struct.pack("<HHHHLLH", 0, 0, count, count, len(directory), len(self.data), 0)
        path.write_bytes(bytes(self.data) + directory + b"PK\x05\x06" + end)
        return path


def with_honest() -> Zip:
    return Zip().add("honest/residual_block.py", HONEST)


@pytest.fixture(autouse=True)
def nothing_outside_is_touched(tmp_path: Path) -> Iterator[None]:
    yield
    assert {path.name for path in tmp_path.iterdir()} <= {"all.zip", "download"}
    assert not (tmp_path.parent / "evil.py").exists()


def only_honest(collection: Collection) -> Collection:
    assert [(one.student.key, one.read()) for one in collection.handed_in] == [("honest", HONEST)]
    return collection


REFUSED: dict[str, tuple[Callable[[Zip], object], str]] = {
    "a path out of the archive": (lambda z: z.add("../evil.py"), "leads out of the archive"),
    "a path out of a student's folder": (lambda z: z.add("mallory/../honest/residual_block.py"), "leads out"),
    "an absolute name": (lambda z: z.add("/tmp/evil.py"), "outside the archive"),
    "a drive letter": (lambda z: z.add("C:/mallory/evil.py"), "outside the archive"),
    "a stream of another file": (lambda z: z.add("c:mallory/evil.py"), "outside the archive"),
    "backslashes": (lambda z: z.add("mallory\\..\\honest\\residual_block.py"), "backslash"),
    "a NUL in the name": (lambda z: z.add("mallory/evil.py\0.txt"), "NUL"),
    "a symbolic link": (lambda z: z.add("mallory/evil.py", b"/etc/passwd", mode=stat.S_IFLNK | 0o777), "link"),
    "a link to a folder": (lambda z: z.add("mallory/d", b"../honest", mode=stat.S_IFLNK | 0o777), "link"),
    "a device": (lambda z: z.add("mallory/evil.py", b"", mode=stat.S_IFCHR | 0o666), "device"),
    "a pipe": (lambda z: z.add("mallory/evil.py", b"", mode=stat.S_IFIFO | 0o666), "pipe"),
    "an encrypted member": (lambda z: z.add("mallory/evil.py", flags=0x801), "encrypted"),
    "an unknown compression": (lambda z: z.add("mallory/evil.py", method=9), "method 9"),
    "a known one that cannot be bounded": (lambda z: z.add("mallory/evil.py", method=12), "method 12"),
    "a name without end": (lambda z: z.add("mallory/" + "a" * 60_000 + ".py"), "longer than any system allows"),
    "folders without end": (lambda z: z.add("mallory/" + "a/" * 400 + "evil.py"), "longer than any system allows"),
    "two files of one name": (
        lambda z: z.add("mallory/residual_block.py", b"a").add("mallory/./residual_block.py", b"b"),
        "two files of this name",
    ),
    "a size that says less than there is": (
        lambda z: z.add("mallory/residual_block.py", b"x" * 9_000, says=10),
        "damaged in the archive",
    ),
    "a size that says more than there is": (
        lambda z: z.add("mallory/residual_block.py", b"x" * 10, says=9_000),
        "another size",
    ),
    "a wrong checksum": (lambda z: z.add("mallory/residual_block.py", crc=1), "damaged in the archive"),
    "bytes that do not decompress": (
        lambda z: z.add("mallory/residual_block.py", packed=b"\xff" * 50),
        "damaged in the archive",
    ),
    "a place after the end": (
        lambda z: z.add("mallory/residual_block.py", offset=10**9),
        "damaged in the archive",
    ),
    "a name that is no UTF-8 but says so": (lambda z: z.add(b"mallory\xff/residual_block.py"), ""),
    "a version nobody has": (lambda z: z.add("mallory/a.docx", version=9_999), "Neither .py"),
    "an extra field cut off": (lambda z: z.add("mallory/a.docx", extra=struct.pack("<HH", 1, 500)), "Neither .py"),
    "sizes of many gigabytes that are nowhere": (
        lambda z: z.add("mallory/a.docx", says=0xFFFFFFFF, extra=struct.pack("<HH", 1, 0)),
        "Neither .py",
    ),
}


@pytest.mark.parametrize("trick", REFUSED)
def test_a_hostile_member_is_left_out_with_its_reason_and_costs_nobody_else(
    tmp_path: Path, residual_block: list[Drill], trick: str
) -> None:
    add, why = REFUSED[trick]
    archive = with_honest()
    add(archive)
    collection = collect(archive.write(tmp_path / "all.zip"), residual_block)
    if why:
        only_honest(collection)
        assert collection.left_out
        assert all(why in left.why and left.why.endswith(".") for left in collection.left_out)
    else:
        assert ("honest", HONEST) in [(one.student.key, one.read()) for one in collection.handed_in]
        assert len(collection.handed_in) + len(collection.left_out) == 2


def test_members_that_share_bytes_are_both_left_out(tmp_path: Path, residual_block: list[Drill]) -> None:
    archive = with_honest().add("ada/residual_block.py", b"a" * 100, method=0)
    at = len(archive.data) - 150
    archive.add("mallory/residual_block.py", offset=at)
    archive.data = archive.data[: -len(archive.data) + at + 150]
    collection = only_honest(collect(archive.write(tmp_path / "all.zip"), residual_block))
    assert {one.what for one in collection.left_out} == {"ada/residual_block.py", "mallory/residual_block.py"}
    assert all("shares its bytes" in one.why for one in collection.left_out)


def test_one_kernel_of_bytes_is_no_submission_of_thousands(tmp_path: Path, residual_block: list[Drill]) -> None:
    archive = with_honest().add("kernel/residual_block.py", b"k" * 1_000)
    for number in range(2_000):
        archive.directory.append(archive.directory[1].replace(b"kernel/", b"k%05d/" % number))
    collection = only_honest(collect(archive.write(tmp_path / "all.zip"), residual_block))
    assert len(collection.left_out) == 2_001


def test_a_bomb_is_told_by_its_size_and_never_unpacked(tmp_path: Path, residual_block: list[Drill]) -> None:
    stream = zlib.compressobj(9, wbits=-15)
    bomb = b"".join([*(stream.compress(bytes(2**20)) for _ in range(300)), stream.flush()])
    archive = with_honest()
    for student, says in {"truthful": 300 * 2**20, "lying": 1_000}.items():
        archive.add(f"{student}/residual_block.py", packed=bomb, says=says, crc=0)
    path = archive.write(tmp_path / "all.zip")
    tracemalloc.start()
    collection = collect(path, residual_block)
    by_student = {one.student.key: one for one in collection.handed_in}
    with pytest.raises(BadSubmission, match="314,572,800 bytes, and the limit is 1,000,000"):
        by_student["truthful"].read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20
    assert by_student["honest"].read() == HONEST
    assert ["damaged" in one.why for one in collection.left_out] == [True]


def test_a_member_as_large_as_a_submission_may_be_is_read(tmp_path: Path, residual_block: list[Drill]) -> None:
    archive = (
        with_honest()
        .add("ada/residual_block.py", b"#" * MAX_BYTES)
        .add("bob/residual_block.py", b"#" * (MAX_BYTES + 1))
    )
    by_student = {
        one.student.key: one for one in collect(archive.write(tmp_path / "all.zip"), residual_block).handed_in
    }
    assert len(by_student["ada"].read()) == MAX_BYTES
    with pytest.raises(BadSubmission):
        by_student["bob"].read()


def test_a_table_of_contents_without_end_is_refused_before_it_is_read(
    tmp_path: Path, residual_block: list[Drill]
) -> None:
    archive = with_honest()
    archive.directory.append(archive.directory[0] * (MAX_DIRECTORY // len(archive.directory[0])))
    path = archive.write(tmp_path / "all.zip")
    tracemalloc.start()
    with pytest.raises(BadCollection, match="table of contents of 16,777,"):
        collect(path, residual_block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_a_download_cut_off_anywhere_is_refused_whole(tmp_path: Path, residual_block: list[Drill]) -> None:
    whole = with_honest().add("ada/residual_block.py").write(tmp_path / "all.zip").read_bytes()
    for size in range(0, len(whole), 7):
        (tmp_path / "all.zip").write_bytes(whole[:size])
        with pytest.raises(BadCollection) as caught:
            collect(tmp_path / "all.zip", residual_block)
        assert "Download it again" in caught.value.remedy


def test_a_name_that_moves_the_cursor_is_shown_spelled_out(tmp_path: Path, residual_block: list[Drill]) -> None:
    evil = "mallory\x1b[2J\u202e/residual_block\r\n\x07.py"
    archive = with_honest().add(evil).add("\u202eeve\x1b[2J/essay\x9b.docx")
    collection = collect(archive.write(tmp_path / "all.zip"), residual_block)
    texts = [text for one in collection.handed_in for text in (one.student.key, one.student.name, one.file)]
    texts += [text for one in collection.left_out for text in (one.what, one.why)]
    assert all(text == visible(text, keep_newlines=False) for text in texts)
    assert len(collection.handed_in) == 2


def test_names_in_old_encodings_are_one_students(tmp_path: Path, residual_block: list[Drill]) -> None:
    """macOS writes UTF-8 without saying so; Windows its own code page, which only keeps ASCII."""
    archive = (
        with_honest().add("José/residual_block.py", flags=0).add("Jos\x82/residual_block.py".encode("latin-1"), flags=0)
    )
    keys = [one.student.key for one in collect(archive.write(tmp_path / "all.zip"), residual_block).handed_in]
    assert keys == ["honest"]  # both are José, and nobody can tell that they are one
    archive = with_honest().add("Jos\x82/residual_block.py".encode("latin-1"), flags=0)
    keys = [one.student.key for one in collect(archive.write(tmp_path / "all.zip"), residual_block).handed_in]
    assert keys == ["honest", "josé"]


def test_an_archive_that_changes_is_nobodys_submission(tmp_path: Path, residual_block: list[Drill]) -> None:
    path = with_honest().write(tmp_path / "all.zip")
    (handed,) = collect(path, residual_block).handed_in
    Zip().add("honest/residual_block.py", b"# somebody else's\n").write(path)
    with pytest.raises(BadCollection, match="changed"):
        handed.read()
    path.unlink()
    with pytest.raises(BadCollection, match="cannot be read"):
        handed.read()


def test_every_process_reads_for_itself(tmp_path: Path, residual_block: list[Drill]) -> None:
    """A forked process shares its parent's place in open files; reading at once in both must not mix them up."""
    archive = Zip()
    for number in range(60):
        archive.add(f"s{number:02}/residual_block.py", b"%d\n" % number * 3_000)
    handed_in = collect(archive.write(tmp_path / "all.zip"), residual_block).handed_in
    children = []
    for _ in range(3):
        child = os.fork()
        if not child:
            same = all(one.read() == b"%d\n" % n * 3_000 for _ in range(5) for n, one in enumerate(handed_in))
            os._exit(0 if same else 1)
        children.append(child)
    assert all(one.read() == b"%d\n" % n * 3_000 for n, one in enumerate(handed_in))
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]


def collected(path: Path, drills: list[Drill]) -> Collection:
    """Return what is found; a refusal with its remedy finds nothing, and any other exception fails the test."""
    try:
        return collect(path, drills)
    except BadCollection as refusal:
        return Collection(layout=f"{refusal.fact} {refusal.remedy}", handed_in=[])


NAMES = st.text(st.sampled_from("aAé\u0301/\\.:_- 01\0\u202e\x1b") | st.characters(), max_size=40)
PIECES = st.sampled_from(
    [
        "honest",
        "Honest",
        "../",
        "residual_block",
        ".py",
        ".ipynb",
        "_1_2_",
        "_5_assignsubmission_file",
        "/",
        "LATE_",
        "anon_",
    ]
)
MEMBERS = st.lists(
    st.tuples(NAMES | st.lists(PIECES | NAMES, max_size=6).map("".join), st.binary(max_size=20)), min_size=1, max_size=8
)


@given(members=MEMBERS, flags=st.sampled_from([0, 0x800]))
@settings(max_examples=300, deadline=None)
def test_any_names_give_submissions_or_reasons(
    tmp_path_factory: pytest.TempPathFactory, residual_block: list[Drill], members: list[tuple[str, bytes]], flags: int
) -> None:
    archive = Zip()
    for name, contents in members:
        archive.add(name, contents, flags=flags)
    path = archive.write(tmp_path_factory.mktemp("any") / "all.zip")
    collection = collected(path, residual_block)
    contents = [contents for _, contents in members]
    for one in collection.handed_in:
        assert one.read() in contents
        assert 0 < len(one.student.key) <= MAX_KEY
        for text in (one.student.key, one.student.name, one.file):
            assert text == visible(text, keep_newlines=False)
    assert len({one.student.key for one in collection.handed_in}) == len(collection.handed_in)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_damage_gives_submissions_or_reasons(
    tmp_path_factory: pytest.TempPathFactory, residual_block: list[Drill], data: st.DataObject
) -> None:
    archive = with_honest().add("ada/residual_block.py", b"# ada\n" * 50).add("bob/x.py", b"# bob\n" * 50, method=0)
    whole = bytearray(archive.write(tmp_path_factory.mktemp("any") / "all.zip").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("any") / "all.zip"
    path.write_bytes(whole)
    collection = collected(path, residual_block)
    honest = {HONEST, b"# ada\n" * 50, b"# bob\n" * 50}
    assert {one.read() for one in collection.handed_in} <= honest
