"""The commands of `sweepwatch notify`, which may run beside an installation."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.table import Table

from fleet.clock import SystemClock, to_rfc3339
from fleet.errors import ConfigError, NotFound
from fleet.notices import ChannelKind
from fleet.outbox import Destination, Notice, NoticeState
from fleet.people import Person
from fleet.text import quoted
from notify.book import NoticeBook
from notify.ports import Said
from notify.recipients import by_mail
from notify.sender import Sender
from storage.records.database import DeskDatabase
from storage.records.destinations import destinations_of, named
from storage.records.notice_lists import NoticeFilter, find_notices
from storage.records.paging import Asked
from storage.records.people import names_of, person_by_email
from sweepwatch.commands.doors import whoever
from sweepwatch.commands.installed import opened_desk
from sweepwatch.printing import Say, console, json_text
from sweepwatch.run.way_in import address_for_links
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import channels_of

_SHOWN = 100
_WAIT_S = 20.0


def list_notices(settings: Settings, dead: bool, as_json: bool, say: Say) -> None:
    """Print the newest notices."""
    states = (NoticeState.DEAD,) if dead else ()
    with opened_desk(settings) as desk, desk.transaction() as session:
        found = find_notices(session, NoticeFilter(states), Asked("-id", _SHOWN, None, "")).rows
        places = named(session, {each.destination_id for each in found if each.destination_id})
        people = names_of(session, {each.person_id for each in found if each.person_id})
    rows = [_item(each, people, places) for each in found]
    if as_json:
        say(json_text(rows))
    elif not rows:
        say("Nothing could not be delivered." if dead else "Nobody was told anything yet.")
    else:
        table = Table("id", "written", "to", "by", "about", "state", "trouble")
        for row in rows:
            table.add_row(*(str(row[name] or "") for name in row))
        console().print(table)


def _item(notice: Notice, people: dict[int, str], places: dict[int, Destination]) -> dict[str, object]:
    place = places.get(notice.destination_id or 0)
    told = notice.telling
    return {
        "id": notice.id,
        "written": to_rfc3339(notice.written_at),
        "to": people.get(notice.person_id or 0) or (place.name if place else notice.recipient),
        "by": f"{place.channel}: {place.shown}" if place else None,
        "about": "test" if told is None else f"{told.occasion} {told.level} {told.fault} {told.device_id}",
        "state": notice.proof if notice.state is NoticeState.SENT else notice.state,
        "trouble": notice.trouble or (notice.reason if notice.state is NoticeState.DEAD else None),
    }


def test_person(settings: Settings, email: str, say: Say) -> None:
    """Send a test to each destination of a person, and print what became of it.

    Raises NotFound for somebody who is not there or has no destination, ConfigError where one did not arrive.
    """
    with _book(settings) as (desk, book):
        person, ways = _ways(desk, book, email)
        said = Said(address_for_links(settings))
        sender = Sender(desk, book.channels, said, SystemClock(), f"cli:{os.getpid()}")
        failed = []
        for way in ways:
            notice = _sent(book, sender, book.test(way.id, whoever()), way.id)
            arrived = notice.state is NoticeState.SENT
            became = notice.proof.replace("_", " ") if arrived else notice.trouble or "still waits"
            say(f"{person.name}, {way.channel}: {way.shown}: {became}")
            failed += [] if arrived else [way.name]
    if failed:
        raise ConfigError(
            f"did not arrive: {', '.join(failed)}; the processes of the installation try again "
            "where that may help. This command goes by its own settings, those of the server may be others"
        )


def send_again(settings: Settings, number: int, say: Say) -> None:
    """Let a dead notice go out again, by the processes of the installation."""
    with _book(settings) as (_, book):
        book.again(number, whoever())
    say(f"notice {number} goes out again")


@contextmanager
def _book(settings: Settings) -> Iterator[tuple[DeskDatabase, NoticeBook]]:
    with opened_desk(settings) as desk:
        yield desk, NoticeBook(desk, channels_of(settings, desk, SystemClock()), SystemClock())


def _ways(desk: DeskDatabase, book: NoticeBook, email: str) -> tuple[Person, list[Destination]]:
    with desk.transaction() as session:
        person = person_by_email(session, email.strip().lower())
        if person is None:
            raise NotFound(f"nobody has the address {quoted(email)}")
        ways = destinations_of(session, [person.id])[person.id]
        if not ways and ChannelKind.MAIL in book.channels:
            ways = by_mail(session, person.id, SystemClock().now_ms())
    if not ways:
        raise NotFound(
            f"{person.name} has no destination; they add one on their page (Account, How you are told), "
            "or set up mail: [notify.mail] in the settings"
        )
    return person, ways


def _sent(book: NoticeBook, sender: Sender, number: int, destination: int) -> Notice:
    """Send a test here, or wait for the process that took it."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        sender.send_to(destination)
        notice = book.notice(number)
        if notice.state is not NoticeState.WAITING or notice.tries or time.monotonic() > deadline:
            return notice
        time.sleep(0.2)
