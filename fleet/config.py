"""Configuration that is data: YAML checked against a shape, every mistake named by its place.

YAML is 1.2 (fleet.yaml12). Used for rules, SLA policies and whatever else people may bring in a file of their
own.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema, model_validator

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.errors import ConfigError
from fleet.text import near, quoted
from fleet.yaml12 import compose_yaml, load_yaml

_WANTED = {
    "model_type": "here stands `key: value`, a line each",
    "model_attributes_type": "here stands `key: value`, a line each",
    "dict_type": "here stands `key: value`, a line each",
    "tuple_type": "here stands a list, each item after `- `",
    "list_type": "here stands a list, each item after `- `",
    "frozen_set_type": "here stands a list, each item after `- `",
    "string_type": "here stands a text",
    "bool_type": "here stands true or false",
    "bool_parsing": "here stands true or false",
}
"""What stands at a place, where something of another form was given; by pydantic's name of the mistake."""
_SAID = {"missing": "is missing", "string_too_short": "must not be empty", "too_short": "must not be empty"}
"""What other mistakes of form are called; the rest is said as pydantic does."""
_UNITS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def duration_ms(text: object) -> int:
    """Return a duration such as `90s`, `30m`, `1.5h` or `2d` in milliseconds.

    Raises ValueError for anything else.
    """
    match = _DURATION.fullmatch(str(text))
    if match is None:
        raise ValueError(
            f"{quoted(text)} is no duration; write a number and s, m, h or d, such as 90s or 30m"
        )
    return round(float(match[1]) * _UNITS[match[2]])


Duration = Annotated[
    int,
    BeforeValidator(duration_ms),
    WithJsonSchema({"type": "string", "pattern": rf"^{_DURATION.pattern}$", "examples": ["30m", "4h"]}),
]
"""A field written as `30m` and held in milliseconds."""


class Shape(BaseModel):
    """Base of everything read from a file: frozen, and an unknown key is an error that lists the known."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [str(key) for key in data if key not in known]
        if unknown:
            raise ValueError(
                f"unknown key {quoted(unknown[0])}; allowed: {', '.join(known)}{near(unknown[0], known)}"
            )
        return data


S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at one place of a file, and what is allowed; `line` is None where none can be told."""

    line: int | None
    text: str


class Mistakes(ConfigError):
    """A file that cannot be used, with each of its mistakes."""

    def __init__(self, origin: str, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(dict.fromkeys(mistakes))
        self.lines = tuple(f"{origin}{_shown(one.line)}: {one.text}" for one in self.mistakes)
        super().__init__("\n".join(self.lines))


def _shown(line: int | None) -> str:
    return "" if line is None else f":{line}"


def read_config(path: Path, shape: type[S]) -> S:
    """Read a YAML file into `shape`.

    Raises ConfigError naming the file, the place in it and what is allowed.
    """
    return parse_config(read_text(path), shape, str(path))


def read_text(path: Path) -> str:
    """Return what a file holds. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def parse_config(text: str, shape: type[S], origin: str) -> S:
    """Parse YAML text into `shape`; `origin` names it in errors. Raises Mistakes that name each one."""
    try:
        data = load_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = Mistake(None, f"not valid YAML: {_one_line(str(error))}")
        raise Mistakes(origin, [said if mark is None else replace(said, line=mark.line + 1)]) from error
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise Mistakes(origin, _mistakes_in(error, data, text)) from error


def _mistakes_in(error: ValidationError, data: Any, text: str) -> list[Mistake]:
    return [
        Mistake(line_of(text, *one["loc"]), f"{_place(data, one['loc'])}{_reason(one)}")
        for one in _without_consequences(error.errors())
    ]


def _without_consequences(errors: Sequence[Any]) -> list[Any]:
    """Leave out that a list is too short because what stands in it is wrong."""
    places = [one["loc"] for one in errors]
    return [
        one
        for one in errors
        if one["type"] != "too_short"
        or not any(len(loc) > len(one["loc"]) and loc[: len(one["loc"])] == one["loc"] for loc in places)
    ]


def line_in(path: Path, *loc: int | str) -> str:
    """Return `:LINE` of a place in a YAML file, for an error that names the file before it; "" if unknown."""
    try:
        return _shown(line_of(path.read_text(encoding="utf-8"), *loc))
    except (OSError, UnicodeDecodeError):
        return ""


def line_of(text: str, *loc: int | str) -> int | None:
    """Return the line of the innermost thing on the way to a place that a YAML text has."""
    node = compose_yaml(text)
    if node is None:
        return None
    line = node.start_mark.line
    for step in loc:
        found = _step(node, step)
        if found is None:
            break
        line, node = found
    return line + 1


def _step(node: yaml.Node, step: int | str) -> tuple[int, yaml.Node] | None:
    """Return the line and the node of one key or item; the line of a key is where the key stands."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line, node.value[step]
    return None


def _reason(mistake: Any) -> str:
    """Return what is wrong, in the words of YAML."""
    if mistake["type"] in ("enum", "literal_error"):
        return f"allowed: {mistake['ctx']['expected']}"
    wanted = _WANTED.get(mistake["type"])
    if wanted is not None:
        return f"{wanted}, not {_kind_of(mistake['input'])}"
    least = mistake.get("ctx", {}).get("min_length", 1)
    if mistake["type"] == "too_short" and least > 1:
        return f"needs at least {least} items"
    return _SAID.get(mistake["type"]) or _one_line(mistake["msg"].removeprefix("Value error, "))


def _kind_of(given: object) -> str:
    if given is None or given in ("", [], {}):
        return "nothing"
    names = {dict: "keys with values", list: "a list", str: "a text", bool: "true or false"}
    return names.get(type(given), "a number")


def _place(data: Any, loc: Sequence[int | str]) -> str:
    """Return the dotted place of a mistake; an item of a list goes by its `name` where it has one."""
    parts = []
    for step in loc:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        named = isinstance(step, int) and isinstance(data, dict) and data.get("name")
        parts.append(str(named or step))
    return ".".join(parts) + ": " if parts else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
