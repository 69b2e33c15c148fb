"""A disk that can be full: a small tmpfs where that may be mounted, else a limit on a process's files."""

import os
import resource
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Protocol

_SIZE_MB = 512
_CHUNK = b"\0" * 1024 * 1024


class FullDisk(Protocol):
    """Something on which there can be no room."""

    name: str

    def fill(self, pid: int) -> None:
        """Leave no room for what a process writes."""
        ...

    def free(self, pid: int) -> None:
        """Give the room back."""
        ...


class SmallDisk:
    """A tmpfs mounted on `folder` while the context lasts; filled with a file that is in the way."""

    name = "tmpfs"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    @staticmethod
    def allowed(folder: Path) -> bool:
        """Tell whether this user may mount; tries it on an empty folder."""
        try:
            with SmallDisk(folder):
                return True
        except (OSError, subprocess.CalledProcessError):
            return False

    def __enter__(self) -> "SmallDisk":
        self.folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE_MB}m", "tmpfs", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True, capture_output=True)

    def fill(self, pid: int) -> None:
        """Leave not one byte."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for chunk in (_CHUNK, _CHUNK[:4096]):
                try:
                    while ballast.write(chunk) == len(chunk):
                        pass
                except OSError:
                    continue

    def free(self, pid: int) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)


class FileLimit:
    """A process may make no file larger than it is now; for users who may not mount."""

    name = "file size limit"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self, pid: int) -> None:
        """Let no file of the process grow beyond half of the largest there is."""
        largest = max((file.stat().st_size for file in self._folder.rglob("*") if file.is_file()), default=0)
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (max(4096, largest // 2), hard))

    def free(self, pid: int) -> None:
        """Let files grow again."""
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


def free_bytes(folder: Path) -> int:
    """Return how much more fits on the disk of `folder`."""
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize
