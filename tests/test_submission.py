"""Reading what was handed in: any file gives a submission or a reason, and a notebook's Python stays what it was."""

from __future__ import annotations

import codecs
import hashlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvlab.errors import BadSubmission
from cvlab.submission import ENCODINGS, MAX_BYTES, Submission, read_submission, submission_of


def code(source: str | list[str], *tags: str) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}, "outputs": []}


def notebook(*cells: Any, **more: Any) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}).encode()


def read_bytes(data: bytes, name: str) -> Submission:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        return read_submission(path)


def read_cells(*sources: str) -> Submission:
    return read_bytes(notebook(*map(code, sources)), "x.ipynb")


def refusal(data: bytes, name: str) -> str:
    with pytest.raises(BadSubmission) as caught:
        read_bytes(data, name)
    assert caught.value.remedy.endswith(".")
    return str(caught.value)


# --- Python files ---------------------------------------------------------------------------------------------------


def test_a_python_file_is_its_own_source() -> None:
    data = b"class Net:\n    pass\n"
    got = read_bytes(data, "net.py")
    assert got == Submission(name="net.py", sha256=hashlib.sha256(data).hexdigest(), source=data.decode())


def test_a_syntax_error_is_not_noticed_here() -> None:
    assert read_bytes(b"def (:\n", "x.py").source == "def (:\n"


def test_an_empty_python_file_is_read_and_has_one_line() -> None:
    got = read_bytes(b"", "x.py")
    assert got.source == ""
    assert (got.where(1).line, got.where(1).text) == (1, "")


def test_magics_in_a_python_file_are_left_for_python_to_refuse() -> None:
    assert read_bytes(b"%time f()\n", "x.py").source == "%time f()\n"


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_all_line_ends_become_unix_ones_but_the_digest_is_of_the_bytes(ending: bytes) -> None:
    data = ending.join([b"a = 1", b"b = 2", b""])
    got = read_bytes(data, "x.py")
    assert got.source == "a = 1\nb = 2\n"
    assert got.sha256 == hashlib.sha256(data).hexdigest()


def test_a_byte_order_mark_is_dropped() -> None:
    assert read_bytes(codecs.BOM_UTF8 + "é = 1\n".encode(), "x.py").source == "é = 1\n"


@pytest.mark.parametrize(
    ("cookie", "word"), [("latin-1", "é"), ("cp1251", "ж"), ("gbk", "图"), ("shift_jis", "画"), ("UTF-8-unix", "é")]
)
def test_a_coding_line_is_honoured(cookie: str, word: str) -> None:
    text = f"#!/usr/bin/python\n# -*- coding: {cookie} -*-\nx = '{word}'\n"
    assert read_bytes(text.encode(cookie.removesuffix("-unix")), "x.py").source == text


def test_a_coding_line_counts_only_in_the_first_two_lines_whatever_the_line_ends() -> None:
    assert read_bytes("#\r#\r# coding: latin-1\rx = 'é'\r".encode(), "x.py").source.endswith("x = 'é'\n")


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
def test_every_encoding_read_is_known_by_that_name_and_keeps_ascii(encoding: str) -> None:
    ascii_text = bytes(range(1, 128)).decode("ascii")
    assert codecs.lookup(encoding).name == encoding
    assert ascii_text.encode().decode(encoding) == ascii_text


def test_the_encodings_of_iso_8859_are_all_there() -> None:
    assert {f"iso8859-{n}" for n in range(1, 17) if n != 12} <= ENCODINGS  # 12 was never made


@pytest.mark.parametrize(
    "cookie", ["idna", "punycode", "rot13", "zlib", "undefined", "unicode_escape", "utf-7", "utf-16"]
)
def test_codecs_that_are_slow_or_no_source_encoding_are_refused(cookie: str) -> None:
    assert cookie in refusal(f"# coding: {cookie}\nx = 1\n".encode(), "x.py")


def test_an_unknown_coding_line_is_refused_by_name() -> None:
    message = refusal(b"# coding: klingon\n", "x.py")
    assert "klingon" in message
    assert "UTF-8" in message


