"""The data folder: what an installation keeps, with a format number, and one process at a time.

Who keeps readings and desk on servers has nothing here but logs, and shares the folder with whoever likes.
"""

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE, S_ISLNK
from typing import IO

from fleet.errors import DataFolderError

TELEMETRY = "telemetry.duckdb"
"""The file of the embedded time-series store."""
DESK = "desk.sqlite"
"""The file of the embedded desk database."""
FORMAT = 1
"""Raised whenever a newer Sweepwatch writes what an older one cannot read."""
_NOT_FOR_OTHERS = 0o077


class DataFolder:
    """An opened data folder, locked against a second process until `close`, unless it is `shared`."""

    def __init__(self, root: Path, lock: IO[str] | None) -> None:
        self.root = root
        self._lock = lock

    @property
    def shared(self) -> bool:
        """Whether other processes may use the folder too."""
        return self._lock is None

    @property
    def telemetry(self) -> Path:
        """Return the path of the embedded time-series store."""
        return self.root / TELEMETRY

    @property
    def desk(self) -> Path:
        """Return the path of the embedded desk database."""
        return self.root / DESK

    def folder(self, name: str) -> Path:
        """Return a folder inside, made if it is not there."""
        path = self.root / name
        path.mkdir(exist_ok=True)
        return path

    def close(self) -> None:
        """Let the next process have it."""
        if self._lock is not None:
            self._lock.close()


def for_this_user_alone() -> None:
    """From here on let whatever this process makes, and its broker, be for its user alone."""
    os.umask(_NOT_FOR_OTHERS)


def open_data_folder(root: Path, *, shared: bool = False) -> DataFolder:
    """Open or make the folder; `shared` where neither the store nor the desk is in it.

    Raises DataFolderError when it cannot be made or written, is of a newer version, or is in use.
    """
    root = root.resolve()
    for_this_user_alone()  # before anything is there: it may hold passwords, and where people are
    try:
        root.mkdir(parents=True, exist_ok=True)
        if shared:
            _close_to_others(root)
            return DataFolder(root, None)
        lock = (root / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise DataFolderError(
            f"data folder {root} cannot be written: {error.strerror}; give another with --data DIR"
        ) from error
    try:
        _take(lock, root)
        _check_format(root)
        _close_to_others(root)
    except BaseException:
        lock.close()
        raise
    return DataFolder(root, lock)


def _close_to_others(root: Path) -> None:
    """Take from others what an earlier version, or the folder's maker, let them read."""
    for path in (root, *root.rglob("*")):
        with suppress(FileNotFoundError, PermissionError):  # another's, or gone since it was listed
            mode = path.lstat().st_mode
            if mode & _NOT_FOR_OTHERS and not S_ISLNK(mode):
                path.chmod(S_IMODE(mode) & ~_NOT_FOR_OTHERS)


def _take(lock: IO[str], root: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        raise DataFolderError(
            f"data folder {root} is in use by another sweepwatch (process {holder}); stop it, or "
            "give another folder with --data DIR"
        ) from error
    lock.seek(0)
    lock.truncate()
    lock.write(f"{os.getpid()}\n")
    lock.flush()


def _check_format(root: Path) -> None:
    file = root / "format.json"
    if not file.exists():
        file.write_text(json.dumps({"format": FORMAT}) + "\n", encoding="utf-8")
        return
    try:
        found = int(json.loads(file.read_text(encoding="utf-8"))["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataFolderError(f"{file} is damaged: it should hold {{'format': {FORMAT}}}") from error
    if found > FORMAT:
        raise DataFolderError(
            f"data folder {root} is of a newer version (format {found}, where this Sweepwatch reads "
            f"up to {FORMAT}); upgrade Sweepwatch, or give another folder with --data DIR"
        )
