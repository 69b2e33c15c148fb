"""A real PostgreSQL server for tests, the one that the benchmarks use, and databases for a desk on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_file
from sqlalchemy import create_engine, text

from benchmarks.harness.postgres import Postgres, is_installed, postgres_server, running_postgres
from storage.records.database import DeskDatabase, open_desk

__all__ = ["Postgres", "emptied", "migrated", "postgres_server", "require_postgres", "running_postgres"]


def require_postgres() -> None:
    """Skip a test where PostgreSQL is not installed; in CI that is a failure."""
    if is_installed():
        return
    if os.environ.get("CI"):
        pytest.fail("PostgreSQL is required here: apt-get install postgresql")
    pytest.skip("PostgreSQL is not installed: apt-get install postgresql")


def emptied(server: str) -> str:
    """Return the address of an empty database on a server; what it held before is gone."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS desk WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE desk"))
    engine.dispose()
    return server.removesuffix("postgres") + "desk"


def migrated(server: str) -> str:
    """Return the address of a database whose tables are there and empty: a copy of one made once a server."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        known = text("SELECT count(*) FROM pg_database WHERE datname = 'empty_desk'")
        if not connection.scalar(known):
            connection.execute(text("CREATE DATABASE empty_desk"))
            open_desk(server.removesuffix("postgres") + "empty_desk").close()
        connection.execute(text("DROP DATABASE IF EXISTS desk WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE desk TEMPLATE empty_desk"))
    engine.dispose()
    return server.removesuffix("postgres") + "desk"


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    require_postgres()
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'desk.db'}"
    return emptied(request.getfixturevalue("postgres"))


@pytest.fixture
def desk(url: str) -> Iterator[DeskDatabase]:
    """Yield an empty desk, on either kind of database."""
    opened = open_desk(url)
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def ready_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a desk whose tables are there, of either kind; quicker than to make them."""
    if request.param == "postgresql":
        return migrated(request.getfixturevalue("postgres"))
    path = tmp_path / "ready.db"
    path.write_bytes(fresh_file())
    return f"sqlite:///{path}"


@pytest.fixture
def ready_desk(ready_url: str) -> Iterator[DeskDatabase]:
    """Yield a desk whose tables are there, on either kind of database."""
    opened = open_desk(ready_url)
    yield opened
    opened.close()
