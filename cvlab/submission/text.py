"""From a file's bytes to Python text, in the encoding that the file declares."""

from __future__ import annotations

import codecs
import io
import tokenize

from cvlab.errors import BadSubmission
from cvlab.text import one_line, visible

#: Encodings a `.py` file may declare, by Python's own names. All of them keep ASCII as it is and decode in linear time;
#: `idna` and `punycode` take quadratic time, `unicode_escape` and `utf-7` write one text in many ways.
ENCODINGS = frozenset(
    {"utf-8", "ascii", "big5", "cp932", "cp949", "cp950", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "shift_jis"}
    | {"koi8-r", "koi8-u", "mac-roman"}
    | {f"cp{number}" for number in range(1250, 1259)}
    | {f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17))}
)

SAVE_AS_UTF8 = "Save it again as plain text in UTF-8."


def safe_name(name: str, limit: int = 300) -> str:
    """Return `name` on one line; newlines are spelled out before `one_line` would fold them into spaces."""
    return one_line(visible(name, keep_newlines=False), limit)


def with_unix_newlines(text: str) -> str:
    """Return `text` with every line ended by one line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def python_text(data: bytes, shown: str) -> str:
    """Return `data` decoded as its coding line says, else as UTF-8.

    Raises BadSubmission for bytes that are no such text and for an encoding that is none of `ENCODINGS`.
    """
    unix = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # so that a coding line is looked for in lines 1 and 2
    try:
        declared, _ = tokenize.detect_encoding(io.BytesIO(unix).readline)
    except SyntaxError as error:
        decoded(data, "utf-8", shown)  # without a coding line a wrong byte is the reason, and its place helps more
        fact = f"has a coding line that cannot be followed ({safe_name(str(error.msg))})."
        raise BadSubmission(shown, fact, "Save it as UTF-8 and delete that line.") from None
    encoding = codecs.lookup(declared.removesuffix("-sig")).name
    if encoding not in ENCODINGS:
        fact = f"declares the encoding {safe_name(declared)}, which cvlab does not read."
        raise BadSubmission(shown, fact, "Save it as UTF-8 and delete that line.")
    return decoded(data, encoding, shown)


def decoded(data: bytes, encoding: str, shown: str) -> str:
    """Return `data` as text, without a byte order mark."""
    start = len(codecs.BOM_UTF8) if encoding == "utf-8" and data.startswith(codecs.BOM_UTF8) else 0
    try:
        return data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        offset = start + error.start
        before = data[:offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        line = before.count(b"\n") + 1
        fact = f"holds the byte 0x{data[offset]:02x} at offset {offset} (line {line}), which is not {encoding} text."
        raise BadSubmission(shown, fact, SAVE_AS_UTF8) from None
