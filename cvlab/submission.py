"""Reads one submitted file, a `.py` or a notebook, as data: nothing in it is run, parsed as Python or trusted.

A syntax error is the student's to hear about, from the sandbox; what is refused here is what no Python could run.

The limits of the magic handling, which tracks strings, brackets and backslashes but does not parse: IPython's auto-call
lines (`,f x`, `;f x`, `/f x`), pasted prompts (`>>> `), a top-level `await` and the dedenting of a wholly indented cell
are left as they are; `%time x = f()` is commented out with its assignment; after a bracket or a triple quote that is
never closed, which is a syntax error, the rest of that cell is left as it is.
"""

from __future__ import annotations

import bisect
import codecs
import errno
import hashlib
import io
import json
import os
import re
import stat
import tokenize
from pathlib import Path
from typing import NoReturn

import msgspec

from cvlab.errors import BadSubmission
from cvlab.report import Where
from cvlab.text import one_line, visible

#: The largest file that is read. A drill's solution has a few hundred lines, some 20 kB; a notebook with some small
#: figures still fits. Everything below is linear in the size, so this also bounds the time a hostile file can take.
MAX_BYTES = 1_000_000

#: A notebook's cells with this tag are left out.
SKIP_TAG = "cvlab-skip"

#: Cell magics whose body is plain Python for the student's own namespace: only the magic line goes.
TRANSPARENT_CELL_MAGICS = frozenset({"time", "timeit", "capture", "check"})

#: Encodings a `.py` file may declare, by Python's own names. All of them keep ASCII as it is and decode in linear time;
#: `idna` and `punycode` take quadratic time, `unicode_escape` and `utf-7` write one text in many ways.
ENCODINGS = frozenset(
    {"utf-8", "ascii", "big5", "cp932", "cp949", "cp950", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "shift_jis"}
    | {"koi8-r", "koi8-u", "mac-roman"}
    | {f"cp{number}" for number in range(1250, 1259)}
    | {f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17))}
)

_SUBSCRIPT = r"""\[(?:[\w.,:\s-]*+|'[^'"\\]*+'|"[^'"\\]*+")\]"""
_CELL_MAGIC = re.compile(r"\s*+%%(\w++)(?!\?)")
_MAGIC = re.compile(
    rf"""\s*+(?:[%!?]                                                # %magic, !shell, ?help
    |[^\W\d][\w.*]*+(?:{_SUBSCRIPT}[\w.*]*+)*+\?{{1,2}}\s*+$         # name?, name.attribute??, name[0]?
    |[^\W\d][\w.,:*\s]*+(?:{_SUBSCRIPT}[\w.,:*\s]*+)*+=\s*+[%!]      # name = %magic, a, b = !shell
    )""",
    re.VERBOSE,
)
_OUTSIDE_STRINGS = re.compile(r"""\#|'''|\"\"\"|['"(\[{)\]}]|\\$""", re.VERBOSE)
_INSIDE_STRING = {quote: re.compile(rf"\\.?|{quote}") for quote in ("'", '"', "'''", '"""')}


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody handed in for one drill."""

    name: str
    """The file's name, safe to show."""
    sha256: str
    """Of the file's bytes as they were handed in."""
    source: str
    """Python source with `\\n` line ends; for a notebook, its code cells joined. Already decoded: compile it as text,
    for a coding line in it may no longer be true of its bytes."""
    cells: list[tuple[int, int]] = []
    """For each cell in `source`: its first line there, and its number among all code cells of the notebook from 1,
    skipped and empty ones included, so that it is the number a reader gets by counting. Empty for a `.py` file."""
    notes: list[str] = []
    """What a reader should know about how the file was read."""

    def where(self, line: int) -> Where:
        """Return the place that is `line` (from 1) of `source`; a line out of range becomes the nearest there is."""
        lines = self.source.split("\n")
        last = max(1, len(lines) - (not lines[-1]))
        line = min(max(1, line), last)
        text = one_line(lines[line - 1])
        if not self.cells:
            return Where(file=self.name, line=line, text=text)
        index = max(0, bisect.bisect_right(self.cells, line, key=lambda cell: cell[0]) - 1)
        first, number = self.cells[index]
        return Where(file=f"{self.name}[cell {number}]", line=line - first + 1, text=text)

    def definition(self, name: str) -> Where | None:
        """Return where `class name`, `def name` or `name =` last stands at the left margin, or None.

        Lines inside strings and brackets do not count; definitions inside an `if` or `try` are not seen.
        """
        name = re.escape(name)
        pattern = re.compile(rf"(?:(?:async\s+)?def|class)\s+{name}(?!\w)|{name}\s*(?::[^=]*)?=(?!=)")
        found, tracker = None, _StatementTracker()
        for number, line in enumerate(self.source.split("\n"), start=1):
            if tracker.at_statement and pattern.match(line):
                found = number
            tracker.feed(line)
        return None if found is None else self.where(found)


