"""Opening a gradebook by its path or URL, and bringing its tables up to date."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cvlab.errors import GradebookError
from cvlab.gradebook.store import Gradebook, complaining

MIGRATIONS = Path(__file__).parent / "migrations"

#: How long one waits for another `cvlab` that writes to the same SQLite file.
BUSY_SECONDS = 30


def open_gradebook(where: str | Path, *, create: bool = True) -> Gradebook:
    """Return the gradebook at a path (SQLite) or a `postgresql://` or `sqlite://` URL; makes it, or migrates it.

    Raises GradebookError where there is none and `create` is false, where it is something else, where this cvlab is too
    old for it, and where the database cannot be reached.
    """
    url = _url(where)
    shown = str(where)
    if not url.drivername.startswith("sqlite"):
        shown = url.set(drivername="postgresql").render_as_string(hide_password=True)
    if url.drivername.startswith("sqlite"):
        _refuse_unfit_file(Path(url.database or ""), shown, create)
    engine = _engine(url, shown)
    try:
        with complaining(shown):
            _migrate(engine, shown)
    except BaseException:
        engine.dispose()
        raise
    return Gradebook(engine, shown)


def _url(where: str | Path) -> sa.URL:
    text = str(where)
    if "://" not in text:
        return sa.URL.create("sqlite", database=str(Path(text).expanduser()))
    remedy = "Name a file, or a URL as postgresql://user@host/database."
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise GradebookError("--gradebook", "this URL cannot be read.", remedy) from None
    kind = url.drivername.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind == "sqlite" and url.database and url.database != ":memory:":
        return url
    raise GradebookError("--gradebook", f"{kind}:// is no kind of gradebook that lasts.", remedy)


def _refuse_unfit_file(path: Path, shown: str, create: bool) -> None:
    if path.is_dir():
        raise GradebookError(shown, "is a folder.", "Name a file, for example grades.sqlite.")
    if not path.exists():
        if not create:
            raise GradebookError(shown, "there is no such gradebook.", "Grade a class first, or say --gradebook.")
        if not path.absolute().parent.is_dir():
            raise GradebookError(shown, "its folder does not exist.", "Make the folder first.")
        return
    with _complaining_of_files(shown), path.open("rb") as file:
        start = file.read(16)
    if start not in (b"", b"SQLite format 3\0"):
        raise GradebookError(shown, "is a file, but not a gradebook.", "Name another file; this one was not touched.")


@contextlib.contextmanager
def _complaining_of_files(shown: str) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise GradebookError(shown, f"{problem.strerror}.", "Mend that and try again.") from None


def _engine(url: sa.URL, shown: str) -> sa.Engine:
    if url.drivername.startswith("sqlite"):
        engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        sa.event.listen(engine, "connect", _keep_references_true)
        return engine
    try:
        return sa.create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as missing:
        raise GradebookError(
            shown, f"it takes {missing.name} to reach it.", "pip install 'cvlab-drills[postgresql]'."
        ) from None


def _keep_references_true(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def _migrate(engine: sa.Engine, shown: str) -> None:
    """Bring the tables to the newest revision, unless they are there."""
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with engine.begin() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            strangers = sa.inspect(connection).get_table_names()
            if strangers:
                raise GradebookError(
                    shown,
                    f"it is somebody else's database (it has {strangers[0]}).",
                    "Name another; it was not touched.",
                )
        context = MigrationContext.configure(connection)
        if context.get_current_revision() == script.get_current_head():
            return
        if connection.dialect.name == "postgresql":  # two that begin at once make the tables one after the other
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7201)"))
        elif connection.dialect.name == "sqlite":
            connection.execute(sa.text("BEGIN IMMEDIATE"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise GradebookError(
                shown, "it was made by a newer cvlab.", "Update this one: pip install --upgrade cvlab-drills."
            ) from None