def test_a_coding_line_that_contradicts_the_byte_order_mark_is_refused() -> None:
    assert "coding line" in refusal(codecs.BOM_UTF8 + b"# coding: latin-1\n", "x.py")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"\xff", "0xff at offset 0 (line 1)"),
        (b"a\n\n\n\nb = '\xe9'\n", "0xe9 at offset 10 (line 5)"),
        (b"a\r\nb\r\xe9", "0xe9 at offset 5 (line 3)"),
        (codecs.BOM_UTF8 + b"a\n\xe9", "0xe9 at offset 5 (line 2)"),
        (b"# coding: ascii\n\xe9", "0xe9 at offset 16 (line 2)"),
    ],
)
def test_an_undecodable_byte_is_named_with_its_place(data: bytes, place: str) -> None:
    assert place in refusal(data, "x.py")


@pytest.mark.parametrize("name", ["x.py", "x.ipynb"])
def test_binary_is_refused(name: str) -> None:
    assert "NUL byte at offset 3" in refusal(b"\x7fEL\0\x01", name)


# --- places ---------------------------------------------------------------------------------------------------------


def test_a_line_of_a_python_file_is_where_it_is() -> None:
    got = read_bytes(b"a\n  b = '\x1b[0m'\n", "x.py").where(2)
    assert (got.file, got.line, got.text) == ("x.py", 2, "b = '\\x1b[0m'")


@pytest.mark.parametrize(("line", "nearest"), [(-9, 1), (0, 1), (3, 2), (10**30, 2)])
def test_a_line_out_of_range_becomes_the_nearest(line: int, nearest: int) -> None:
    got = read_bytes(b"a\nb\n", "x.py").where(line)
    assert (got.line, got.text) == (nearest, "ab"[nearest - 1])


def test_lines_end_where_python_ends_them_and_not_at_other_separators() -> None:
    source = "a = '\u2028'\x0c\nb\n"
    assert read_bytes(source.encode(), "x.py").where(2).text == "b"


def test_a_line_of_a_notebook_is_named_by_its_cell() -> None:
    got = read_cells("a\nb", "c\n", "d")
    places = [(got.where(n).file, got.where(n).line, got.where(n).text) for n in range(1, 7)]
    assert places == [
        ("x.ipynb[cell 1]", 1, "a"),
        ("x.ipynb[cell 1]", 2, "b"),
        ("x.ipynb[cell 2]", 1, "c"),
        ("x.ipynb[cell 2]", 2, ""),
        ("x.ipynb[cell 3]", 1, "d"),
        ("x.ipynb[cell 3]", 1, "d"),
    ]


def test_cells_are_counted_among_code_cells_with_skipped_and_empty_ones() -> None:
    text = {"cell_type": "markdown", "source": "# Title", "metadata": {}}
    got = read_bytes(notebook(text, code("a"), text, code("b", "cvlab-skip"), code(""), code("c", "other")), "x.ipynb")
    assert got.source == "a\n\nc\n"
    assert got.cells == [(1, 1), (2, 3), (3, 4)]
    assert got.notes == ["1 cell tagged cvlab-skip left out"]


HOUSE = """from __future__ import (annotations, division)  # as ever
def house():
    return '''
from __future__ import division
'''
"""


def test_every_cell_may_import_from_the_future() -> None:
    got = read_cells('"""A module."""\nfrom __future__ import annotations\n', "x: Later = 1", HOUSE)
    assert got.source.split("\n")[0] == "from __future__ import annotations, division"
    names: dict[str, Any] = {}
    exec(compile(got.source, "x.ipynb", "exec", dont_inherit=True), names)
    assert names["house"]() == "\nfrom __future__ import division\n"
    where = got.where(got.source[: got.source.index("def house")].count("\n") + 1)
    assert (where.file, where.line, where.text) == ("x.ipynb[cell 3]", 2, "def house():")


