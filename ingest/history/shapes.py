"""The map of somebody's history: which column of which file is what. `plan` checks what it names."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from fleet.config import Duration, Shape
from fleet.text import near, quoted
from ingest.dialects.mapping import SourcesField, key_of
from ingest.dialects.times import zone_of

NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-")
"""What stands for "nothing was measured", unless the map says otherwise."""
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "blanks": "blanks"}


def _from_text(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


def _text_keys(value: object) -> object:
    return {key_of(key): key_of(each) for key, each in value.items()} if isinstance(value, dict) else value


Words = Annotated[dict[str, str] | None, BeforeValidator(_text_keys)]


class Origin(Shape):
    """Where a text comes from: a column (`from`), the file's name (`file`: a pattern with a group), or `is`.

    `values` replaces each value listed (a row with any other is refused); `prefix` is put before the result.
    """

    source: str | None = Field(None, alias="from", min_length=1)
    file: str | None = Field(None, min_length=1)
    fixed: str | None = Field(None, alias="is", min_length=1)
    values: Words = None
    prefix: str = Field("", max_length=32)

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if sum(each is not None for each in (self.source, self.file, self.fixed)) != 1:
            raise ValueError(
                "give one of: from (a column), file (a pattern for the file's name), is (a text)"
            )
        return self

    @field_validator("file")
    @classmethod
    def _pattern_with_a_group(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                groups = re.compile(value).groups
            except re.error as error:
                raise ValueError(f"{quoted(value)} is no pattern: {error}") from error
            if groups != 1:
                raise ValueError(f"{quoted(value)} needs one group in brackets, such as unit_([0-9]+)[.]csv")
        return value


class TimeShape(Shape):
    """When something was: text (ISO 8601, or `format` as strftime has it), or a number (`unit` since 1970).

    `zone` is that of texts without an offset. With `cycles` a column counts steps of that length since
    `start`; without `from` the rows of a file are those steps.
    """

    source: str | None = Field(None, alias="from", min_length=1)
    format: str | None = Field(None, min_length=2)
    unit: Literal["s", "ms", "us", "ns"] | None = None
    zone: str = "UTC"
    cycles: Duration | None = None
    start: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(each is not None for each in (self.format, self.unit, self.cycles)) > 1:
            raise ValueError("give at most one of: format, unit, cycles")
        if (self.cycles is None) != (self.start is None):
            raise ValueError("cycles and start belong together, such as cycles: 1h and start: 2020-01-01")
        if self.source is None and self.cycles is None:
            raise ValueError("from is missing: the column of the time; or give cycles and start")
        return self

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone_of(value)
        return value


OriginField = Annotated[Origin, BeforeValidator(_from_text)]
TimeField = Annotated[TimeShape, BeforeValidator(_from_text)]


class FileShape(Shape):
    """How files are written. Of a folder those whose name fits `files` are read, in order of their names.

    `columns` names the columns: of files without a header, or in place of a header that is wrong.
    """

    files: str = Field("*", min_length=1)
    separator: str = ","
    header: bool = True
    columns: tuple[str, ...] | None = None
    skip: int = Field(0, ge=0, le=1000)
    nulls: tuple[str, ...] = NULLS
    decimal: Literal[".", ","] = "."
    encoding: Literal["utf-8", "gb18030", "latin-1"] = "utf-8"

    @field_validator("separator")
    @classmethod
    def _one_character(cls, value: str) -> str:
        found = _SEPARATORS.get(value, value)
        if found != "blanks" and (len(found) != 1 or not found.isascii() or found in '"\r\n'):
            allowed = ", ".join(_SEPARATORS)
            raise ValueError(
                f"{quoted(value)} is no separator; allowed: a character, {allowed}{near(value, _SEPARATORS)}"
            )
        return found

    @field_validator("nulls", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return tuple(key_of(each) for each in value) if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _named_somewhere(self) -> Self:
        if not self.header and self.columns is None:
            raise ValueError("header: false needs columns: the names of the columns, in their order")
        if self.columns is not None and len(set(self.columns)) != len(self.columns):
            raise ValueError("columns: a name stands there twice")
        return self


class LongShape(Shape):
    """Files with one value a row: the columns of the signal's name and of its value."""

    name: str = Field(min_length=1)
    value: str = Field(min_length=1)


class TelemetryMap(FileShape):
    """Readings. `signals` says of which column (or name, if `long`) each is; one called as ours is that one.

    A device that nobody registered is refused, unless `site` says where it belongs: then it is registered
    with `kind` (robot, if nothing is said) and `model`.
    """

    device: OriginField
    time: TimeField
    signals: SourcesField = Field(default_factory=dict)
    long: LongShape | None = None
    kind: OriginField | None = None
    site: OriginField | None = None
    model: OriginField | None = None
    seq: str | None = Field(None, min_length=1)
    received: str | None = Field(None, min_length=1)


class DevicesMap(FileShape):
    """Devices: who they are and where they belong. `registered` is since when they are known."""

    device: OriginField
    site: OriginField
    kind: OriginField | None = None
    model: OriginField | None = None
    firmware: OriginField | None = None
    serial: OriginField | None = None
    commissioned: TimeField | None = None
    registered: TimeField | None = None


class FaultWords(Shape):
    """What was wrong: a column (or `is`), and `values`: their names for the catalogue's codes.

    A name that is neither listed nor a code is refused, or taken as one fault where `unknown` names it.
    """

    source: str | None = Field(None, alias="from", min_length=1)
    fixed: str | None = Field(None, alias="is", min_length=1)
    values: Words = None
    unknown: str | None = Field(None, min_length=1)
    between: str = Field(";", min_length=1, max_length=1)

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.source is None) == (self.fixed is None):
            raise ValueError("give one of: from (a column), is (a fault's code)")
        return self


FaultField = Annotated[FaultWords, BeforeValidator(_from_text)]


class RepairsMap(FileShape):
    """Repairs that were made. One of `opened` and `repaired` is needed, the other times where they are known.

    `outcome` says how it ended, `failure` unless it says otherwise: `failure` (the fault was found and
    mended), `nothing` (somebody looked and found none), `replaced` (changed before it failed: its life ended
    without failure) or `ended` (the device left without failure). `fault` is not needed for the last.
    """

    device: OriginField
    fault: FaultField | None = None
    suspected: FaultField | None = None
    opened: TimeField | None = None
    noticed: TimeField | None = None
    accepted: TimeField | None = None
    arrived: TimeField | None = None
    repaired: TimeField | None = None
    confirmed: TimeField | None = None
    outcome: OriginField | None = None
    origin: OriginField | None = None
    id: OriginField | None = None
    engineer: OriginField | None = None
    parts: OriginField | None = None
    note: OriginField | None = None

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.opened is None and self.repaired is None:
            raise ValueError("needs opened or repaired: when the fault was noticed, or mended")
        return self


class EventsMap(FileShape):
    """What devices said of themselves: errors, restarts, parts replaced. `json` is a column of details."""

    device: OriginField
    time: TimeField
    code: OriginField
    detail: dict[str, str] = Field(default_factory=dict)
    json_column: str | None = Field(None, alias="json", min_length=1)


class HistoryMap(Shape):
    """How the files of a history are read: a part for each kind of file, each only where there is one."""

    telemetry: TelemetryMap | None = None
    devices: DevicesMap | None = None
    repairs: RepairsMap | None = None
    events: EventsMap | None = None