def read_submission(path: Path, *, max_bytes: int = MAX_BYTES) -> Submission:
    """Read the `.py` or `.ipynb` file at `path`, at most `max_bytes` bytes of it, without running any of it.

    A symbolic link is followed, and a note says so. Never blocks: only regular files are read.

    Raises:
        BadSubmission: the file cannot be read as Python source or as a notebook of format 4; never another exception.
    """
    shown = _safe_name(str(path), 1_000)
    data = _regular_file_bytes(path, shown, max_bytes)
    notes = ["the file is a symbolic link; the file it points to was read"] if path.is_symlink() else []
    nul = data.find(b"\0")
    if nul >= 0:
        raise BadSubmission(shown, f"holds a NUL byte at offset {nul}, so it is not text.", _SAVE_AS_UTF8)
    cells: list[tuple[int, int]] = []
    if path.suffix.lower() == ".py":
        source = _with_unix_newlines(_python_text(data, shown))
    else:
        source, cells, more_notes = _notebook_source(data, shown)
        notes += more_notes
    digest = hashlib.sha256(data).hexdigest()
    return Submission(name=_safe_name(path.name), sha256=digest, source=source, cells=cells, notes=notes)


# --- the file -------------------------------------------------------------------------------------------------------

_SAVE_AS_UTF8 = "Save it again as plain text in UTF-8."


def _safe_name(name: str, limit: int = 300) -> str:
    """Return `name` on one line; newlines are spelled out before `one_line` would fold them into spaces."""
    return one_line(visible(name, keep_newlines=False), limit)


def _regular_file_bytes(path: Path, shown: str, max_bytes: int) -> bytes:
    # O_NONBLOCK and the second look at the opened file: between stat and open somebody may put a pipe in its place.
    flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"))
    try:
        _refuse_unfit(path.stat(), path, shown, max_bytes)
        with os.fdopen(os.open(path, flags), "rb") as file:
            _refuse_unfit(os.fstat(file.fileno()), path, shown, max_bytes)
            data = file.read(max_bytes + 1) or b""  # None: nothing to read without waiting
    except OSError as error:
        _refuse_unreadable(error, shown)
    except ValueError:  # a NUL or a lone surrogate in the path
        raise BadSubmission(shown, "is not a possible file name.", "Rename the file.") from None
    if len(data) > max_bytes:  # it grew, or is one of those whose size says 0
        _refuse_oversized(path, shown, f"more than {max_bytes:,}", max_bytes)
    return data


def _refuse_unfit(status: os.stat_result, path: Path, shown: str, max_bytes: int) -> None:
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise BadSubmission(shown, "is a directory.", "Name the .py or .ipynb file inside it.")
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(mode), "a device")
        raise BadSubmission(shown, f"is {kind}, not a regular file.", "Hand in a .py or .ipynb file.")
    if path.suffix.lower() not in (".py", ".ipynb"):
        suffix = f"ends in {_safe_name(path.suffix)}" if path.suffix else "has no suffix"
        raise BadSubmission(shown, f"{suffix}, but cvlab reads .py and .ipynb.", "Hand in a .py or .ipynb file.")
    if status.st_size > max_bytes:
        _refuse_oversized(path, shown, f"{status.st_size:,}", max_bytes)


def _refuse_oversized(path: Path, shown: str, size: str, max_bytes: int) -> NoReturn:
    remedy = "Hand in only the code of this drill."
    if path.suffix.lower() == ".ipynb":
        remedy = "Clear the notebook's outputs, which hold its pictures, and save it again."
    raise BadSubmission(shown, f"has {size} bytes, and the limit is {max_bytes:,}.", remedy)


