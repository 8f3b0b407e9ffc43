"""Reading and writing a gradebook: one transaction per result, so that whatever was recorded stays recorded."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cvlab.collecting import Student
from cvlab.errors import GradebookError
from cvlab.gradebook.entries import Entry, Terms, timeless
from cvlab.gradebook.schema import files, results, students, verdicts
from cvlab.report import Report
from cvlab.submission import MAX_BYTES
from cvlab.workspace.journal import now

_ENTRY = (
    results.c.id.label("number"),
    *(results.c[name] for name in ("drill", "file", "sha256", "submitted_at", "late", "recorded_at")),
    students.c.key,
    students.c.name,
    students.c.ids,
    *(verdicts.c[name] for name in ("fingerprint", "digest", "version", "status", "points", "max_points")),
    *(verdicts.c[name] for name in ("diagnosis", "seconds", "graded_at")),
    verdicts.c.report.label("report_json"),
)
_JOINED = results.join(students, results.c.student == students.c.key).join(verdicts, results.c.verdict == verdicts.c.id)


class Handing(msgspec.Struct, frozen=True, kw_only=True):
    """What one student handed in for one drill, as it is recorded with its verdict."""

    student: Student
    drill: str
    file: str
    sha256: str | None
    submitted_at: str | None = None
    late: bool | None = None


class Gradebook:
    """Students, what they handed in, and every verdict there ever was. Make one with `open_gradebook`."""

    def __init__(self, engine: sa.Engine, shown: str) -> None:
        """Use a database whose tables are up to date; `shown` is what messages call it."""
        self._engine, self.shown = engine, shown
        self._insert: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # -- writing

    def record(
        self,
        handings: Iterable[Handing],
        report: Report,
        terms: Terms,
        *,
        data: bytes | None = None,
        suffix: str = ".py",
    ) -> None:
        """Add one verdict, for everybody who handed in exactly these bytes, in one transaction.

        `data` are the bytes and None where they could not be read. Raises GradebookError where the database refuses.
        """
        moment = now().isoformat()
        fingerprint = None if report.status == "error" else terms.fingerprint(report.sha256, suffix)
        verdict = {
            "fingerprint": fingerprint,
            "drill": terms.drill,
            "digest": terms.digest,
            "version": terms.version,
            "status": report.status,
            "points": report.points,
            "max_points": report.max_points,
            "diagnosis": report.diagnosis.id if report.diagnosis else None,
            "report": msgspec.json.encode(timeless(report)).decode(),
            "seconds": report.seconds,
            "graded_at": moment,
        }
        with self._transaction() as connection:
            if data is not None:
                self._add(connection, files, {"sha256": report.sha256, "data": zlib.compress(data)})
            number = self._number_of_verdict(connection, verdict)
            for handing in handings:
                self._add_result(connection, handing, number, moment)

    def record_known(self, handing: Handing, fingerprint: str) -> None:
        """Give a student the verdict that is already there for bytes like theirs."""
        with self._transaction() as connection:
            found = sa.select(verdicts.c.id).where(verdicts.c.fingerprint == fingerprint)
            self._add_result(connection, handing, connection.execute(found).scalar_one(), now().isoformat())

    def _number_of_verdict(self, connection: sa.Connection, verdict: Mapping[str, Any]) -> int:
        added: int | None = None
        if verdict["fingerprint"] is not None:  # somebody else may have graded the same bytes meanwhile
            self._add(connection, verdicts, verdict)
            known = sa.select(verdicts.c.id).where(verdicts.c.fingerprint == verdict["fingerprint"])
            added = connection.execute(known).scalar_one()
        else:
            (added,) = connection.execute(verdicts.insert().values(verdict)).inserted_primary_key or (None,)
        assert added is not None
        return added

    def _add_result(self, connection: sa.Connection, handing: Handing, verdict: int, moment: str) -> None:
        student = handing.student
        about = {"name": student.name, "ids": msgspec.json.encode(dict(sorted(student.ids.items()))).decode()}
        add = self._insert(students).values(key=student.key, **about)
        connection.execute(add.on_conflict_do_update(index_elements=["key"], set_=about))
        row = msgspec.structs.asdict(handing) | {"student": student.key, "verdict": verdict, "recorded_at": moment}
        connection.execute(results.insert().values(row))

    def _add(self, connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> None:
        connection.execute(self._insert(table).values(dict(row)).on_conflict_do_nothing())

    # -- reading

    def standings(self, drill: str | None = None) -> list[Entry]:
        """Return what counts: the newest entry of each student and drill, in order of both."""
        newest = sa.select(sa.func.max(results.c.id)).group_by(results.c.student, results.c.drill)
        query = sa.select(*_ENTRY).select_from(_JOINED).where(results.c.id.in_(newest))
        if drill is not None:
            query = query.where(results.c.drill == drill)
        found = self._entries(query)
        return sorted(found, key=lambda entry: (entry.student.key, entry.drill))

    def history(self, student: str, drill: str | None = None) -> list[Entry]:
        """Return everything a student, named by key, was ever graded, oldest first."""
        query = sa.select(*_ENTRY).select_from(_JOINED).where(results.c.student == student)
        if drill is not None:
            query = query.where(results.c.drill == drill)
        return self._entries(query.order_by(results.c.id))

    def students(self) -> list[Student]:
        """Return everybody, in order of their keys."""
        with self._transaction() as connection:
            rows = connection.execute(sa.select(students)).mappings().all()
        return sorted((_student(row) for row in rows), key=lambda student: student.key)

    def knows(self, fingerprint: str) -> bool:
        """Tell whether there is a verdict with this fingerprint."""
        query = sa.select(verdicts.c.id).where(verdicts.c.fingerprint == fingerprint)
        with self._transaction() as connection:
            return connection.execute(query).first() is not None

    def verdict(self, fingerprint: str) -> Report:
        """Return the report of the verdict with this fingerprint, which must be there."""
        query = sa.select(verdicts.c.report).where(verdicts.c.fingerprint == fingerprint)
        with self._transaction() as connection:
            return msgspec.json.decode(connection.execute(query).scalar_one(), type=Report)

    def data_of(self, sha256: str) -> bytes:
        """Return the bytes that were handed in; raises GradebookError where they are not there or damaged."""
        with self._transaction() as connection:
            data = connection.execute(sa.select(files.c.data).where(files.c.sha256 == sha256)).scalar_one_or_none()
        remedy = "Collect the submissions and grade them again."
        if data is None:
            raise GradebookError(self.shown, f"it has no file {sha256[:12]}…", remedy)
        try:
            return zlib.decompressobj().decompress(data, MAX_BYTES + 1)
        except zlib.error:
            raise GradebookError(self.shown, f"its copy of file {sha256[:12]}… is damaged.", remedy) from None

    def _entries(self, query: sa.Select[Any]) -> list[Entry]:
        with self._transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return [_entry(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with complaining(self.shown), self._engine.begin() as connection:
            yield connection


@contextmanager
def complaining(shown: str) -> Iterator[None]:
    """Turn what a database says into a GradebookError with its own words."""
    try:
        yield
    except sa.exc.DBAPIError as problem:
        said = " ".join(str(problem.orig).split())[:300]
        raise GradebookError(
            shown, f"the database refused: {said}.", "Everything recorded so far is kept; mend this and run it again."
        ) from None


def _student(row: sa.RowMapping) -> Student:
    return Student(key=row["key"], name=row["name"], ids=msgspec.json.decode(row["ids"], type=dict[str, str]))


def _entry(row: sa.RowMapping) -> Entry:
    fields = {name: row[name] for name in Entry.__struct_fields__ if name != "student"}
    return Entry(student=_student(row), **fields)
