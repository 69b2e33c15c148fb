"""Devices from a CSV file: every line is looked at before any device is added."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from access.devices.asked import check_device
from fleet.device_doors import NewDevice
from fleet.errors import InvalidInput
from fleet.signals import Kind
from fleet.text import quoted

COLUMNS = ("id", "site", "kind", "model", "serial", "topics")
_REQUIRED = ("id", "site")
_SHOWN = 20
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that cannot be taken, and why."""

    line: int
    why: str


def read_devices(lines: Iterable[str]) -> list[NewDevice]:
    """Return the devices of a CSV file with the columns id, site, kind (robot), model, serial and topics.

    `topics` are separated by spaces; an Excel byte-order mark and empty lines are passed over. Raises
    InvalidInput that names the first twenty lines that cannot be taken, and how many there are.
    """
    wrong: list[Wrong] = []
    devices: dict[str, NewDevice] = {}
    for number, row in _rows(lines):
        try:
            device = _device(row)
        except InvalidInput as error:
            wrong.append(Wrong(number, str(error)))
            continue
        if device.id in devices:
            wrong.append(Wrong(number, f"id: {device.id} comes twice"))
        devices[device.id] = device
        if len(devices) > MOST:
            raise InvalidInput(f"allowed: {MOST} devices in one file")
    if wrong:
        shown = "; ".join(f"line {one.line}: {one.why}" for one in wrong[:_SHOWN])
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise InvalidInput(f"nothing was imported: {shown}{more}")
    if not devices:
        raise InvalidInput("nothing was imported: there is no device in it")
    return list(devices.values())


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(_without_mark(lines), strict=True)
    try:
        head = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in _REQUIRED if name not in head]
        unknown = [name for name in head if name not in COLUMNS]
        if missing or unknown:
            problem = f"{', '.join(missing)} is missing" if missing else f"{quoted(unknown[0])} is unknown"
            raise InvalidInput(
                f"line 1: {problem}; allowed columns: {', '.join(COLUMNS)}, with commas between them"
            )
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, _named(head, row)
    except csv.Error as error:
        raise InvalidInput(f"line {reader.line_num}: {error}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput("the file is not UTF-8") from error


def _named(head: list[str], row: list[str]) -> dict[str, str]:
    cells = [cell.strip() for cell in row]
    # A line with too many cells is another file's, or has a comma that wants quotes.
    return dict(zip(head, cells, strict=False)) | ({"": cells[len(head)]} if len(cells) > len(head) else {})


def _device(row: dict[str, str]) -> NewDevice:
    if "" in row:
        raise InvalidInput(f"one cell too many, {quoted(row[''])}")
    kind = row.get("kind") or Kind.ROBOT
    if kind not in set(Kind):
        raise InvalidInput(f"kind: {quoted(kind)} is none; allowed: {', '.join(Kind)}")
    device = NewDevice(
        row.get("id", ""),
        row.get("site", ""),
        Kind(kind),
        row.get("model", ""),
        row.get("serial", ""),
        tuple(row.get("topics", "").split()),
    )
    check_device(device)
    return device


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield line.removeprefix("\ufeff") if number == 0 else line
