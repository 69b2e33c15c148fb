"""Forms of the service's pages: their fields are the columns of the list, and are read as its cells are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from desk.lists.cells import plain
from desk.lists.sheets import NEEDED, SHEETS
from fleet.errors import InvalidInput
from fleet.lists import ListKind
from fleet.text import quoted

Entered = dict[str, str]
_SEVERAL = "; "


async def entered_of(request: Request) -> Entered:
    """Return what a form says, as it was typed; of boxes of one name those that were ticked."""
    form = await request.form()
    names = dict.fromkeys(form.keys())
    found = {name: [each for each in form.getlist(name) if isinstance(each, str)] for name in names}
    return {name: _SEVERAL.join(each).replace("\0", "").strip() for name, each in found.items()}


Said = Annotated[Entered, Depends(entered_of)]


@dataclass(frozen=True, slots=True)
class Tried:
    """How a page comes back after a form: why it was refused, what had been typed, or that it was kept.

    `beside` is what was typed into the other form of a page.
    """

    status: int = 200
    error: str | None = None
    entered: Entered | None = None
    beside: Entered | None = None
    saved: bool = False


def typed(kind: ListKind, columns: Mapping[str, Any]) -> Entered:
    """Return the columns of a row as a form holds them."""
    return {name: plain(value) for name, value in columns.items() if name in SHEETS[kind].names}


def blank(kind: ListKind) -> Entered:
    """Return an empty form, with what a new row has where nothing is said."""
    sheet = SHEETS[kind]
    columns = {name: "" if one.default is NEEDED else one.default for name, one in sheet.columns.items()}
    return typed(kind, {sheet.key: "", **columns})


def version_in(said: Entered) -> int | None:
    """Return the version that a form was made from, None where it does not say. Raises InvalidInput."""
    text = said.get("version", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidInput(f"version: {quoted(text)} is none; load the page again")
    return int(text)
