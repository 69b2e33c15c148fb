"""Opens the desk database, brings its tables up to date, and hands out transactions."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from fleet.errors import ConfigError, DataFolderError, StoreUnavailable
from fleet.secrecy import without_secrets
from storage.records.events import log_told, write_told
from storage.records.one_writer import connections_in_turn

_SQLITE_TIMEOUT_S = 15
_POOL = {"pool_size": 20}
"""A process has about so many threads that look at the desk; a connection too many is opened each time."""
_LET_GO_TRIES, _LET_GO_MS, _LET_GO_PAUSE_S = 20, 50, 0.25
MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x5357_4545_50
"""Any number that nobody else in the same PostgreSQL database is likely to lock."""


class DeskDatabase:
    """The desk database behind one engine; every change happens in a transaction.

    Open it with `open_desk`. Safe to use from several threads, one session each.
    """

    def __init__(self, engine: Engine, beside: Engine) -> None:
        self._engine = engine
        self._beside = beside
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._wakened: list[Callable[[], None]] = []

    def when_told(self, wake: Callable[[], None]) -> None:
        """Call `wake` after each commit of this process that told the log something; it must not wait."""
        self._wakened.append(wake)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session; commit when the block ends, roll back when it raises.

        Raises StoreUnavailable when the database cannot be reached or is locked.
        """
        with _unavailable(), self._sessions.begin() as session:
            yield session
            told = write_told(session)
        if told:
            log_told(told)
            for wake in self._wakened:
                wake()

    @contextmanager
    def statements(self) -> Iterator[Connection]:
        """Yield a connection; as `transaction`, for statements that make no objects, at half of its price."""
        with _unavailable(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def look(self) -> Iterator[Session]:
        """Yield a session to read by, also for who is within a transaction.

        It has connections of its own: where all of the others were held by those who wait for one more,
        nobody would ever get one.
        """
        with _unavailable(), Session(self._beside) as session:
            yield session

    def let_go(self) -> bool:
        """Let what was deleted be gone from SQLite's log as well; False where somebody kept reading it.

        While it waits for readers nobody can write, so it waits for moments, a few times.
        """
        if self._engine.dialect.name != "sqlite":
            return True
        for _ in range(_LET_GO_TRIES):
            with _unavailable(), self._beside.connect() as connection:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={_LET_GO_MS}")
                busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
                connection.exec_driver_sql(f"PRAGMA busy_timeout={_SQLITE_TIMEOUT_S * 1000}")
            if not busy:
                return True
            sleep(_LET_GO_PAUSE_S)
        return False

    def check(self) -> None:
        """Raise StoreUnavailable when the database does not answer."""
        with self.transaction() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
        self._beside.dispose()


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise StoreUnavailable(f"desk database: {error.orig}") from error


def open_desk(url: str, *, survives_power: bool = True) -> DeskDatabase:
    """Open the database at an SQLAlchemy URL and migrate its tables to this version.

    What was committed survives the end of the process; on SQLite that of the machine's power costs a wait for
    the disk each time, which a demo on a fast clock can do without.

    Raises ConfigError for an unusable URL, DataFolderError when the tables are of a newer version or the file
    cannot be written, StoreUnavailable when a server cannot be reached.
    """
    in_turn = connections_in_turn()
    engine, beside = _engine(url, in_turn), _engine(url, in_turn)
    url = without_secrets(engine.url.render_as_string())  # for messages
    if engine.dialect.name == "sqlite":
        for each in (engine, beside):
            event.listen(each, "connect", _prepare_sqlite)
            if not survives_power:
                event.listen(each, "connect", _let_disk_be)
    try:
        _migrate(engine)
    except OperationalError as error:
        engine.dispose()
        if engine.dialect.name == "sqlite":
            raise DataFolderError(f"desk database {url}: {error.orig}") from error
        raise StoreUnavailable(f"desk database: {error.orig}") from error
    except DatabaseError as error:
        engine.dispose()
        raise DataFolderError(f"desk database {url}: {error.orig}") from error
    except DataFolderError:
        engine.dispose()
        raise
    return DeskDatabase(engine, beside)


def check_desk_url(url: str) -> None:
    """Raise ConfigError for a URL that no desk can be at; nothing is connected."""
    _engine(url).dispose()


def _engine(url: str, in_turn: type[sqlite3.Connection] = sqlite3.Connection) -> Engine:
    try:
        address = make_url(url)
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        return create_engine(address, **_engine_options(url, in_turn))
    except (ArgumentError, ValueError):  # its text may hold the URL, and so a password
        raise ConfigError(
            "desk.url is not usable; allowed: sqlite:///path or postgresql+psycopg://user:pass@host/name"
        ) from None
    except ImportError as error:
        raise ConfigError(
            f"desk.url is not usable: {error}; PostgreSQL needs the extra `postgres`: "
            "pip install 'sweepwatch[postgres]', in a clone: pip install -e '.[postgres]'"
        ) from error


def _engine_options(url: str, in_turn: type[sqlite3.Connection]) -> dict[str, Any]:
    # Errors are logged and kept: they must not quote what was to be written.
    if url.startswith("sqlite"):
        connecting = {"timeout": _SQLITE_TIMEOUT_S, "factory": in_turn}
        return {"connect_args": connecting, "hide_parameters": True} | _POOL
    return {"pool_pre_ping": True, "hide_parameters": True}


def _let_disk_be(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # WAL lets readers go on beside the one writer; FULL makes a commit survive a power cut, which the
    # quarantine's promise (kept before it is acknowledged) needs.
    _switch_to_wal(connection)
    # What is deleted is overwritten too: else it stands in the file until its place is used again.
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _switch_to_wal(connection: Any) -> None:
    """Switch a file to WAL; unlike other statements, this one does not wait while another holds the file."""
    deadline = monotonic() + _SQLITE_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or monotonic() > deadline:
                raise
            sleep(0.02)
        else:
            return


def _migrate(engine: Engine) -> None:
    with engine.begin() as connection:
        _lock_for_migration(connection)
        if inspect(connection).has_table("alembic_version"):
            current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            known = _revisions()
            if current == known[-1]:
                return  # without Alembic, whose import takes long
            if current is not None and current not in known:
                raise DataFolderError(
                    f"the desk database is of a newer version ({current}) than this Sweepwatch; "
                    "upgrade Sweepwatch or use another data folder"
                )
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@cache
def _revisions() -> Sequence[str]:
    """Return the revisions, the oldest first: by each the name of its file begins."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _lock_for_migration(connection: Connection) -> None:
    """Let one process migrate at a time; on SQLite this also finds out that the file can be written."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        # BEGIN IMMEDIATE is content with a read-only file; writing back what is there is not.
        version = connection.exec_driver_sql("PRAGMA user_version").scalar()
        connection.exec_driver_sql(f"PRAGMA user_version = {version}")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
