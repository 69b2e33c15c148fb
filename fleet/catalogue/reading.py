"""Reads catalogues: the one that ships, and an installation's own, which adds to it."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from fleet.catalogue.entries import Catalogue, Component, Fault, FaultCosts, Level, Phrases
from fleet.config import Mistake, Mistakes, Shape, line_of, parse_config, read_text
from fleet.signals import Kind
from fleet.text import Language, Text, near, quoted

MOST_HORIZON_DAYS = 60
"""Life is told three horizons ahead, and history is read half a year back."""
_STANDARD = Path(__file__).with_name("standard.yaml")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NO_FAULT = "none"
_DIRECTIONS = {"rises": 1, "falls": -1}


_Place = tuple[str, ...]
_Wrong = tuple[_Place, str]


def _one_line(text: object) -> object:
    if isinstance(text, str) and not text.isprintable():
        raise ValueError("a line of text without control characters")
    return text


_Words = Annotated[str, Field(min_length=1, max_length=300), BeforeValidator(_one_line)]
_Cost = Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)]


class _TextShape(Shape):
    en: _Words
    zh: _Words

    def text(self) -> Text:
        return Text(self.en, self.zh)


class _NamedShape(Shape):
    name: _TextShape


class _ComponentShape(Shape):
    name: _TextShape
    cycled: bool = False

    def component(self) -> Component:
        return Component(self.name.text(), self.cycled)


class _CostsShape(Shape):
    visit: _Cost | None = None
    call: _Cost | None = None
    breakdown: _Cost | None = None


class _FaultShape(Shape):
    kind: Kind
    level: Level
    name: _TextShape
    skill: str
    advice: _TextShape
    part: str | None = None
    repair_minutes: int = Field(30, ge=1, le=24 * 60)
    customer_can_mend: bool = False
    horizon_days: int | None = Field(None, ge=1, le=MOST_HORIZON_DAYS)
    wears: bool = False
    costs: _CostsShape = _CostsShape()
    seen_in: tuple[str, ...] = ()
    renews: tuple[str, ...] = ()
    signs: dict[str, Literal["rises", "falls"]] = Field(default_factory=dict)
    symptoms: dict[Language, tuple[_Words, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _makes_sense(self) -> "_FaultShape":
        if self.wears and self.horizon_days is None:
            raise ValueError("wears: of a fault that no model predicts no life is told; give horizon_days")
        if self.wears and not self.seen_in:
            raise ValueError("wears: life is that of a component; name it first in seen_in")
        if self.horizon_days is not None and self.kind is not Kind.ROBOT:
            raise ValueError(f"horizon_days: models know robots only, this is a fault of a {self.kind}")
        return self

    def fault(self, code: str) -> Fault:
        return Fault(
            code,
            self.kind,
            self.level,
            self.name.text(),
            self.part,
            self.skill,
            self.repair_minutes,
            self.customer_can_mend,
            self.advice.text(),
            self.horizon_days,
            self.wears,
            FaultCosts(self.costs.visit, self.costs.call, self.costs.breakdown),
            self.seen_in,
            self.renews or self.seen_in[:1],
            {measure: _DIRECTIONS[way] for measure, way in self.signs.items()},
        )


class CatalogueFile(Shape):
    """What a catalogue's file holds, each table by code."""

    catalogue: Literal[1]
    skills: dict[str, _TextShape] = Field(default_factory=dict)
    parts: dict[str, _NamedShape] = Field(default_factory=dict)
    components: dict[str, _ComponentShape] = Field(default_factory=dict)
    faults: dict[str, _FaultShape] = Field(default_factory=dict)


@cache
def standard() -> Catalogue:
    """Return the catalogue that ships."""
    return _merged(_EMPTY, read_text(_STANDARD), str(_STANDARD))


def read_catalogue(path: Path) -> Catalogue:
    """Return the catalogue that ships with what an installation's file adds to it or says otherwise.

    An entry of the same code takes the place of the shipped one, whole. Raises Mistakes, which name each
    place and what is allowed.
    """
    return _merged(standard(), read_text(path), str(path))


_EMPTY = Catalogue({}, {}, {}, {}, {})


def _merged(base: Catalogue, text: str, origin: str) -> Catalogue:
    shape = parse_config(text, CatalogueFile, origin)
    # A fault that stands anew without phrases keeps those that it had.
    symptoms: dict[str, Phrases] = {
        code: fault.symptoms for code, fault in shape.faults.items() if fault.symptoms
    }
    found = Catalogue(
        {**base.faults, **{code: fault.fault(code) for code, fault in shape.faults.items()}},
        {**base.components, **{code: each.component() for code, each in shape.components.items()}},
        {**base.parts, **{code: part.name.text() for code, part in shape.parts.items()}},
        {**base.skills, **{code: name.text() for code, name in shape.skills.items()}},
        {**base.symptoms, **symptoms},
    )
    wrong = [
        Mistake(line_of(text, *place), f"{'.'.join(place)}: {why}")
        for place, why in _wrong(shape, base, found)
    ]
    if wrong:
        raise Mistakes(origin, wrong)
    return found


def _wrong(shape: CatalogueFile, base: Catalogue, found: Catalogue) -> Iterator[_Wrong]:
    yield from _wrong_names(shape)
    for code, fault in shape.faults.items():
        place = ("faults", code)
        shipped = base.faults.get(code)
        if shipped is not None and shipped.kind is not fault.kind:
            yield (*place, "kind"), f"the shipped {code} is a fault of a {shipped.kind}"
        if base.faults and shipped is None and fault.kind is Kind.WRISTBAND:
            # What protects persons goes by the catalogue, and an own fault may leave it.
            yield (*place, "kind"), "faults of wristbands tell of persons: there are none but those that ship"
        yield from _unknown((*place, "skill"), (fault.skill,), found.skills, "skill")
        yield from _unknown((*place, "part"), (fault.part,) if fault.part else (), found.parts, "part")
        for field in ("seen_in", "renews"):
            yield from _unknown((*place, field), getattr(fault, field), found.components, "component")
        unpaid, paid = ("visit", "call") if fault.customer_can_mend else ("call", "visit")
        if getattr(fault.costs, unpaid) is not None:
            yield (*place, "costs", unpaid), f"is never paid: acting on it costs a {paid}"


def _wrong_names(shape: CatalogueFile) -> Iterator[_Wrong]:
    for table in ("skills", "components", "faults"):
        for code in getattr(shape, table):
            if not _CODE.fullmatch(code):
                yield (table, code), f"{quoted(code)} is no name: a-z, 0-9 and _, from a letter on, up to 64"
    if _NO_FAULT in shape.faults:
        yield ("faults", _NO_FAULT), "stands for no fault where makers' codes are read; choose another name"
    for code in shape.parts:
        if not _PART.fullmatch(code):
            yield ("parts", code), f"{quoted(code)} is no code of a part: letters, digits, . _ -, up to 64"


def _unknown(
    place: _Place, names: tuple[str, ...], known: Mapping[str, object], what: str
) -> Iterator[_Wrong]:
    for name in names:
        if name not in known:
            yield place, f"{quoted(name)} is no {what}; allowed: {', '.join(known)}{near(name, known)}"
