"""The commands of `sweepwatch stock`, which may run beside an installation.

Whoever can read the data folder, or has the desk's address, is trusted with this.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from desk.parts.stock import Moving, StockDesk
from fleet.clock import SystemClock
from fleet.stock import Stock
from storage.records.stock import all_stock
from sweepwatch.commands.doors import whoever
from sweepwatch.commands.installed import opened_desk
from sweepwatch.printing import Say, json_text
from sweepwatch.settings.settings import Settings


def show_stock(settings: Settings, place: str | None, part: str | None, *, as_json: bool, say: Say) -> None:
    """Print what is where."""
    with opened_desk(settings) as desk, desk.look() as session:
        found = [each for each in all_stock(session, place=place) if part in (None, each.part)]
    if as_json:
        say(json_text([asdict(each) | {"free": each.free} for each in found]))
        return
    for each in found:
        say(_line(each))
    if not found:
        say("no part is in stock there")


def receive_parts(
    settings: Settings,
    place: str,
    part: str,
    quantity: int,
    serials: tuple[str, ...],
    why: str,
    say: Say,
) -> None:
    """Take pieces in, and print what is there."""
    with _opened(settings) as stock:
        say(_line(stock.receive(Moving(place, part, quantity, serials, why), whoever())))


def move_parts(
    settings: Settings,
    place: str,
    to: str,
    part: str,
    quantity: int,
    serials: tuple[str, ...],
    why: str,
    say: Say,
) -> None:
    """Let pieces go to another place, and print what is left."""
    with _opened(settings) as stock:
        say(_line(stock.move(Moving(place, part, quantity, serials, why, to=to), whoever())))


def count_parts(
    settings: Settings,
    place: str,
    part: str,
    quantity: int,
    serials: tuple[str, ...],
    why: str,
    say: Say,
) -> None:
    """Let a counted figure replace what was thought, and print what is there and the difference."""
    with _opened(settings) as stock:
        said = Moving(place, part, quantity, serials, why)
        found, more = stock.count(said, whoever(), read_serials=bool(serials))
    say(f"{_line(found)}; {more:+d} against what was thought")


@contextmanager
def _opened(settings: Settings) -> Iterator[StockDesk]:
    with opened_desk(settings) as desk:
        yield StockDesk(desk, SystemClock(), settings.desk.reservation_days)


def _line(stock: Stock) -> str:
    return f"{stock.place} {stock.part}: {stock.on_hand} there, {stock.reserved} held, {stock.free} free"
