"""The files of a history in a folder: which are there, and whether a proof may read them."""

from pathlib import Path

from fleet.errors import InvalidInput, SweepwatchError
from fleet.signals import SignalTable
from ingest.history.plan import PARTS
from sweepwatch.commands.history import Given, planned
from sweepwatch.commands.history_export import MAP

FORMS = (".csv", ".csv.gz", ".parquet")
_NEEDED = ("telemetry", "repairs")


def history_files(folder: Path, chosen: Path | None) -> Given:
    """Return the files of a history: those of an export, or files named as the parts of a map.

    Raises InvalidInput where there is no map, or none of the files.
    """
    if not folder.is_dir():
        raise InvalidInput(f"--history: {folder} is no folder")
    map_file = chosen or folder / MAP
    if not map_file.is_file():
        raise InvalidInput(f"--history: there is no {map_file}; give the map of these files with --map")
    files = {part: found for part in PARTS if (found := _part(folder, part)) is not None}
    if not files.keys() >= set(_NEEDED):
        names = ", ".join(f"{part}{form}" for part in _NEEDED for form in FORMS)
        raise InvalidInput(
            f"--history: {folder} needs telemetry and repairs, each a file or a folder: {names}, ..."
        )
    return Given(map_file, files)


def _part(folder: Path, part: str) -> Path | None:
    names = [part, *(part + form for form in FORMS)]
    return next((folder / name for name in names if (folder / name).exists()), None)


def check_history(folder: Path, signals: SignalTable) -> None:
    """Raise InvalidInput for a folder without a history, or a map that is wrong: file, line, what is allowed.

    It names no folder of this machine, and a link is refused: it may lead anywhere.
    """
    links = sorted(each for each in folder.rglob("*") if each.is_symlink())
    if links:
        raise InvalidInput(
            f"{links[0].relative_to(folder)}: a link is not followed; put the file itself there"
        )
    if not (folder / MAP).is_file():
        raise InvalidInput(f"map: there is no {MAP}; it says which column is what (docs/own-history.md)")
    lacking = [part for part in _NEEDED if _part(folder, part) is None]
    if lacking:
        raise InvalidInput(
            f"{lacking[0]}: required, a file or a folder: {', '.join(lacking[0] + form for form in FORMS)}"
        )
    try:
        planned(history_files(folder, None), signals)
    except SweepwatchError as error:
        raise InvalidInput(str(error).replace(f"{folder}/", "").replace(str(folder), folder.name)) from error
