"""Looking into files that mean harm: bounded, nothing unpacked to disk, and what was not looked into is said."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvlab.errors import UsageError
from cvlab.releasing import opening
from cvlab.releasing.leaks import files_at
from cvlab.releasing.opening import Budget, Look, Unread, looks


def unread(name: str, data: bytes, budget: Budget | None = None) -> list[str]:
    """Return what could not be looked into, as sentences."""
    found = list(looks(name, data, budget or Budget()))
    return [f"{one.place}: {one.why}" for one in found if isinstance(one, Unread)]


def texts(name: str, data: bytes) -> dict[str, str]:
    return {one.place: one.text for one in looks(name, data, Budget()) if isinstance(one, Look) and one.text}


def a_zip(name: str, data: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test reaches without a gigabyte."""
    monkeypatch.setattr(opening, "LARGEST", 1 << 20)


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize("pack", [lambda data: a_zip("a", data), gzip.compress, bz2.compress, zlib.compress])
def test_a_bomb_is_not_unpacked_beyond_the_bound(pack: object) -> None:
    assert callable(pack)
    bomb = pack(b"\0" * (64 << 20))
    budget = Budget(size=2 << 20)
    (told,) = unread("a", bomb, budget)
    assert told.endswith(opening.SPENT)
    assert budget.size > -(2 << 20)


def test_what_is_wrapped_too_often_is_told() -> None:
    data = b"secret"
    for _ in range(opening.DEEPEST + 2):
        data = a_zip("a.zip", data, zipfile.ZIP_STORED)
    assert any("wrapped more than" in told for told in unread("a.zip", data))


def test_many_members_are_no_more_than_the_budget() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(200):
            archive.writestr(f"{number}", "")
    assert any(told.endswith(opening.SPENT) for told in unread("a.zip", buffer.getvalue(), Budget(pieces=50)))


def encrypted() -> bytes:
    data = bytearray(a_zip("a.py", b"x = 1"))
    central = data.index(b"PK\x01\x02")
    data[6] |= 1
    data[central + 8] |= 1
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(a_zip("a.py", b"x = 1" * 100))
    data[36:40] = b"\xff" * 4
    return bytes(data)


CANNOT = {
    "an encrypted zip": (encrypted(), "cannot be unpacked"),
    "a damaged member": (damaged(), "cannot be unpacked"),
    "a gzip cut short at once": (b"\x1f\x8b\x08\x00\xff\xff", "cut short"),
    "another compression": (b"\x28\xb5\x2f\xfd" + b"\0" * 20, "zstandard"),
    "an archive of another kind": (b"7z\xbc\xaf'\x1c" + b"\0" * 20, "7z"),
    "compiled Python": (b"\xa7\r\r\n" + b"\0" * 12 + b"\xe3", "compiled Python"),
    "JSON nested too deep for anybody": (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
}


@pytest.mark.parametrize("name", CANNOT)
def test_what_cannot_be_looked_into_is_told(name: str) -> None:
    data, why = CANNOT[name]
    assert any(why in told for told in unread("a", data))


def test_names_that_point_elsewhere_are_only_names(tmp_path: Path) -> None:
    data = a_zip("../../outside.py", b"x = 1")
    assert "a.zip » ../../outside.py" in texts("a.zip", data)
    assert not list(tmp_path.iterdir())


def test_a_name_cannot_draw_on_the_terminal() -> None:
    data = a_zip("a\x1b[2J\u202eb.py", b"x = 1")
    places = list(texts("a.zip", data))
    assert not [place for place in places if "\x1b" in place or "\u202e" in place]


def test_links_and_devices_in_a_tar_are_only_names() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind, name in ((tarfile.SYMTYPE, "link"), (tarfile.CHRTYPE, "device"), (tarfile.FIFOTYPE, "pipe")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    found = texts("a.tar", buffer.getvalue())
    assert any("/etc/passwd" in text for text in found.values())
    assert not any("root:" in text for text in found.values())


def test_a_tar_with_a_lying_size_is_told() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("a")
        info.size = 10
        archive.addfile(info, io.BytesIO(b"0123456789"))
    data = buffer.getvalue()[:514]
    assert unread("a.tar", data) or texts("a.tar", data)


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "link").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "kit" / "loop").symlink_to(tmp_path / "kit")
    found = dict(files_at(tmp_path / "kit"))
    assert "link/secret.txt" not in found
    assert not [name for name in found if name.startswith("loop/")]
    assert b"secret.txt" in found["link"]


def test_a_pipe_in_a_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        list(files_at(tmp_path))


def test_nothing_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        list(files_at(tmp_path / "kit"))


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
def test_no_bytes_lead_to_an_error_of_ours(data: bytes) -> None:
    for head in (b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"\x78\x9c", b'{"a": '):
        list(looks("a", head + data, Budget()))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_no_damage_to_an_archive_leads_to_an_error_of_ours(data: bytes, place: int, byte: int) -> None:
    archive = bytearray(a_zip("a.py", data))
    archive[place % len(archive)] = byte
    list(looks("a.zip", bytes(archive), Budget()))


def test_a_central_directory_that_lies_about_everything_is_told() -> None:
    data = bytearray(a_zip("a.py", b"x = 1" * 50))
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<II", data, central + 20, 0xFFFFFFF0, 0xFFFFFFF0)
    assert unread("a.zip", bytes(data)) or texts("a.zip", bytes(data))


def test_a_long_line_of_base64_takes_no_time_worth_speaking_of() -> None:
    data = json.dumps({"image/png": "QUJD" * 500_000}).encode()
    budget = Budget()
    list(looks("a.json", data, budget))
    assert budget.size > opening.MOST_BYTES - 40 * len(data)  # each byte is looked at a few times, not once per byte
