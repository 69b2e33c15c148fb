"""A real PostgreSQL server for tests and benchmarks: Debian's, in a temporary folder, on a free port."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

_VERSIONS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def is_installed() -> bool:
    """Tell whether Debian's `postgresql` package is there."""
    return bool(_VERSIONS)


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server with an empty database and yield its SQLAlchemy URL; stop and remove it after use."""
    folder = Path(mkdtemp(prefix="pg-"))
    tools = _VERSIONS[-1].parent
    as_user = _give_to_postgres(folder)
    data = str(folder / "data")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Durability is not what is tested here: without fsync it starts and commits at once.
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    try:
        _run([*as_user, str(tools / "initdb"), "-D", data, "-A", "trust", "-U", "desk", "-N", "-E", "UTF8"])
        _run(
            [
                *as_user,
                *(str(tools / "pg_ctl"), "-D", data, "-l", str(folder / "log")),
                *("-w", "-t", "30", "-o", options, "start"),
            ]
        )
        try:
            yield f"postgresql+psycopg://desk@127.0.0.1:{port}/postgres"
        finally:
            _run([*as_user, str(tools / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
