"""The dialects file: which dialects an installation speaks, in YAML."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from fleet.config import Shape, parse_config, read_config
from fleet.errors import ConfigError
from fleet.signals import SignalTable
from fleet.wire import ROOT
from ingest.dialects.homie import HomieDialect, HomieShape
from ingest.dialects.host import host_topic
from ingest.dialects.mapped_json import JsonDialect, JsonShape
from ingest.dialects.ports import Dialect
from ingest.dialects.routing import sharing
from ingest.dialects.senml import SenmlDialect, SenmlShape
from ingest.dialects.sparkplug import SparkplugDialect, SparkplugShape
from ingest.dialects.valetudo import ValetudoDialect, ValetudoShape
from ingest.dialects.vda5050 import VdaDialect, VdaShape

AnyShape = JsonShape | SenmlShape | SparkplugShape | VdaShape | HomieShape | ValetudoShape


class DialectsShape(Shape):
    """The whole file."""

    dialects: tuple[Annotated[AnyShape, Field(discriminator="type")], ...]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [one.name for one in self.dialects]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two dialects are called {name!r}; give each a name of its own")
        return self


def load_dialects(file: Path | None, signals: SignalTable) -> tuple[Dialect, ...]:
    """Return the dialects of a file; none without a file. Raises ConfigError naming the place."""
    if file is None:
        return ()
    return _built(read_config(file, DialectsShape), signals, str(file))


def parse_dialects(text: str, signals: SignalTable, origin: str = "dialects") -> tuple[Dialect, ...]:
    """Return the dialects that a YAML text configures. Raises ConfigError naming `origin` and the place."""
    return _built(parse_config(text, DialectsShape, origin), signals, origin)


def _built(shape: DialectsShape, signals: SignalTable, origin: str) -> tuple[Dialect, ...]:
    try:
        built = tuple(_build(one, signals) for one in shape.dialects)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from error
    for dialect in built:
        for one in dialect.subscriptions:
            if one == ROOT or one.startswith(f"{ROOT}/"):
                raise ConfigError(f"{origin}: dialects.{dialect.name}: {ROOT}/ is our own; use other topics")
    try:
        host_topic(built)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from error
    shared = sharing(built)
    if shared is not None:
        first, second, topics = shared
        raise ConfigError(
            f"{origin}: dialects.{second.name}: it listens to {topics} as {first.name} does, and nothing "
            "tells their messages apart; name the topics of one of them more closely"
        )
    return built


def _build(shape: AnyShape, signals: SignalTable) -> Dialect:
    match shape:
        case JsonShape():
            return JsonDialect(shape, signals)
        case SenmlShape():
            return SenmlDialect(shape, signals)
        case SparkplugShape():
            return SparkplugDialect(shape, signals)
        case VdaShape():
            return VdaDialect(shape, signals)
        case HomieShape():
            return HomieDialect(shape, signals)
        case ValetudoShape():
            return ValetudoDialect(shape, signals)
