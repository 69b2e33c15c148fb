"""How far an import is, in a note that survives its end: an import that was broken off goes on from there."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SAMPLE = 65_536


def fingerprint(map_text: str, store: str, files: Sequence[Path]) -> str:
    """Return what tells one import from another: its map, its store, and its files by what they hold.

    Of a file its size and both ends count: to read all of it first would take as long as to take it in.
    """
    digest = hashlib.sha256(f"{map_text}\0{store}\0".encode())
    for path in files:
        size = path.stat().st_size
        digest.update(f"{path.resolve()}\0{size}\0".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE))
            file.seek(max(0, size - _SAMPLE))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


class ProgressNote:
    """The note of one import in a folder; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, key: str) -> None:
        self._path = None if folder is None else folder / f"{key[:32]}.json"

    def read(self) -> dict[str, Any] | None:
        """Return what was noted last; None where there is none, or it is damaged."""
        if self._path is None or not self._path.exists():
            return None
        try:
            found: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        except ValueError:
            return None  # broken off in the midst of it: all is looked at again, which changes nothing
        return found

    def write(self, data: Mapping[str, Any]) -> None:
        """Keep what is durable by now; whole, or not at all."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(data), encoding="utf-8")
        fresh.replace(self._path)

    def end(self) -> None:
        """Forget it: the import is complete."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
