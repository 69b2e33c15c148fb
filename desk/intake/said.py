"""What somebody reports is checked and tidied before it is kept."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from fleet.errors import InvalidInput
from fleet.requests import LONGEST_CONTACT, LONGEST_WHO, LONGEST_WORDS, NewRequest, Suits
from fleet.text import LANGUAGES, quoted

_SPACE = re.compile(r"[^\S\n]+")
_FURTHEST_DAYS = 366


def tidied(said: NewRequest, now: int) -> NewRequest:
    """Return what is reported without what cannot be seen. Raises InvalidInput, which says what is allowed.

    `now` is in epoch ms.
    """
    words = _text("words", said.words, LONGEST_WORDS)
    if not words:
        raise InvalidInput("words: say what is wrong; required")
    if said.language not in LANGUAGES:
        raise InvalidInput(f"language: {quoted(said.language)} is none; allowed: en, zh")
    return replace(
        said,
        words=words,
        who=_text("who", said.who, LONGEST_WHO).replace("\n", " "),
        contact=_text("contact", said.contact, LONGEST_CONTACT).replace("\n", " "),
        suits=tuple(dict.fromkeys(said.suits)),
        suits_on=_day(said.suits_on, now),
    )


def suits_of(given: list[str]) -> tuple[Suits, ...]:
    """Return when a visit suits from what a form holds. Raises InvalidInput."""
    for each in given:
        if each not in set(Suits):
            raise InvalidInput(f"suits: {quoted(each)} is none; allowed: {', '.join(Suits)}")
    return tuple(Suits(each) for each in given)


def sameness(said: NewRequest) -> str:
    """Return a digest that is the same for the same words of the same contact at the same site."""
    plain = " ".join(re.findall(r"\w+", said.words.casefold()))
    parts = "\0".join((said.site or "", said.contact.casefold(), plain))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()


def _text(name: str, given: str, longest: int) -> str:
    text = given.replace("\r\n", "\n").replace("\r", "\n")
    shown = "".join(one if one.isprintable() or one == "\n" else " " for one in text)
    shown = _SPACE.sub(" ", shown).strip()
    if len(shown) > longest:
        raise InvalidInput(f"{name}: at most {longest} characters")
    return shown


def _day(text: str | None, now: int) -> str | None:
    if not text:
        return None
    today = datetime.fromtimestamp(now / 1000, UTC).date()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"suits_on: {quoted(text)} is no date; allowed: 2026-11-30") from None
    # It may be tomorrow already, or still yesterday, where the device is.
    if not today - timedelta(days=1) <= day <= today + timedelta(days=_FURTHEST_DAYS):
        raise InvalidInput(f"suits_on: allowed: from today on, up to {_FURTHEST_DAYS} days ahead")
    return day.isoformat()
