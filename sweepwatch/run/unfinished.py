"""The mark of a simulated past that is being written, and how one that was never finished is taken back."""

import json
import shutil
from contextlib import closing
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from fleet.errors import DataFolderError
from storage.records.database import open_desk
from storage.records.emptying import clear_desk, knows_devices
from sweepwatch.data_folder import DataFolder
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table
from sweepwatch.stores import SERVING
from sweepwatch.wiring import Services, desk_url, open_store

_MARK = "history-unfinished"


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a past was being written: prints of the addresses, empty for those in the data folder."""

    store: str = ""
    desk: str = ""
    desk_was_empty: bool = True


class UnfinishedPast:
    """The mark in a data folder. Who writes a past makes it before, and removes it after."""

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder

    @property
    def _path(self) -> Path:
        return self._folder.root / "simulator" / _MARK

    def begin(self, services: Services) -> None:
        """Mark that a past is being written from now on."""
        settings = services.settings
        mark = Mark(_print(settings.store.url), _print(settings.desk.url), not knows_devices(services.desk))
        self._path.write_text(json.dumps(asdict(mark)), encoding="utf-8")

    def end(self) -> None:
        """Tell that the past is whole."""
        self._path.unlink()

    def discard(self, settings: Settings) -> bool:
        """Remove what was written of a past that was ended half-way; return whether there was any.

        Nothing but that past can be in the stores: they were empty before, and nothing else is taken in
        before it is whole. A store that is not the one it was written to is left alone. Raises
        DataFolderError when the desk database held devices before, and StoreUnavailable when a server cannot
        be reached.
        """
        if not self._path.exists():
            return False
        said = self._path.read_text(encoding="utf-8")
        mark = Mark(**json.loads(said)) if said else Mark()
        if mark.store and mark.store == _print(settings.store.url):
            with closing(open_store(settings, self._folder, signal_table(settings), SERVING)) as store:
                store.clear()
        if mark.desk and mark.desk == _print(settings.desk.url):
            self._empty_desk(settings, mark)
        for path in (self._folder.telemetry, self._folder.desk):
            for file in self._folder.root.glob(f"{path.name}*"):
                file.unlink()
        shutil.rmtree(self._path.parent)
        return True

    def _empty_desk(self, settings: Settings, mark: Mark) -> None:
        if not mark.desk_was_empty:
            raise DataFolderError(
                "a first start was ended half-way, and the desk database held devices before it: what it "
                "wrote cannot be told from them; empty that database, or give another with desk.url"
            )
        with closing(open_desk(desk_url(settings, self._folder))) as desk:
            clear_desk(desk)


def _print(url: str | None) -> str:
    """Return what tells an address from others but not what it is: it may hold a token."""
    return sha256(url.encode()).hexdigest()[:16] if url else ""
