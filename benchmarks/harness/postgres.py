"""A real PostgreSQL server for tests and benchmarks: Debian's, in a temporary folder, on a free port."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.harness.broker import free_port

_VERSIONS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def is_installed() -> bool:
    """Tell whether Debian's `postgresql` package is there."""
    return bool(_VERSIONS)


class Postgres:
    """A server that can be stopped and started again on the same port with the same data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._as_user = _give_to_postgres(folder)
        self._port = free_port()
        self._tool("initdb", "-A", "trust", "-U", "desk", "-N", "-E", "UTF8")

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of its database."""
        return f"postgresql+psycopg://desk@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        # Durability is not what is tested here: without fsync it starts and commits at once.
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c fsync=off"
        options += f" -c unix_socket_directories={self._folder}"
        log = str(self._folder / "log")
        self._tool("pg_ctl", "-l", log, "-w", "-t", "30", "-o", options, "start")

    def stop(self) -> None:
        """End it at once; clients see their connections close."""
        self._tool("pg_ctl", "-m", "immediate", "-w", "stop")

    def _tool(self, name: str, *arguments: str) -> None:
        tool = str(_VERSIONS[-1].with_name(name))
        _run([*self._as_user, tool, "-D", str(self._folder / "data"), *arguments])


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server with an empty database; stop and remove it after use."""
    folder = Path(mkdtemp(prefix="pg-"))
    try:
        server = Postgres(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server with an empty database and yield its SQLAlchemy URL; stop and remove it after use."""
    with running_postgres() as server:
        yield server.url


def _give_to_postgres(folder: Path) -> list[str]:
    """Return the prefix under which the server's tools run: initdb refuses root."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["runuser", "-u", "postgres", "--"]


def _run(command: list[str]) -> None:
    # pg_ctl leaves the server with our descriptors: files, not pipes, or the read would never end.
    quiet = subprocess.DEVNULL
    done = subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, check=False, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}")
