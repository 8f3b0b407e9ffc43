"""What a gradebook promises: what was recorded stays, the newest counts, and equal verdicts are equal to the byte."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cvlab.collecting import Student
from cvlab.errors import GradebookError
from cvlab.gradebook import Gradebook, Terms, open_gradebook
from cvlab.gradebook.schema import metadata
from cvlab.gradebook.store import Handing
from cvlab.limits import Limits
from cvlab.report import CheckResult, Diagnosis, Isolation, Report

TERMS = Terms(drill="01_x", digest="d" * 64, version="0.1.0", seed=0, mode="sandbox", limits=Limits())
ADA = Student(key="canvas:1", name="Ada Lovelace", ids={"canvas": "1"})
BOB = Student(key="bob", name="Bob \N{SNOWMAN}")
SOURCE = b"import torch\n"


def report(points: int = 3, *, sha256: str = "a" * 64, seconds: float = 1.5, **more: object) -> Report:
    check = CheckResult(
        name="test_it",
        title="It is so.",
        layer="shapes",
        public=True,
        status="passed" if points else "failed",
        points=points,
        max_points=3,
        seconds=seconds,
    )
    fields = {
        "drill": "01-x",
        "submission": "x.py",
        "sha256": sha256,
        "status": check.status,
        "points": points,
        "max_points": 3,
        "checks": [check],
        "isolation": Isolation(mode="sandbox"),
        "seed": 0,
        "seconds": seconds,
    }
    return Report(**(fields | more))


def handing(student: Student = ADA, **more: object) -> Handing:
    return Handing(**({"student": student, "drill": "01_x", "file": "x.py", "sha256": "a" * 64} | more))


def test_what_was_recorded_is_read_back(gradebook: Gradebook) -> None:
    named = Diagnosis(id="add-after-relu", says="It adds too late.", hint="Look.")
    handed = handing(submitted_at="2026-01-02T03:04:05+00:00", late=True)
    gradebook.record([handed], report(0, diagnosis=named), TERMS, data=SOURCE)
    (entry,) = gradebook.standings()
    assert entry.student == ADA
    assert (entry.file, entry.submitted_at, entry.late) == ("x.py", "2026-01-02T03:04:05+00:00", True)
    assert (entry.status, entry.points, entry.max_points) == ("failed", 0, 3)
    assert (entry.diagnosis, entry.digest, entry.version, entry.seconds) == ("add-after-relu", "d" * 64, "0.1.0", 1.5)
    assert entry.report == report(0, seconds=0.0, diagnosis=named)
    assert gradebook.data_of("a" * 64) == SOURCE


def test_the_newest_counts_and_the_old_stay(gradebook: Gradebook) -> None:
    gradebook.record([handing()], report(0), TERMS, data=SOURCE)
    gradebook.record([handing(sha256="b" * 64)], report(3, sha256="b" * 64), TERMS, data=b"better\n")
    gradebook.record([handing(BOB)], report(0), TERMS, data=SOURCE)
    assert [(entry.student.key, entry.points) for entry in gradebook.standings()] == [("bob", 0), ("canvas:1", 3)]
    assert [entry.points for entry in gradebook.history("canvas:1")] == [0, 3]
    assert gradebook.history("canvas:1", drill="02_y") == []


def test_one_verdict_serves_everybody_with_the_same_bytes(gradebook: Gradebook) -> None:
    gradebook.record([handing(), handing(BOB)], report(), TERMS, data=SOURCE)
    ada, bob = gradebook.history("canvas:1") + gradebook.history("bob")
    assert ada.fingerprint == bob.fingerprint == TERMS.fingerprint("a" * 64, ".py")
    assert ada.report_json == bob.report_json
    carol = Student(key="carol", name="Carol")
    gradebook.record_known(handing(carol), ada.fingerprint)
    assert gradebook.history("carol")[0].report_json == ada.report_json


def test_equal_verdicts_are_equal_bytes_however_long_they_took(gradebook: Gradebook) -> None:
    gradebook.record([handing()], report(seconds=0.5), TERMS, data=SOURCE)
    other = msgspec.structs.replace(TERMS, seed=1)
    gradebook.record([handing()], report(seconds=7.5), other, data=SOURCE)
    first, second = gradebook.history("canvas:1")
    assert first.report_json == second.report_json
    assert (first.seconds, second.seconds) == (0.5, 7.5)


@pytest.mark.parametrize(
    "change",
    [
        {"drill": "02_y"},
        {"digest": "e" * 64},
        {"version": "0.2"},
        {"seed": 1},
        {"mode": "process"},
        {"limits": Limits(memory_mb=2048)},
    ],
)
def test_whatever_decides_a_verdict_is_in_its_fingerprint(change: dict[str, object]) -> None:
    other = msgspec.structs.replace(TERMS, **change)
    assert other.fingerprint("a" * 64, ".py") != TERMS.fingerprint("a" * 64, ".py")


def test_a_notebook_and_a_file_of_the_same_bytes_are_two_things() -> None:
    assert TERMS.fingerprint("a" * 64, ".py") != TERMS.fingerprint("a" * 64, ".ipynb")


def test_an_error_of_ours_is_kept_but_is_no_verdict_for_others(gradebook: Gradebook) -> None:
    gradebook.record([handing()], report(0, status="error"), TERMS, data=SOURCE)
    gradebook.record([handing(BOB)], report(0, status="error"), TERMS, data=SOURCE)
    assert not gradebook.knows(TERMS.fingerprint("a" * 64, ".py"))
    assert [entry.fingerprint for entry in gradebook.standings()] == [None, None]


def test_a_file_that_could_not_be_read_has_a_result_and_no_bytes(gradebook: Gradebook) -> None:
    gradebook.record([handing(sha256=None)], report(0, sha256="f" * 64), TERMS, data=None)
    (entry,) = gradebook.standings()
    assert entry.sha256 is None
    with pytest.raises(GradebookError, match="has no file ffff"):
        gradebook.data_of("f" * 64)


def test_a_student_may_get_another_name(gradebook: Gradebook) -> None:
    gradebook.record([handing()], report(), TERMS, data=SOURCE)
    renamed = msgspec.structs.replace(ADA, name="Ada King")
    gradebook.record([handing(renamed)], report(), TERMS, data=SOURCE)
    assert gradebook.students() == [renamed]


def test_it_is_there_when_it_is_opened_again(url: str) -> None:
    first = open_gradebook(url)
    first.record([handing()], report(), TERMS, data=SOURCE)
    first.close()
    again = open_gradebook(url)
    assert [entry.student for entry in again.standings()] == [ADA]
    again.close()


def _record_many(url: str, key: str) -> None:
    book = open_gradebook(url)
    for number in range(20):
        student = Student(key=f"{key}{number}", name=key)
        book.record([handing(student)], report(), TERMS, data=SOURCE)
    book.close()


def test_two_may_open_and_write_at_once(url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    both = [spawn.Process(target=_record_many, args=(url, key)) for key in ("a", "b")]
    for process in both:
        process.start()
    for process in both:
        process.join()
    book = open_gradebook(url)
    assert len(book.standings()) == 40
    with book._engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM verdicts")).scalar_one() == 1
    book.close()


def test_the_migrations_make_the_tables_that_the_code_uses(gradebook: Gradebook) -> None:
    with gradebook._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


# -- SQLite's own troubles


def test_a_killed_writer_loses_only_what_was_in_flight(tmp_path: Path) -> None:
    path = str(tmp_path / "grades.sqlite")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        book = open_gradebook(path)
        for number in range(1000):
            book.record([handing(Student(key=str(number), name="x"))], report(), TERMS, data=SOURCE)
            os.write(writer, b".")
        os._exit(0)
    os.close(writer)
    told = 0
    while told < 25:
        told += len(os.read(reader, 1))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while rest := os.read(reader, 100):
        told += len(rest)
    os.close(reader)
    book = open_gradebook(path)
    assert len(book.standings()) in (told, told + 1)
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    book.close()


@pytest.mark.parametrize(
    ("where", "fact"),
    [
        ("a_folder", "is a folder"),
        ("notes.txt", "is a file, but not a gradebook"),
        ("missing/grades.sqlite", "its folder does not exist"),
        ("mysql://host/x", "is no kind of gradebook"),
        ("sqlite://", "is no kind of gradebook"),
        ("://", "cannot be read"),
        ("postgresql://nobody:secret@/x?host=/nowhere", "refused"),
        ("strangers.sqlite", "somebody else's database"),
        ("newer.sqlite", "made by a newer cvlab"),
    ],
)
def test_what_is_no_gradebook_is_refused_and_untouched(
    where: str, fact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a_folder").mkdir()
    Path("notes.txt").write_text("my notes, more than sixteen bytes")
    with sqlite3.connect("strangers.sqlite") as stranger:
        stranger.execute("CREATE TABLE cats (name)")
    with sqlite3.connect("newer.sqlite") as newer:
        newer.execute("CREATE TABLE alembic_version (version_num)")
        newer.execute("INSERT INTO alembic_version VALUES ('9999')")
    stranger.close()
    newer.close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(GradebookError, match=fact) as refusal:
        open_gradebook(where)
    assert "secret" not in str(refusal.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_none_is_made_by_those_who_only_read(tmp_path: Path) -> None:
    with pytest.raises(GradebookError, match="there is no such gradebook"):
        open_gradebook(tmp_path / "grades.sqlite", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_told_with_what_to_do(tmp_path: Path) -> None:
    book = open_gradebook(tmp_path / "grades.sqlite")
    sa.event.listen(book._engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 15"))
    everybody = (Student(key=str(number), name="x" * 200) for number in range(500))

    def record_all() -> None:
        for student in everybody:
            book.record([handing(student, sha256=None)], report(), TERMS)

    with pytest.raises(GradebookError, match=r"full.*Everything recorded so far is kept"):
        record_all()
    assert 0 < len(book.standings()) < 500
    book.close()
