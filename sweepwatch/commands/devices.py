"""The commands of `sweepwatch devices`, which may run beside an installation."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from rich.table import Table

from access.devices.book import ADMIN, SERVICE, Service, document
from access.devices.claims import Claims
from access.devices.control import answers
from access.devices.credentials import AT_ONCE, DeviceDoors
from access.devices.hashing import hashed
from access.devices.importing import read_devices
from fleet.broker_url import parse_broker_url
from fleet.clock import SystemClock, to_rfc3339
from fleet.device_doors import Credential, Handed, NewDevice, Wanted
from fleet.errors import ConfigError, InvalidInput
from fleet.files import write_whole
from fleet.signals import Kind
from storage.records.database import DeskDatabase
from storage.records.device_credentials import newest_credentials
from storage.records.registering import places_of
from sweepwatch.commands.device_labels import sheet_of_labels
from sweepwatch.commands.doors import whoever
from sweepwatch.commands.installed import opened_desk
from sweepwatch.printing import Say, console, json_text
from sweepwatch.run.device_doors import device_doors
from sweepwatch.run.way_in import address_for_links
from sweepwatch.settings.settings import Settings

_HEAD = ("id", "password", "certificate", "key")
_PART = 10_000


def list_devices(settings: Settings, site: str | None, as_json: bool, say: Say) -> None:
    """Print the devices that have credentials: of which kind, since when, until when."""
    with opened_desk(settings) as desk, desk.transaction() as session:
        found = newest_credentials(session, None if site is None else frozenset({site}))
        places = places_of(session, found)
    if as_json:
        say(json_text([_item(one) | {"site": places[name].site} for name, one in found.items()]))
        return
    table = Table("id", "site", "credential", "made", "ends", "revoked", "broker")
    for name, one in found.items():
        times = [_day(time) for time in (one.made_at, one.ends, one.revoked_at)]
        known = "knows" if one.known_at else "not told yet"
        table.add_row(name, places[name].site, str(one.kind), *times, known)
    console().print(table)


def add_device(settings: Settings, device: NewDevice, wanted: Wanted, out: Path | None, say: Say) -> None:
    """Register a device, and print or write what is to be put into it."""
    _check_folder(out)
    with _doors(settings, say) as (_, doors):
        [handed] = doors.add([device], wanted, whoever())
    _hand_over(handed, out, say)


def import_devices(settings: Settings, file: Path, wanted: Wanted, out: Path, say: Say) -> None:
    """Register the devices of a CSV file; what is to be put into each goes into another, which is new.

    Those that have a credential already stay as they are.
    """
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            devices = read_devices(lines)
    except OSError as error:
        raise InvalidInput(f"{error.filename}: {error.strerror}") from error
    with _doors(settings, say) as (desk, doors), _new_file(out) as target:
        with desk.transaction() as session:
            known = {name for name, one in newest_credentials(session, None).items() if not one.revoked_at}
        new = [device for device in devices if device.id not in known]
        doors.check(new, wanted)
        writer = csv.writer(target)

        def hand_over(handed: Sequence[Handed]) -> None:
            if target.tell() == 0:
                writer.writerow(_HEAD)
            writer.writerows((one.device_id, one.password, one.certificate, one.key) for one in handed)
            target.flush()

        for at in range(0, len(new), _PART):
            doors.add(new[at : at + _PART], wanted, whoever(), hand_over=hand_over)
    see = f"; see {out}" if new else ""
    say(f"{len(new)} devices were registered, {len(devices) - len(new)} had credentials already{see}")
    if len(new) > AT_ONCE:
        say("The broker of `sweepwatch run` knows them in some seconds; another one needs a new book.")


def rotate_device(settings: Settings, device_id: str, wanted: Wanted, out: Path | None, say: Say) -> None:
    """Give a device a new credential."""
    _check_folder(out)
    with _doors(settings, say) as (_, doors):
        handed = doors.rotate(device_id, wanted, whoever())
    _hand_over(handed, out, say)


def revoke_devices(settings: Settings, device_ids: Sequence[str], why: str, say: Say) -> None:
    """Put devices out at the broker."""
    with _doors(settings, say) as (_, doors):
        ended = doors.revoke(device_ids, whoever(), why)
    say(f"{ended} credentials ended.")


def move_device(settings: Settings, device_id: str, site: str, why: str, say: Say) -> None:
    """Let a device belong to another site."""
    with _doors(settings, say) as (_, doors):
        doors.move(device_id, site, whoever(), why)
    say(f"{device_id} is at {site} now, with its history.")


def replace_device(
    settings: Settings, device_id: str, serial: str, why: str, wanted: Wanted, out: Path | None, say: Say
) -> None:
    """Let another device go on under an id."""
    _check_folder(out)
    with _doors(settings, say) as (_, doors):
        handed = doors.replace(device_id, serial, wanted, whoever(), why)
    _hand_over(handed, out, say)


def offer_claims(
    settings: Settings,
    serials: Sequence[str],
    kind: str,
    model: str,
    days: int,
    labels: Path | None,
    say: Say,
) -> None:
    """Let serial numbers be claimed; print each with the code for its label, or write a sheet of labels."""
    with ExitStack() as stack:
        desk, doors = stack.enter_context(_doors(settings, say))
        sheet = None if labels is None else stack.enter_context(_new_file(labels))
        offered = Claims(desk, SystemClock(), doors).offer(serials, Kind(kind), model, whoever(), days)
        if sheet is None:
            for one in offered:
                say(f"{one.serial} {one.code}")
            return
        sheet.write(sheet_of_labels(offered, model, address_for_links(settings)))
    say(f"{labels} has {len(offered)} labels; whoever has one can claim its device: print, and delete it.")


def write_book(settings: Settings, out: Path, say: Say) -> None:
    """Write the file from which a mosquitto of its own starts: our programs, and every device."""
    chosen = settings.broker
    if chosen.url is None or chosen.access_url is None:
        raise ConfigError(
            f"a book is for the broker of broker.url, mqtts://{SERVICE}:pass@host:port, which is changed "
            f"through broker.access_url, mqtts://{ADMIN}:pass@host:port: set both"
        )
    services = [
        _service(chosen.url, SERVICE, "broker.url"),
        _service(chosen.access_url, ADMIN, "broker.access_url"),
    ]
    running = parse_broker_url(chosen.access_url)
    if answers(running):
        raise ConfigError(
            f"mosquitto runs at {running}: stop it first. It reads a book at its start alone, writes its own "
            "over the file until then, and whoever is revoked meanwhile would be in the book"
        )
    with _doors(settings, say) as (_, doors):
        users = doors.users()
        _write_private(out, document(services, users, open_to_all=False))
        doors.note_book_read(users)
    say(f"{len(users)} devices are in {out}. Start mosquitto with it now.")


def _service(url: str, name: str, key: str) -> Service:
    address = parse_broker_url(url)
    if address.username != name or not address.password:
        raise ConfigError(f"{key}: allowed: the user {name}, with a password")
    return Service(name, hashed(address.password))


@contextmanager
def _doors(settings: Settings, say: Say) -> Iterator[tuple[DeskDatabase, DeviceDoors]]:
    """Open the credentials; say at the end what the broker has yet to be told."""
    os.umask(0o077)
    with opened_desk(settings) as desk:
        doors = device_doors(settings, settings.data.resolve(), desk, SystemClock())
        before = doors.waiting()
        yield desk, doors
        waiting = doors.waiting()
        if waiting > before and waiting <= AT_ONCE:
            say(f"The broker could not be told yet: of {waiting} devices it learns when it starts.")


@contextmanager
def _new_file(path: Path) -> Iterator[IO[str]]:
    """Open a file that is not there yet, for nobody else to read; empty at the end, it goes again."""
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="")
    except FileExistsError as error:
        raise InvalidInput(f"{path} is there already; name another") from error
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from error
    try:
        with file:
            yield file
    finally:
        if path.stat().st_size == 0:
            path.unlink()


def _check_folder(out: Path | None) -> None:
    """Make the folder for a certificate, before there is one that could be lost."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{out}: {error.strerror}") from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise InvalidInput(f"{out}: nothing can be written there")


def _hand_over(handed: Handed, out: Path | None, say: Say) -> None:
    if handed.password:
        say(handed.password)
        return
    if out is None:
        say(handed.key + handed.certificate + handed.authority)
        return
    files = {
        f"{handed.device_id}.crt": handed.certificate,
        f"{handed.device_id}.key": handed.key,
        "ca.crt": handed.authority,
    }
    written = [name for name, text in files.items() if text]
    for name in written:
        _write_private(out / name, files[name].encode())
    say(f"{', '.join(written[:-1])} and {written[-1]} are in {out}.")


def _write_private(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}") from error


def _item(one: Credential) -> dict[str, object]:
    times = {"made_at": one.made_at, "ends": one.ends, "revoked_at": one.revoked_at, "known_at": one.known_at}
    return {
        "id": one.device_id,
        "kind": str(one.kind),
        "made_by": one.made_by,
        "topics": list(one.topics),
        **{name: None if time is None else to_rfc3339(time) for name, time in times.items()},
    }


def _day(time: int | None) -> str:
    return "-" if time is None else to_rfc3339(time)[:10]
