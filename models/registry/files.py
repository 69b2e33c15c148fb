"""Where model files are: in a folder, or in the desk database that every process reaches.

Nobody believes what is there: the registry holds each file against the SHA-256 of its card.
"""

import os
from pathlib import Path
from typing import Protocol

from fleet.errors import ModelRejected
from storage.records.database import DeskDatabase
from storage.records.model_files import drop_model_file, read_model_file, write_model_file


class ModelFiles(Protocol):
    """Files by the path that a card names."""

    def read(self, path: str) -> bytes:
        """Return a file. Raises ModelRejected when it is not there or cannot be read."""
        ...

    def write(self, path: str, body: bytes) -> None:
        """Keep a file: it is there in full, or not at all."""
        ...

    def drop(self, path: str) -> None:
        """Delete a file; one that is not there is passed over."""
        ...


class FolderFiles:
    """Model files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> bytes:
        """Return a file. Raises ModelRejected when it cannot be read or lies outside the folder."""
        try:
            return self._inside(path).read_bytes()
        except OSError as error:
            raise ModelRejected(f"model file {path} cannot be read: {error.strerror}") from error

    def write(self, path: str, body: bytes) -> None:
        """Keep a file: it is there in full, or not at all. Raises ModelRejected where it cannot be."""
        target = self._inside(path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh = target.with_name(f"{target.name}.{os.getpid()}.new")
            with fresh.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
        except OSError as error:
            raise ModelRejected(
                f"model file {path} cannot be written into {self._folder}: {error.strerror}"
            ) from error

    def drop(self, path: str) -> None:
        """Delete a file; one that is not there is passed over."""
        self._inside(path).unlink(missing_ok=True)

    def _inside(self, path: str) -> Path:
        found = (self._folder / path).resolve()
        if not found.is_relative_to(self._folder.resolve()):
            raise ModelRejected(f"model file {path} lies outside the models' folder")
        return found


class DeskFiles:
    """Model files in the desk database; `before` is a folder that may hold those of older versions."""

    def __init__(self, desk: DeskDatabase, before: Path | None = None) -> None:
        self._desk = desk
        self._before = FolderFiles(before) if before is not None and before.is_dir() else None

    def read(self, path: str) -> bytes:
        """Return a file. Raises ModelRejected when it is not there."""
        found = read_model_file(self._desk, path)
        if found is not None:
            return found
        if self._before is not None:
            return self._before.read(path)
        raise ModelRejected(f"model file {path} cannot be read: it is not in the desk database")

    def write(self, path: str, body: bytes) -> None:
        """Keep a file."""
        write_model_file(self._desk, path, body)

    def drop(self, path: str) -> None:
        """Delete a file; one that is not there is passed over."""
        drop_model_file(self._desk, path)
        if self._before is not None:
            self._before.drop(path)
