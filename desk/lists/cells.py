"""What stands in the cells of a list: how each sort of text is read, and written.

A reader returns what is kept of a cell, or raises ValueError, which says what is allowed.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable
from datetime import date
from typing import Any

from fleet import contacts
from fleet.text import near, quoted
from fleet.wall_fields import WEEKDAYS, minute_of

Read = Callable[[str], Any]
_FORMULA = re.compile(r"'*[=+@\t\r-]")
"""What a spreadsheet takes for a formula, or looks like one that was made harmless."""
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_YES, _NO = frozenset({"yes", "true", "1", "是"}), frozenset({"no", "false", "0", "否"})
_BETWEEN = re.compile(r"[;；\r\n]")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; `as_meant` undoes it."""
    return f"'{text}" if _FORMULA.match(text) else text


def as_meant(text: str) -> str:
    """Return a cell's text without the mark that `harmless` set before it."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text) else text


def text(most: int, *, lines: bool = False) -> Read:
    """Read a text of at most so many characters; `lines`: it may have several."""
    fits = re.compile(contacts.LINES if lines else contacts.LINE)

    def read(cell: str) -> str:
        if len(cell) > most:
            raise ValueError(f"{len(cell)} characters; allowed: at most {most}")
        if not fits.fullmatch(cell):
            raise ValueError(f"{quoted(cell)} holds what cannot be seen; allowed: text")
        return cell

    return read


def optional(read: Read) -> Read:
    """Read nothing as None."""
    return lambda cell: read(cell) if cell else None


def name(pattern: str, allowed: str) -> Read:
    """Read a text that a pattern fits; `allowed` says it in words."""
    compiled = re.compile(pattern)

    def read(cell: str) -> str:
        if not compiled.fullmatch(cell):
            raise ValueError(f"{quoted(cell)} is none; allowed: {allowed}")
        return cell

    return read


ID = name(r"[A-Za-z0-9_-]{1,64}", "1 to 64 letters, digits, _ and -")
KEY = name(contacts.KEY, contacts.KEY_ALLOWED)
PHONE = name(contacts.PHONE, contacts.PHONE_ALLOWED)
EMAIL = name(contacts.EMAIL, contacts.EMAIL_ALLOWED)


def word(allowed: Collection[str]) -> Read:
    """Read one of some words, whichever its case."""
    known = {each.casefold(): each for each in allowed}

    def read(cell: str) -> str:
        found = known.get(cell.casefold())
        if found is None:
            raise ValueError(
                f"{quoted(cell)} is none; allowed: {', '.join(allowed)}{near(cell.casefold(), allowed)}"
            )
        return found

    return read


def words(one: Read) -> Read:
    """Read several, with ; between them, in alphabetic order."""
    return lambda cell: sorted({one(each) for each in _split(cell)})


def flag(cell: str) -> bool:
    """Read yes or no."""
    if cell.casefold() not in _YES | _NO:
        raise ValueError(f"{quoted(cell)} is none; allowed: yes, no")
    return cell.casefold() in _YES


def number(least: float, most: float) -> Read:
    """Read a number."""

    def read(cell: str) -> float:
        try:
            found = float(cell)
        except ValueError:
            found = math.nan
        if not least <= found <= most:
            raise ValueError(f"{quoted(cell)} is none; allowed: a number from {least:g} to {most:g}")
        return found

    return read


def whole(least: int, most: int) -> Read:
    """Read a whole number."""

    def read(cell: str) -> int:
        found = int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 19 else least - 1
        if not least <= found <= most:
            raise ValueError(f"{quoted(cell)} is none; allowed: a whole number from {least} to {most}")
        return found

    return read


def day(cell: str) -> str:
    """Read a date, as ISO 8601 has it or with slashes; return the former."""
    found = _DATE.fullmatch(cell)
    try:
        if found:
            return date(*map(int, found.groups())).isoformat()
    except ValueError:
        pass
    raise ValueError(f"{quoted(cell)} is no date; allowed: 2026-01-05 or 2026/1/5")


def records(*fields: tuple[str, Read]) -> Read:
    """Read several records with ; between them, their fields with | between."""
    form = "|".join(name for name, _ in fields)

    def one(record: str) -> dict[str, Any]:
        cells = [each.strip() for each in record.split("|")]
        if len(cells) != len(fields):
            raise ValueError(
                f"{quoted(record)} has {len(cells)} parts; allowed: {form}, with ; between several"
            )
        return {field: read(cell) for (field, read), cell in zip(fields, cells, strict=True)}

    return lambda cell: [one(each) for each in _split(cell)]


def shifts(cell: str) -> dict[str, list[str]]:
    """Read hours by weekday: `mon 08:00-12:00 13:00-17:00; tue 22:00-06:00`."""
    found: dict[str, list[str]] = {}
    for each in _split(cell):
        on, *hours = each.split()
        if on not in WEEKDAYS or on in found or not hours:
            raise ValueError(
                f"{quoted(each)} is none; allowed: each of {', '.join(WEEKDAYS)} once, then its hours"
            )
        found[on] = [check_hours(one) for one in hours]
    return {on: found[on] for on in WEEKDAYS if on in found}


def check_hours(text: str) -> str:
    """Return hours such as `08:00-18:00`. Raises ValueError for what are none."""
    begin, dash, to = text.partition("-")
    if not dash:
        raise ValueError(f"{quoted(text)} are no hours; allowed: 08:00-18:00")
    minute_of(begin), minute_of(to, last=True)
    return text


def _split(cell: str) -> Iterable[str]:
    return (each.strip() for each in _BETWEEN.split(cell) if each.strip())


def plain(value: Any) -> str:
    """Return a value as the text from which it is read again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, dict):
        value = [f"{on} {' '.join(hours)}" for on, hours in value.items()]
    return "; ".join(map(_one_of, value)) if isinstance(value, list) else str(value)


def _one_of(value: Any) -> str:
    return "|".join(map(plain, value.values())) if isinstance(value, dict) else str(value)


def written(value: Any) -> str:
    """Return a value as the cell of a list; no text there is a formula."""
    return plain(value) if isinstance(value, int | float) else harmless(plain(value))
