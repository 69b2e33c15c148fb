"""An empty desk database on SQLite, made once."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.records.database import DeskDatabase, open_desk


@cache
def fresh_file() -> bytes:
    """Return a migrated, empty SQLite database: migrating each test's own would take most of its time."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "desk.db"
        open_desk(f"sqlite:///{path}").close()
        return path.read_bytes()


def fresh_desk(path: Path) -> DeskDatabase:
    """Open a desk database on SQLite; one that is not there yet is a copy of the empty one."""
    if not path.exists():
        path.write_bytes(fresh_file())
    return open_desk(f"sqlite:///{path}")
