"""A CSV file that is filled in differs from the one that was downloaded by the filled-in cells alone."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvlab.errors import UsageError
from cvlab.interop import table as tables
from cvlab.interop.table import Table

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
TABLES = st.lists(st.lists(TEXTS, min_size=2, max_size=4), min_size=2, max_size=6)


def written(rows: list[list[str]], delimiter: str, quoting: int, line_end: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_end).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def read(text: str, delimiter: str) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


@given(
    rows=TABLES,
    delimiter=st.sampled_from(tables.DELIMITERS),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    where=st.data(),
)
def test_only_the_replaced_cell_changes(
    rows: list[list[str]], delimiter: str, quoting: int, line_end: str, encoding: str, where: st.DataObject
) -> None:
    rows = [[f"h{number}" for number in range(6)], *rows]  # a header tells the delimiter
    text = written(rows, delimiter, quoting, line_end)
    data = text.encode(encoding)
    table = Table(data, "x.csv")
    assert table.data() == data
    assert [[cell.text for cell in row] for row in table.rows] == read(text, delimiter)

    row = where.draw(st.integers(1, len(table.rows) - 1))
    column = where.draw(st.integers(0, len(table.rows[row]) - 1))
    new = where.draw(st.sampled_from(["12.5", "12,5", 'a "quoted" one', "two\nlines", ""]))
    cell = table.rows[row][column]
    table.replace(row, column, new)
    filled = table.data().decode(encoding)
    assert filled.startswith(text[: cell.start])
    assert filled.endswith(text[cell.end :])
    expected = read(text, delimiter)
    expected[row][column] = new
    assert read(filled, delimiter) == expected


def test_bytes_that_are_no_utf8_stay_what_they_were() -> None:
    data = "Student;ID\r\nM\u00fcller;1\r\n".encode("cp1252") + b"\x81\x8d;2\r\n"
    table = Table(data, "x.csv")
    table.replace(1, 1, "7")
    assert table.data() == data.replace(b";1\r\n", b";7\r\n")


def test_a_quoted_cell_stays_quoted() -> None:
    table = Table(b'"a","b"\n"1","2"\n', "x.csv")
    table.replace(1, 1, "12.5")
    assert table.data() == b'"a","b"\n"1","12.5"\n'


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (b'a,b\n"1,2\n', "row 2 has a quote that is not closed"),
        (b'a,b\n"1"x,2\n', "row 2 has a quote that is not closed, or text after"),
        (b"\xff\xfea", "not utf-16-le text"),
        (b"a,b\0\n", "NUL"),
    ],
)
def test_what_is_no_csv_is_refused_with_the_row(data: bytes, fact: str) -> None:
    with pytest.raises(UsageError, match=fact):
        Table(data, "x.csv")


def test_a_short_row_is_not_filled_up() -> None:
    table = Table(b"a,b,c\n1,2\n", "x.csv")
    assert table.text(1, 2) == ""
    with pytest.raises(UsageError, match="row 2 has 2 cells and the first row 3"):
        table.replace(1, 2, "x")


def test_a_file_that_cannot_be_read_or_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Table.open(tmp_path / "nowhere.csv")
    (tmp_path / "large.csv").write_bytes(b"a,b\n" * 10)
    monkeypatch.setattr(tables, "MAX_BYTES", 10)
    with pytest.raises(UsageError, match="more than 10 bytes"):
        Table.open(tmp_path / "large.csv")
