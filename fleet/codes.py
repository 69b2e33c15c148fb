"""What makers' codes mean: which fault of the catalogue a device speaks of when it says `M31`.

The files beside this one (fleet/codes/*.yaml) ship with Sweepwatch; an installation may add its own.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from fleet.config import Shape, read_config
from fleet.errors import ConfigError
from fleet.faults import FAULTS, Level
from fleet.text import Text

NO_FAULT = "none"
"""Stands in a file for a code that says nothing about the device itself."""
_SHIPPED = Path(__file__).with_name("codes")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one code of one maker means.

    `fault` is a code of fleet.faults, or None: the code is no fault of the device. `text` is what
    people read beside the raw code.
    """

    code: str
    fault: str | None
    level: Level | None
    text: Text


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_Code = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=64)]


class _TextShape(Shape):
    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class _CodeShape(Shape):
    code: _Code
    fault: str
    level: Level | None = None
    text: _TextShape

    @field_validator("fault")
    @classmethod
    def _fault_is_known(cls, fault: str) -> str:
        if fault == NO_FAULT or fault in FAULTS:
            return fault
        near = difflib.get_close_matches(fault, (*FAULTS, NO_FAULT), 1, cutoff=0.0)[0]
        raise ValueError(f"{fault!r} is no fault of the catalogue; did you mean {near!r}? (or {NO_FAULT!r})")

    def meaning(self) -> Meaning:
        fault = None if self.fault == NO_FAULT else self.fault
        return Meaning(self.code, fault, self.level, Text(self.text.en, self.text.zh))


class _CodeFile(Shape):
    models: tuple[Annotated[str, BeforeValidator(_as_text)], ...] = Field(min_length=1)
    codes: tuple[_CodeShape, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class _Maker:
    """The codes of the models that a pattern names."""

    pattern: str
    meanings: dict[str, Meaning]


class CodeCatalogue:
    """The codes of all makers. A named model stands before `*`, one's own file before what ships."""

    def __init__(self, makers: Iterable[_Maker]) -> None:
        self._makers = sorted(makers, key=lambda maker: maker.pattern == "*")
        self._by_model: dict[str, dict[str, Meaning]] = {}

    def meaning(self, model: str, code: str) -> Meaning | None:
        """Return what a code means on a model; None when no file says. Case does not count."""
        return self._of(model.casefold()).get(code.casefold())

    def knows(self, model: str, code: str) -> bool:
        """Tell whether a file says what a code means on a model."""
        return self.meaning(model, code) is not None

    def _of(self, model: str) -> dict[str, Meaning]:
        known = self._by_model.get(model)
        if known is None:
            known = {}
            for maker in reversed(self._makers):
                if fnmatchcase(model, maker.pattern.casefold()):
                    known |= maker.meanings
            if len(self._by_model) < _MOST_MODELS:  # models' names come from devices
                self._by_model[model] = known
        return known


_MOST_MODELS = 1_000


def load_codes(own: Path | None = None) -> CodeCatalogue:
    """Read and check the shipped files and `own`, a file or a folder of such, which goes before them.

    Raises ConfigError naming the file, the place in it and what is allowed.
    """
    theirs = [maker for path in _files(own) for maker in _read(path)] if own is not None else []
    return CodeCatalogue([*theirs, *_shipped()])


@cache
def _shipped() -> tuple[_Maker, ...]:
    return tuple(maker for path in _files(_SHIPPED) for maker in _read(path))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.yaml"))
    if not found:
        raise ConfigError(f"{path}: a folder of codes needs at least one file *.yaml")
    return found


def _read(path: Path) -> list[_Maker]:
    shape = read_config(path, _CodeFile)
    meanings: dict[str, Meaning] = {}
    for each in shape.codes:
        if each.code.casefold() in meanings:
            raise ConfigError(f"{path}: codes.{each.code}: stands twice; each code needs one entry")
        meanings[each.code.casefold()] = each.meaning()
    return [_Maker(pattern, meanings) for pattern in shape.models]
