"""The gradebook's tables. Change them only together with a new migration; `tests/gradebook` compares the two.

Moments are ISO 8601 texts in UTC and JSON is text, so that both kinds of database hold the same bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Everybody who ever handed something in.
students = Table(
    "students",
    metadata,
    Column("key", String(300), primary_key=True),
    Column("name", Text, nullable=False),
    Column("ids", Text, nullable=False),  # JSON: what other systems know them by
)

#: The bytes that were graded, compressed: who defends a point, or grades again, needs them when the download is gone.
files = Table(
    "files",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

#: One verdict on some bytes under some terms. `report` holds no times, so equal verdicts are equal texts; verdicts that
#: are errors of ours have no fingerprint, for the next run tries again.
verdicts = Table(
    "verdicts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("fingerprint", String(64), unique=True),
    Column("drill", String(100), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("version", String(50), nullable=False),
    Column("status", String(10), nullable=False),
    Column("points", Integer, nullable=False),
    Column("max_points", Integer, nullable=False),
    Column("diagnosis", String(100)),
    Column("report", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("graded_at", String(32), nullable=False),
)

#: Who got which verdict for what. Only ever added to; for a student and a drill the newest counts.
results = Table(
    "results",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("student", ForeignKey("students.key"), nullable=False),
    Column("drill", String(100), nullable=False),
    Column("file", Text, nullable=False),
    Column("sha256", ForeignKey("files.sha256")),  # none where the file could not be read
    Column("submitted_at", String(32)),
    Column("late", Boolean),
    Column("verdict", ForeignKey("verdicts.id"), nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Index(None, "student", "drill", "id"),
    Index(None, "drill", "student", "id"),
)
