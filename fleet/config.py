"""Configuration that is data: YAML checked against a shape, every mistake named by its place.

YAML is 1.2 (fleet.yaml12). Used for rules, SLA policies and whatever else people may bring in a file of their
own.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.errors import ConfigError
from fleet.text import near, quoted
from fleet.yaml12 import compose_yaml, load_yaml

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


Duration = Annotated[int, BeforeValidator(duration_ms)]
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


def read_config(path: Path, shape: type[S]) -> S:
    """Read a YAML file into `shape`.

    Raises ConfigError naming the file, the place in it and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return parse_config(text, shape, str(path))


def parse_config(text: str, shape: type[S], origin: str) -> S:
    """Parse YAML text into `shape`; `origin` names it in errors. Raises ConfigError that names each one."""
    try:
        data = load_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin}: not valid YAML: {_one_line(str(error))}") from error
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        mistakes = dict.fromkeys(
            f"{origin}{_line(text, one['loc'])}: {_place(data, one['loc'])}{_reason(one)}"
            for one in error.errors()
        )
        raise ConfigError("; ".join(mistakes)) from error


def line_in(path: Path, *loc: int | str) -> str:
    """Return `:LINE` of a place in a YAML file, for an error that names the file before it; "" if unknown."""
    try:
        return _line(path.read_text(encoding="utf-8"), loc)
    except (OSError, UnicodeDecodeError):
        return ""


def line_of(text: str, *loc: int | str) -> str:
    """Return `:LINE` of a place in a YAML text that was read, for an error that names its origin before."""
    return _line(text, loc)


def _line(text: str, loc: Sequence[int | str]) -> str:
    """Return `:LINE` of the innermost thing on the way to a place that the text has."""
    node = compose_yaml(text)
    if node is None:
        return ""
    line = node.start_mark.line
    for step in loc:
        found = _step(node, step)
        if found is None:
            break
        line, node = found
    return f":{line + 1}"


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
    text = _one_line(mistake["msg"].removeprefix("Value error, "))
    return text.replace("a valid tuple", "a list").replace("a valid dictionary", "a mapping")


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
