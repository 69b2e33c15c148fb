"""How visits are done and lateness is explained: an installation's checklists and lists of causes."""

from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from fleet.config import Shape, read_config
from fleet.faults import FAULTS
from fleet.text import Text, near, quoted
from fleet.tickets import Ticket, TicketKind

_BESIDE = Path(__file__).with_name("service.yaml")
SITE_TYPES = (
    *("office", "hospital", "school", "mall", "hotel"),
    *("factory", "food", "transport", "home", "other"),
)
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9_.\-]+$")]
Phrase = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Item(Shape):
    """One thing to do, or one cause; `id` is what is kept of it."""

    id: Id
    en: Phrase
    zh: Phrase

    @property
    def text(self) -> Text:
        """What it says."""
        return Text(self.en, self.zh)


class Where(Shape):
    """Which cases a checklist is for; what is left out may be anything."""

    kind: TicketKind | None = None
    faults: tuple[str, ...] = ()
    site_types: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Self:
        for names, known, what in (
            (self.faults, tuple(FAULTS), "fault"),
            (self.site_types, SITE_TYPES, "type of site"),
        ):
            for name in names:
                if name not in known:
                    raise ValueError(
                        f"{quoted(name)} is no {what}; allowed: {', '.join(known)}{near(name, known)}"
                    )
        return self

    def fits(self, case: Ticket, site_type: str) -> bool:
        """Tell whether a case is meant."""
        return (
            (self.kind is None or self.kind is case.kind)
            and (not self.faults or any(fault in self.faults for fault in case.faults))
            and (not self.site_types or site_type in self.site_types)
        )


class Checklist(Shape):
    """What is done at some visits (a standard operating procedure)."""

    id: Id
    where: Where = Field(default_factory=Where, alias="for")
    items: tuple[Item, ...] = Field(min_length=1)


class ServiceFile(Shape):
    """The file: checklists, and the causes of lateness that people choose from."""

    checklists: tuple[Checklist, ...] = ()
    late_causes: tuple[Item, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Self:
        _check_once("checklists", [each.id for each in self.checklists])
        _check_once("items", [item.id for each in self.checklists for item in each.items])
        _check_once("late_causes", [each.id for each in self.late_causes])
        return self

    def items_for(self, case: Ticket, site_type: str) -> tuple[Item, ...]:
        """Return what is to be done for a case, in the order of the file."""
        fitting = (each.items for each in self.checklists if each.where.fits(case, site_type))
        return tuple(item for items in fitting for item in items)


def _check_once(what: str, ids: Collection[str]) -> None:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise ValueError(f"{what}: {quoted(each)} is there twice; each id once")
        seen.add(each)


def load_service(path: Path | None = None) -> ServiceFile:
    """Read and check a file; without a path, the one that ships with us. Raises ConfigError."""
    return _shipped() if path is None else read_config(path, ServiceFile)


@cache
def _shipped() -> ServiceFile:
    return read_config(_BESIDE, ServiceFile)