def _refuse_unreadable(error: OSError, shown: str) -> NoReturn:
    fact, remedy = {
        errno.ENOENT: ("does not exist.", "Check the path for a typing mistake."),
        errno.ENOTDIR: ("does not exist: part of its path is a file.", "Check the path for a typing mistake."),
        errno.EACCES: ("may not be read.", "Give yourself permission to read it (chmod u+r)."),
        errno.ELOOP: ("is a symbolic link that leads in a circle.", "Hand in the file itself."),
    }.get(error.errno or 0, (f"cannot be read: {error.strerror}.", "Copy the file elsewhere and try again."))
    raise BadSubmission(shown, fact, remedy) from None


# --- Python text ----------------------------------------------------------------------------------------------------


def _with_unix_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _python_text(data: bytes, shown: str) -> str:
    unix = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # so that a coding line is looked for in lines 1 and 2
    try:
        declared, _ = tokenize.detect_encoding(io.BytesIO(unix).readline)
    except SyntaxError as error:
        _decoded(data, "utf-8", shown)  # without a coding line a wrong byte is the reason, and its place helps more
        fact = f"has a coding line that cannot be followed ({_safe_name(str(error.msg))})."
        raise BadSubmission(shown, fact, "Save it as UTF-8 and delete that line.") from None
    encoding = codecs.lookup(declared.removesuffix("-sig")).name
    if encoding not in ENCODINGS:
        fact = f"declares the encoding {_safe_name(declared)}, which cvlab does not read."
        raise BadSubmission(shown, fact, "Save it as UTF-8 and delete that line.")
    return _decoded(data, encoding, shown)