@pytest.mark.parametrize(
    "cells",
    [
        ("from __future__ import annotations\na = 1", "b = 2"),
        ("# none yet", "from __future__ import annotations\na = 1"),
        ("a = 1", "from __future__ import braces"),
        ("a = 1\nfrom __future__ import annotations", "b = 2"),
    ],
    ids=["where it may stand", "after a comment", "what there is not", "a mistake in a notebook, too"],
)
def test_an_import_from_the_future_stays_where(cells: tuple[str, str]) -> None:
    assert read_cells(*cells).source == "\n".join(cells) + "\n"


def test_what_nbgrader_grades_and_the_student_does_not_write_is_left_out() -> None:
    def marked(source: str, **marks: object) -> dict[str, Any]:
        return {**code(source), "metadata": {"nbgrader": marks}}

    got = read_bytes(
        notebook(
            marked("a", grade=False, solution=True),
            marked("assert a", grade=True, solution=False),
            marked("b", grade=True, solution=True),
            {**code("c"), "metadata": {"nbgrader": ["not", "ours"]}},
        ),
        "x.ipynb",
    )
    assert got.source == "a\nb\nc\n"
    assert got.notes == ["1 test cell of nbgrader left out"]


def test_what_otter_puts_into_a_notebook_is_commented_out() -> None:
    got = read_cells(
        '# Initialize Otter\nimport otter\ngrader = otter.Notebook("x.ipynb")',
        "a = 1\ngrader.check('q1');\nb = 2",
        "if a:\n    grader.check_all()",
        "grader.export(pdf=False, run_tests=True)",
    )
    assert got.source == (
        '# Initialize Otter\n# import otter\n# grader = otter.Notebook("x.ipynb")\n'
        "a = 1\n# grader.check('q1');\nb = 2\n"
        "if a:\n    pass  # grader.check_all()\n"
        "# grader.export(pdf=False, run_tests=True)\n"
    )
    assert got.notes == ["5 lines for otter commented out"]


@pytest.mark.parametrize("line", ["import otterbox", "grader.check = 1", "grader = Net()", "my_grader.check()"])
def test_what_only_looks_like_a_line_for_otter_stays(line: str) -> None:
    assert read_cells(line).source == f"{line}\n"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("class Net:\n  pass\n", 1),
        ("x = 1\nasync  def Net(): ...\n", 2),
        ("Net = 1\nclass Net(A): ...\ny = Net\n", 2),
        ("class Net: ...\nNet: type = Other\n", 2),
        ("class Net: ...\nif Net == 1: ...\nNet == 2\n", 1),
        ("class Net: ...\nclass Network: ...\ndef Net2(): ...\n", 1),
        ("class Net: ...\n'''\nclass Net:\n'''\nf(\nNet=1)\n", 1),
        ("  class Net: ...\n#class Net\n", None),
    ],
)
def test_a_definition_is_the_last_one_at_the_left_margin(source: str, line: int | None) -> None:
    where = read_bytes(source.encode(), "x.py").definition("Net")
    assert (where and where.line) == line


def test_a_definition_in_a_notebook_is_named_by_its_cell() -> None:
    where = read_cells("import torch", "%time\nclass Net:\n    pass").definition("Net")
    assert where is not None
    assert (where.file, where.line, where.text) == ("x.ipynb[cell 2]", 2, "class Net:")


def test_a_name_is_looked_up_as_text_and_not_as_a_pattern() -> None:
    assert read_bytes(b"class Net: ...\n", "x.py").definition("N.t") is None


# --- notebooks ------------------------------------------------------------------------------------------------------


def test_a_source_may_be_text_or_lines_and_have_any_line_ends() -> None:
    got = read_bytes(notebook(code(["a = 1\r\n", "b = 2"]), code("c = 3\rd = 4")), "x.ipynb")
    assert got.source == "a = 1\nb = 2\nc = 3\nd = 4\n"


def test_a_notebook_may_hold_not_a_number_as_jupyter_writes_it() -> None:
    assert read_bytes(notebook(code("a"), metadata={"loss": float("nan")}), "x.ipynb").source == "a\n"


