"""`sweepwatch desk copy`: moves a desk database, with the model files that belong to it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from fleet.errors import ConfigError, ModelRejected
from fleet.secrecy import without_secrets
from models.registry.files import DeskFiles, FolderFiles, ModelFiles
from storage.records.copying import copy_desk, require_empty
from storage.records.database import DeskDatabase, open_desk
from storage.records.model_cards import cards
from sweepwatch.data_folder import open_data_folder
from sweepwatch.printing import Say
from sweepwatch.run.progress import bar


def copy_desks(source_url: str, target_url: str, say: Say) -> None:
    """Copy a desk into an empty one. Raises ConfigError for URLs, otherwise as `copy_desk`."""
    if source_url == target_url:
        raise ConfigError(f"desk copy: --from and --to are the same, {without_secrets(source_url)}")
    file = _file(source_url, "--from")
    if file is not None and not file.exists():
        raise ConfigError(f"desk copy: {file} does not exist")
    with _opened(source_url, "--from") as source, _opened(target_url, "--to") as target:
        require_empty(target)
        moved, missing = _copy_files(source, _files(source_url, source), _files(target_url, target))
        with bar(f"Copying {without_secrets(source_url)} to {without_secrets(target_url)}") as report:
            counts = copy_desk(source, target, report)
    filled = {name: number for name, number in counts.items() if number}
    say(f"{sum(counts.values())} rows in {len(filled)} tables copied and counted.")
    say(f"{moved} model files copied.")
    for problem in missing:
        say(f"A model stays without its file: {problem}")


@contextmanager
def _opened(url: str, option: str) -> Iterator[DeskDatabase]:
    """Open a desk; one in a data folder only while no other process has that folder."""
    file = _file(url, option)
    with ExitStack() as stack:
        if file is not None and (file.parent / "format.json").exists():
            stack.callback(open_data_folder(file.parent).close)
        desk = open_desk(url)
        stack.callback(desk.close)
        yield desk


def _file(url: str, option: str) -> Path | None:
    """Return the file of an SQLite URL, None for a server's."""
    try:
        address = make_url(url)
    except ArgumentError:
        address = None
    kind = address.get_backend_name() if address is not None else ""
    if kind not in ("sqlite", "postgresql"):
        raise ConfigError(
            f"desk copy: {option} {without_secrets(url)} is not usable; allowed: sqlite:///path or "
            "postgresql+psycopg://user:pass@host/name"
        )
    if address is None or kind != "sqlite":
        return None
    return Path(address.database or "").resolve()


def _files(url: str, desk: DeskDatabase) -> ModelFiles:
    """Return where the model files of a desk are: beside an SQLite file, else in the database."""
    file = _file(url, "")
    return DeskFiles(desk) if file is None else FolderFiles(file.parent / "models")


def _copy_files(source: DeskDatabase, old: ModelFiles, new: ModelFiles) -> tuple[int, list[str]]:
    """Copy the file of each card; return how many, and what could not be had."""
    moved, missing = 0, []
    stored = DeskFiles(source)
    for card in cards(source):
        try:
            body = _first(card.path, old, stored)
        except ModelRejected as error:
            missing.append(str(error))
            continue
        new.write(card.path, body)
        moved += 1
    return moved, missing


def _first(path: str, *places: ModelFiles) -> bytes:
    for place in places[:-1]:
        try:
            return place.read(path)
        except ModelRejected:
            continue
    return places[-1].read(path)