def _decoded(data: bytes, encoding: str, shown: str) -> str:
    """Return `data` as text, without a byte order mark."""
    start = len(codecs.BOM_UTF8) if encoding == "utf-8" and data.startswith(codecs.BOM_UTF8) else 0
    try:
        return data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        offset = start + error.start
        before = data[:offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        line = before.count(b"\n") + 1
        fact = f"holds the byte 0x{data[offset]:02x} at offset {offset} (line {line}), which is not {encoding} text."
        raise BadSubmission(shown, fact, _SAVE_AS_UTF8) from None


# --- notebooks ------------------------------------------------------------------------------------------------------


class _Metadata(msgspec.Struct):
    tags: list[str] = []


class _Cell(msgspec.Struct):
    cell_type: str
    source: str | list[str]
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Notebook(msgspec.Struct):
    cells: list[_Cell]


def _notebook_source(data: bytes, shown: str) -> tuple[str, list[tuple[int, int]], list[str]]:
    """Return the joined code cells, their places, and notes."""
    texts, places = [], []
    first, skipped, magics, foreign = 1, 0, 0, 0
    code_cells = [cell for cell in _parsed_notebook(data, shown).cells if cell.cell_type == "code"]
    for number, cell in enumerate(code_cells, start=1):
        if SKIP_TAG in cell.metadata.tags:
            skipped += 1
            continue
        text = _with_unix_newlines("".join(cell.source))  # a string joins to itself
        _refuse_unencodable(text, number, shown)
        text, commented, whole = _with_magics_commented(text)
        texts.append(text)
        places.append((first, number))
        first += text.count("\n") + 1
        magics, foreign = magics + commented, foreign + whole
    if not any(text.strip() for text in texts):
        fact = f"has no code cell without the tag {SKIP_TAG}." if skipped else "has no code cell with code in it."
        raise BadSubmission(shown, fact, "Write your solution in a code cell, save, and hand in that file.")
    counts = [
        (skipped, "cell", f"tagged {SKIP_TAG} left out"),
        (magics, "magic", "commented out"),
        (foreign, "cell", "beginning with %% commented out"),
    ]
    notes = [f"{count} {noun}{'s' if count > 1 else ''} {what}" for count, noun, what in counts if count]
    return "\n".join(texts) + "\n", places, notes


def _parsed_notebook(data: bytes, shown: str) -> _Notebook:
    text = _decoded(data, "utf-8", shown)
    try:
        raw = json.loads(text)  # not msgspec: Jupyter writes NaN, which strict JSON lacks
    except RecursionError:
        raise BadSubmission(shown, "is JSON nested too deeply for a notebook.", _SAVE_IN_JUPYTER) from None
    except ValueError as error:
        raise BadSubmission(shown, f"is not JSON ({_safe_name(str(error))}).", _SAVE_IN_JUPYTER) from None
    version = raw.get("nbformat") if isinstance(raw, dict) else None
    if type(version) is not int:
        raise BadSubmission(shown, "is JSON but not a notebook: it has no nbformat number.", _SAVE_IN_JUPYTER)
    if version != 4:
        age = "older" if version < 4 else "newer"
        fact = f"is a notebook of format {_safe_name(str(version), 20)}, {age} than format 4, which cvlab reads."
        raise BadSubmission(shown, fact, "Open it in Jupyter and save it as format 4, or hand in a .py file.")
    try:
        return msgspec.convert(raw, _Notebook)
    except (msgspec.ValidationError, ValueError) as error:
        fact = f"is not a well-formed notebook ({_safe_name(str(error))})."
        raise BadSubmission(shown, fact, _SAVE_IN_JUPYTER) from None


_SAVE_IN_JUPYTER = "Open it in Jupyter, save it, and hand in that file."


def _refuse_unencodable(text: str, number: int, shown: str) -> None:
    """JSON can spell characters that no source file has: NUL, and halves of surrogate pairs."""
    wrong = re.search("[\0\ud800-\udfff]", text)
    if wrong:
        fact = f"holds the character U+{ord(wrong[0]):04X} in code cell {number}, which no Python source may."
        raise BadSubmission(shown, fact, "Delete that character and save again.")


class _StatementTracker:
    """Knows, after each line, whether the next one starts a statement: outside strings, brackets and continuations.

    Its limit: since Python 3.12 an f-string may use its own quote inside braces. Such a line is read as several
    strings, which comes out right unless a triple quote or an odd bracket lies between them.
    """

    def __init__(self) -> None:
        self.quote = ""  # of the string that is open
        self.depth = 0  # of open brackets
        self.continued = False  # by a backslash at the end of the last line

    @property
    def at_statement(self) -> bool:
        return not (self.quote or self.depth or self.continued)

    def feed(self, line: str) -> None:
        position, self.continued = 0, False
        while match := (_INSIDE_STRING[self.quote] if self.quote else _OUTSIDE_STRINGS).search(line, position):
            piece, position = match[0], match.end()
            if piece == "\\":  # only the last character of a line is matched alone
                self.continued = True
            elif self.quote:
                self.quote = "" if piece == self.quote else self.quote
            elif piece == "#":
                break
            elif piece in "([{":
                self.depth += 1
            elif piece in ")]}":
                self.depth = max(0, self.depth - 1)
            else:
                self.quote = piece
        if len(self.quote) == 1 and not self.continued:  # never closed: a syntax error that ends with its line
            self.quote = ""


def _with_magics_commented(cell: str) -> tuple[str, int, bool]:
    """Return the cell with its magics as comments, line for line; how many; and whether a `%%` magic took it whole."""
    lines: list[str] = []
    magics, whole, in_magic, code_seen, tracker = 0, False, False, False, _StatementTracker()
    for line in cell.split("\n"):
        if whole or in_magic:
            lines.append(f"# {line}" if line.strip() else line)
            in_magic = line.endswith("\\")
        elif not code_seen and (match := _CELL_MAGIC.match(line)):
            whole = match[1] not in TRANSPARENT_CELL_MAGICS
            magics += not whole
            lines.append(f"# {line}")
        elif tracker.at_statement and _MAGIC.match(line):
            magics += 1
            in_magic = line.endswith("\\")
            rest = line.lstrip()
            indent = line[: len(line) - len(rest)]
            # `if colab:` must keep a body when `!pip install` was all of it.
            lines.append(f"{indent}pass  # {rest}" if indent and code_seen else f"# {line}")
        else:
            code_seen = code_seen or (bool(line.strip()) and not line.lstrip().startswith("#"))
            tracker.feed(line)
            lines.append(line)
    return "\n".join(lines), magics, whole