def test_a_cell_without_metadata_and_a_byte_order_mark_are_forgiven() -> None:
    data = codecs.BOM_UTF8 + notebook({"cell_type": "code", "source": "a"})
    assert read_bytes(data, "X.IPYNB").source == "a\n"


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b"", "not JSON"),
        (b"print(1)", "not JSON"),
        (b"[1" + b"0" * 5_000 + b"]", "not JSON"),
        (b"\xff", "0xff at offset 0"),
        (b"[" * 100_000, "too deeply"),
        (b'{"a":' * 100_000, "too deeply"),
        (b"[]", "not a notebook"),
        (b'{"cells": []}', "not a notebook"),
        (b'{"nbformat": true, "cells": []}', "not a notebook"),
        (b'{"nbformat": 3, "worksheets": []}', "format 3, older than"),
        (b'{"nbformat": 5, "cells": []}', "format 5, newer than"),
        (b'{"nbformat": 4}', "`cells`"),
        (notebook(cells={}), "$.cells"),
        (notebook(None), "$.cells[0]"),
        (notebook(code("a"), code(["a", 1])), "$.cells[1].source"),  # type: ignore[list-item]
        (notebook({"cell_type": 1, "source": ""}), "$.cells[0].cell_type"),
        (notebook({"cell_type": "code"}), "`source`"),
        (notebook({"cell_type": "code", "source": "", "metadata": {"tags": "cvlab-skip"}}), "tags"),
        (notebook(code("a"), code("x = '\ud800'")), "U+D800 in code cell 2"),
        (notebook(code("x = '\0'")), "U+0000 in code cell 1"),
        (notebook(), "no code cell"),
        (notebook({"cell_type": "markdown", "source": "x"}), "no code cell"),
        (notebook(code(" \n")), "no code cell"),
        (notebook(code("a", "cvlab-skip")), "without the tag cvlab-skip"),
    ],
)
def test_what_is_no_notebook_is_refused_with_the_reason(data: bytes, fact: str) -> None:
    assert fact in refusal(data, "x.ipynb")


# --- magics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "%matplotlib inline",
        "!pip install torch",
        "!!ls",
        "?torch",
        "%%time",
        "torch?",
        "torch.nn.Conv2d??",
        "layers[0].weight?  ",
        "models['a']?",
        "%time?",
        "files = !ls",
        "a, b = !echo 'it''s'",
        "x: list[str] = %who_ls",
        "d['k'] =%env HOME",
        "self.x[-1] = %pwd",
    ],
)
def test_a_magic_becomes_a_comment_in_its_place(line: str) -> None:
    got = read_cells(f"a = 1\n{line}\nb = 2")
    assert got.source == f"a = 1\n# {line}\nb = 2\n"
    assert got.notes == ["1 magic commented out"]


@pytest.mark.parametrize(
    "source",
    [
        "x = (a\n     % b)",
        "x = [\n% b,\n! c]",
        "x = a \\\n  % b",
        '"""\n%time\n!ls\nx?\n"""',
        "'''it's\n%a\n'''",
        'r"""\\"""\n%x\n"""',  # a raw string's backslash still keeps the quote from closing it
        "x = 'a \\\n%b'",
        "x = 'what?'",
        "x = 1  # why?",
        "x = 'a = %s' % b",
        'd["""a]?\n"""]',
        'd[""" "] = %s\n"""]',
        '""" " = %s\n"""',
        "x = '('\ny = '#'\nz = ']'  # (",
        "a %= 3\nb != c\nx = a % b",
        "f'{x!r} {y % 2}'",
        "assert x != 3, 'x = !'",
        "# %matplotlib inline",
    ],
)
def test_python_that_looks_like_a_magic_is_left_alone(source: str) -> None:
    got = read_cells(source)
    assert got.source == source + "\n"
    assert got.notes == []


@pytest.mark.parametrize(
    "before", ["'it''s (' ", "x = '''a''' '('", 'x = """a\\""""', "x = ')' # ( '''", "f(']', '''\n(''')", "x = '\\\\'"]
)
def test_a_magic_is_found_again_after_strings_and_brackets_close(before: str) -> None:
    assert read_cells(f"{before}\n%time").source == f"{before}\n# %time\n"


