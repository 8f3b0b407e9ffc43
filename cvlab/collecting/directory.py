"""A zip's table of contents: one member's entry that zipfile chokes on must not cost all the others.

zipfile reads the table at once and refuses the archive for any malformed entry in it. Here such entries are mended just
so far that it can be read; whatever is wrong with the member itself then comes out when it is opened.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

ENTRY = 46
SIGNATURE = b"PK\x01\x02"
UTF8 = 0x800
SENTINEL = 0xFFFFFFFF
NEWEST_VERSION = 63
ZIP64, UNICODE_PATH, UNKNOWN = 0x0001, 0x7075, 0xFFFF


def mended(directory: bytes) -> bytes:
    """Return a table of contents of the same length in which every entry can be read."""
    data = bytearray(directory)
    at = 0
    while data[at : at + 4] == SIGNATURE and at + ENTRY <= len(data):
        version, flags = struct.unpack_from("<HH", data, at + 6)
        name_size, extra_size, comment_size = struct.unpack_from("<HHH", data, at + 28)
        extra_at = at + ENTRY + name_size
        if version > NEWEST_VERSION:
            struct.pack_into("<H", data, at + 6, NEWEST_VERSION)
        if flags & UTF8 and not _is_utf8(data[at + ENTRY : extra_at]):
            struct.pack_into("<H", data, at + 8, flags & ~UTF8)
        if extra_size >= 4 and not _is_sound(bytes(data[at:extra_at]), bytes(data[extra_at : extra_at + extra_size])):
            struct.pack_into("<HH", data, extra_at, UNKNOWN, extra_size - 4)
        at = extra_at + extra_size + comment_size
    return bytes(data[: len(directory)])


def _is_sound(entry: bytes, extra: bytes) -> bool:
    packed, unpacked = struct.unpack_from("<LL", entry, 20)
    offset = struct.unpack_from("<L", entry, 42)[0]
    wanted = 8 * sum(size == SENTINEL for size in (packed, unpacked, offset))
    for kind, value in _fields(extra):
        if value is None or (kind == ZIP64 and len(value) < wanted):
            return False
        if kind == UNICODE_PATH and (len(value) < 5 or not _is_utf8(value[5:])):
            return False
    return True


def _fields(extra: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Yield the kind and value of each extra field; None for a value that is cut off."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        yield kind, extra[4 : 4 + size] if 4 + size <= len(extra) else None
        extra = extra[4 + size :]


def _is_utf8(name: bytes | bytearray) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
