"""The first tables: students, files, verdicts and results."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "students",
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ids", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_students"),
    )
    op.create_table(
        "files",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_files"),
    )
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("drill", sa.String(100), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("version", sa.String(50), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("max_points", sa.Integer(), nullable=False),
        sa.Column("diagnosis", sa.String(100)),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("graded_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verdicts"),
        sa.UniqueConstraint("fingerprint", name="uq_verdicts_fingerprint"),
    )
    op.create_table(
        "results",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("student", sa.String(300), nullable=False),
        sa.Column("drill", sa.String(100), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("submitted_at", sa.String(32)),
        sa.Column("late", sa.Boolean()),
        sa.Column("verdict", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_results"),
        sa.ForeignKeyConstraint(["student"], ["students.key"], name="fk_results_student"),
        sa.ForeignKeyConstraint(["sha256"], ["files.sha256"], name="fk_results_sha256"),
        sa.ForeignKeyConstraint(["verdict"], ["verdicts.id"], name="fk_results_verdict"),
    )
    op.create_index("ix_results_student_drill_id", "results", ["student", "drill", "id"])
    op.create_index("ix_results_drill_student_id", "results", ["drill", "student", "id"])