@pytest.mark.parametrize("mistake", ["x = 1)", "x = 'it"])
def test_a_stray_bracket_or_quote_costs_only_its_line(mistake: str) -> None:
    assert read_cells(f"{mistake}\n%time").source == f"{mistake}\n# %time\n"


def test_quotes_and_brackets_in_a_magic_open_nothing() -> None:
    assert read_cells("!echo \"don't (\n%b\nx = 1").source == "# !echo \"don't (\n# %b\nx = 1\n"


def test_a_magic_goes_on_after_a_backslash() -> None:
    got = read_cells("!pip install \\\n  torch \\\n  numpy\nx = 1")
    assert got.source == "# !pip install \\\n#   torch \\\n#   numpy\nx = 1\n"
    assert got.notes == ["1 magic commented out"]


def test_a_block_whose_body_was_a_magic_still_has_a_body() -> None:
    got = read_cells("if False:\n    !pip install torch\nelse:\n    x = %pwd\ny = 1")
    assert got.source == "if False:\n    pass  # !pip install torch\nelse:\n    pass  # x = %pwd\ny = 1\n"
    compile(got.source, "x", "exec")


def test_an_indented_magic_at_the_top_of_a_cell_opens_no_block() -> None:
    compile(read_cells("# reload\n  %load_ext autoreload\n  %autoreload 2\nx = 1").source, "x", "exec")


@pytest.mark.parametrize("magic", ["bash", "html", "writefile net.py", "unheard_of"])
def test_a_cell_of_another_language_is_commented_out_as_a_whole(magic: str) -> None:
    got = read_cells(f"\n%%{magic}\nls '''\n\n  x = (\n", "y = 1")
    assert got.source == f"\n# %%{magic}\n# ls '''\n\n#   x = (\n\ny = 1\n"
    assert got.notes == ["1 cell beginning with %% commented out"]
    assert got.where(7).file == "x.ipynb[cell 2]"


def test_a_cell_magic_below_code_takes_only_its_line() -> None:
    assert read_cells("x = 1\n%%bash\ny = 2").source == "x = 1\n# %%bash\ny = 2\n"


@pytest.mark.parametrize("magic", ["time", "timeit -n 3", "capture out", "bash?"])
def test_a_cell_magic_around_python_costs_only_its_line(magic: str) -> None:
    assert read_cells(f"%%{magic}\n%pwd\nx = 1").source == f"# %%{magic}\n# %pwd\nx = 1\n"


def test_cell_magics_may_be_nested() -> None:
    got = read_cells("%%time\n%%bash\nls")
    assert got.source == "# %%time\n# %%bash\n# ls\n"
    assert got.notes == ["1 magic commented out", "1 cell beginning with %% commented out"]


def test_an_open_string_ends_with_its_cell() -> None:
    assert read_cells("x = '''(", "%time").source == "x = '''(\n# %time\n"


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        (",f a b", "auto-call lines are left for Python to refuse"),
        (">>> x = 1", "pasted prompts are left for Python to refuse"),
        ("x = (1\n%time", "after an unclosed bracket nothing is a magic"),
        ("[a, b] = !ls", "only names, attributes and items are assigned to"),
    ],
)
def test_the_limits_of_the_magic_handling_are_these(source: str, limit: str) -> None:
    assert read_cells(source).source == source + "\n", limit


@pytest.mark.parametrize(
    "module", ["argparse", "textwrap", "tokenize", "doctest", "decimal", "optparse", "turtle", "pdb"]
)
def test_real_python_is_unchanged_by_notebook_reading(module: str) -> None:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text(encoding="utf-8")
    got = read_cells(source)
    assert got.source == source + "\n"
    assert got.notes == []


# --- files that are none --------------------------------------------------------------------------------------------


def refused(path: Path, **options: int) -> str:
    with pytest.raises(BadSubmission) as caught:
        read_submission(path, **options)
    assert caught.value.remedy.endswith(".")
    return str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "nothing.py: does not exist" in refused(tmp_path / "nothing.py")


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert "part of its path is a file" in refused(tmp_path / "a" / "x.py")


def test_a_directory_is_refused_even_with_a_right_suffix(tmp_path: Path) -> None:
    folder = tmp_path / "x.py"
    folder.mkdir()
    assert "is a directory" in refused(folder)


@pytest.mark.parametrize("name", ["x", ".py", "x.txt", "x.py.zip", "x.pyc"])
def test_another_suffix_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert ".py and .ipynb" in refused(tmp_path / name)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.py")
    assert "named pipe" in refused(tmp_path / "x.py")


def test_a_pipe_put_in_place_of_a_file_between_look_and_open_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "regular.py").touch()
    os.mkfifo(tmp_path / "x.py")
    regular = (tmp_path / "regular.py").stat()
    monkeypatch.setattr(Path, "stat", lambda path: regular)
    assert "named pipe" in refused(tmp_path / "x.py")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("x.py")
        assert "is a socket" in refused(tmp_path / "x.py")


def test_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.py").symlink_to("/dev/zero")
    assert "is a device" in refused(tmp_path / "x.py")


def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.py").symlink_to("y.py")
    (tmp_path / "y.py").symlink_to("x.py")
    assert "in a circle" in refused(tmp_path / "x.py")


def test_a_link_is_followed_and_noted(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text("a = 1\n")
    (tmp_path / "x.py").symlink_to("real.py")
    got = read_submission(tmp_path / "x.py")
    assert got.source == "a = 1\n"
    assert "symbolic link" in got.notes[0]


@pytest.fixture
def without_privileges() -> Iterator[None]:
    """Root may read everything, so a test of permissions run by root becomes nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    Path("x.py").write_text("a = 1\n")
    Path("x.py").chmod(0)
    return Path("x.py")


def test_a_file_without_permission_is_refused(locked_file: Path, without_privileges: None) -> None:
    assert "may not be read" in refused(locked_file)


@pytest.mark.parametrize(("name", "remedy"), [("x.py", "only the code"), ("x.ipynb", "outputs")])
def test_a_large_file_is_refused_by_its_size_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, remedy: str
) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(50_000_000)

    def never(*_: object) -> int:
        raise AssertionError("opened")

    monkeypatch.setattr(os, "open", never)
    message = refused(tmp_path / name)
    assert "50,000,000 bytes" in message
    assert f"{MAX_BYTES:,}" in message
    assert remedy in message


def test_the_limit_is_the_last_size_read(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_bytes(b"a = 1")
    assert read_submission(path, max_bytes=5).source == "a = 1"
    assert "has 5 bytes, and the limit is 4" in refused(path, max_bytes=4)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.py"
    path.touch()
    small = path.stat()
    path.write_bytes(b"a" * 100)
    monkeypatch.setattr(Path, "stat", lambda path: small)
    monkeypatch.setattr(os, "fstat", lambda descriptor: small)
    assert "more than 10 bytes" in refused(path, max_bytes=10)


@pytest.mark.parametrize("name", ["a\0.py", "a\ud800.py", "a" * 300 + ".py"])
def test_a_path_no_system_has_is_refused(tmp_path: Path, name: str) -> None:
    refused(tmp_path / name).encode()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb.py", "a\\x0ab.py"),
        ("a\x1b[2Jb.py", "a\\x1b[2Jb.py"),
        ("a\u202eb.py", "a\\u202eb.py"),
        (os.fsdecode(b"\xff.py"), "\\udcff.py"),
    ],
)
def test_a_name_with_tricks_is_shown_escaped(tmp_path: Path, name: str, shown: str) -> None:
    path = tmp_path / name
    assert f"{shown}: does not exist" in refused(path)
    path.touch()
    assert read_submission(path).name == shown


def test_importing_the_module_brings_no_heavy_package() -> None:
    probe = "import sys, cvlab.submission; print({'torch', 'numpy', 'nbformat', 'IPython'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- properties -----------------------------------------------------------------------------------------------------

MAGIC_TEXT = st.text(alphabet="%!?=\\'\"()[]#,.: \n\r\tax\u2028\x0c", max_size=60)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ANY_CELL = st.fixed_dictionaries(
    {"cell_type": st.just("code") | ANY_JSON, "source": st.text(st.characters(codec=None), max_size=20) | ANY_JSON},
    optional={"metadata": ANY_JSON | st.fixed_dictionaries({"tags": ANY_JSON})},
)
ANY_NOTEBOOK = st.lists(ANY_CELL, max_size=3).map(lambda cells: notebook(*cells))
COOKIES = st.sampled_from(["utf8", "ascii", "gbk", "shift_jis", "mbcs", "idna", "hex", "..", "-", "aliases"])
ANY_PYTHON = st.builds(lambda name, rest: f"# coding: {name}\n".encode() + rest, COOKIES, st.binary(max_size=60))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | ANY_PYTHON | ANY_NOTEBOOK, st.sampled_from(["x.py", "x.ipynb"]))
def test_any_bytes_give_a_submission_or_a_reason(data: bytes, name: str) -> None:
    reason = ""
    try:
        got = read_bytes(data, name)
    except BadSubmission as error:
        reason = str(error)
    if reason:
        assert reason.isprintable()
    else:
        assert not {"\r", "\0"} & set(got.source.encode().decode())
        assert got.where(got.source.count("\n")).file.startswith(name)


@settings(max_examples=200, deadline=None)
@given(st.lists(MAGIC_TEXT, min_size=1, max_size=3))
def test_every_line_keeps_its_number_and_is_itself_or_a_comment_of_itself(sources: list[str]) -> None:
    got = read_cells(*sources, "end = 1")
    handed_in = [source.replace("\r\n", "\n").replace("\r", "\n").split("\n") for source in sources]
    firsts = [1 + sum(map(len, handed_in[:n])) for n in range(len(sources) + 1)]
    assert got.cells == list(zip(firsts, range(1, len(sources) + 2), strict=True))
    for before, after in zip([line for cell in handed_in for line in cell], got.source.split("\n"), strict=False):
        code_part = before.lstrip()
        indent = before[: len(before) - len(code_part)]
        assert after in (before, f"# {before}", f"{indent}pass  # {code_part}")


STATEMENTS = st.sampled_from(
    [
        "x = 7 % 3",
        "x = (7\n% 3)",
        "x = 7 \\\n% 3",
        's = """\n%time\n!ls\nx?\n"""',
        "s = 'it\\'s (' \"a ' b\"",
        "s = '%s = %d' % ('a', 3)  # 'why (?",
        "def f(a, *, b=[1, 2]):\n    '''a\n    %b'''\n    return a != b",
        "if x:\n    y = {'a': [1\n%2]}\n",
        "f'{x!r:>{3}} {x % 2}'",
        "",
        "# a comment (",
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(STATEMENTS, min_size=1, max_size=6).map("\n".join), min_size=1, max_size=3))
def test_python_without_magics_is_unchanged(cells: list[str]) -> None:
    got = read_cells(*cells, "end = 1")
    assert got.source == "\n".join([*cells, "end = 1"]) + "\n"
    assert got.notes == []


# --- bytes without a file -------------------------------------------------------------------------------------------


def outcome(read: Callable[[], Submission]) -> Submission | tuple[str, str]:
    try:
        return read()
    except BadSubmission as refusal:
        return refusal.fact, refusal.remedy


@given(
    name=st.sampled_from(["x.py", "x.ipynb", "X.PY", "x.txt", "x", "ünïcode \u202e.py"]),
    data=st.binary(max_size=300) | st.text(max_size=100).map(str.encode),
)
def test_bytes_are_read_as_the_file_that_holds_them_is(name: str, data: bytes) -> None:
    assert outcome(lambda: submission_of(name, data)) == outcome(lambda: read_bytes(data, name))


def test_too_many_bytes_are_refused_without_a_file() -> None:
    with pytest.raises(BadSubmission, match=r"x\.py: has 6 bytes, and the limit is 5"):
        submission_of("x.py", b"a = 10", max_bytes=5)
