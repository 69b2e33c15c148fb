"""The settings of an installation: a TOML file, `SWEEPWATCH_*` variables, flags; validated before any I/O."""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator

from fleet.errors import ConfigError
from fleet.secrecy import HIDDEN, is_secret, without_secrets
from fleet.text import quoted
from sweepwatch.settings.catalogue import take_catalogue, take_signals
from sweepwatch.settings.costs import CostsSettings
from sweepwatch.settings.desk import DeskSettings
from sweepwatch.settings.dispatch import DispatchSettings
from sweepwatch.settings.notify import NotifySettings
from sweepwatch.settings.oidc import OidcSettings
from sweepwatch.settings.own_signals import OwnSignals
from sweepwatch.settings.section import Section as _Section
from sweepwatch.settings.server import ServerSettings, Several, is_address, is_loopback

PREFIX = "SWEEPWATCH_"
MOST_SPEED = 2_000.0
_FAST_READINGS_S = 0.1
"""On a fast clock a device publishes so often by the machine's: at 1000 times the speed, each 100 s."""
TOKEN_VARIABLE = PREFIX + "TOKEN"
"""Holds the token with which commands ask another machine's API; no setting."""
_FILE = "_FILE"
"""Behind a variable's name: it names the file that holds the value."""


"""Names of columns and tags that the stores have already."""


def _is_here(url: str) -> bool:
    """Tell whether a URL's host is this machine's loopback."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


class BrokerSettings(_Section):
    """The MQTT broker."""

    url: str | None = Field(
        None,
        repr=False,
        pattern=r"^(mqtts?|wss?)://\S+$",
        description="mqtt://user:pass@host:port, mqtts://, ws:// or wss://; empty: a broker of its own",
    )
    port: int = Field(
        0, ge=0, le=65535, description="Port of the broker of its own; 0: a free one, kept from then on"
    )
    embedded: Literal["auto", "mosquitto", "amqtt"] = Field(
        "auto", description="Which broker of its own: mosquitto where it is installed, else amqtt"
    )
    access_url: str | None = Field(
        None,
        repr=False,
        pattern=r"^mqtts?://\S+$",
        description="Who changes who comes in at that broker, mqtts://sweepwatch-access:pass@host:port; "
        "empty: it is given a book by hand",
    )
    listen: str | None = Field(
        None,
        description="Address at which the broker of its own lets in devices of other machines, by TLS and "
        "with credentials; empty: this machine's programs alone",
    )
    tls_port: int = Field(8883, ge=1, le=65535, description="Port there for devices with passwords")
    certificate_port: int = Field(
        8884, ge=1, le=65535, description="Port there for devices with certificates"
    )
    hosts: Several = Field(
        (), description="Names and addresses by which devices reach it, for its certificate; empty: `listen`"
    )

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, listen: str | None) -> str | None:
        if listen is not None and not is_address(listen):
            raise ValueError("allowed: an IP address of this machine, or 0.0.0.0 for all")
        return listen


class StoreSettings(_Section):
    """The time-series store."""

    url: str | None = Field(
        None,
        repr=False,
        pattern=r"^(duckdb:///|influxdbs?://)\S+$",
        description="duckdb:///path, influxdb://token@host:port/org/bucket or influxdbs:// (TLS); "
        "empty: telemetry.duckdb in the data folder",
    )
    influxdb_gzip: Literal["auto", "on", "off"] = Field(
        "auto", description="Whether InfluxDB is sent compressed lines; auto: unless it is on this machine"
    )
    duckdb_threads: int | None = Field(
        None, ge=1, le=1024, description="Threads of DuckDB; empty: 1 in `sweepwatch ingest`, else one a core"
    )
    duckdb_memory_mb: int | None = Field(
        None,
        ge=128,
        le=1_048_576,
        description="Memory of DuckDB, what a query needs beyond goes to disk; empty: 128 in "
        "`sweepwatch ingest`, else 1024",
    )
    retention_days: int = Field(730, ge=1, le=36_500, description="Readings older than this are deleted")
    tile_retention_days: int = Field(
        3_650, ge=1, le=36_500, description="Hourly tiles of deleted readings are kept until they are older"
    )
    personal_retention_days: int = Field(
        30,
        ge=1,
        le=36_500,
        description="What wristbands tell of their wearers (heart rate, skin temperature, place) is taken "
        "out of readings, tiles, alerts and evidence when it is older",
    )
    risk_retention_days: int = Field(180, ge=1, le=36_500, description="Risks older than this are deleted")


class IngestSettings(_Section):
    """How readings are taken from the broker."""

    client_id: str = Field(
        "sweepwatch-ingest",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Fixed MQTT client id: the broker keeps the session by it",
    )
    share: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Group ($share) of processes that share the load, each with a client_id of its own",
    )
    share_pins_devices: bool = Field(
        False,
        description="All that a device says comes to the same process of the group (EMQX: hash_topic);"
        " without it gaps in seq are not looked for",
    )
    session_expiry_s: int = Field(
        7 * 86_400, ge=0, le=4_294_967_294, description="How long the broker keeps the session while away"
    )
    receive_maximum: int = Field(
        40_000, ge=1, le=65_535, description="Messages in flight before they are acknowledged"
    )
    in_flight_mb: int = Field(64, ge=1, le=16_384, description="Payload held in memory at the most")
    open_registration: bool | None = Field(
        None,
        description="Whether a device's first message registers it, without credentials where the broker is "
        "our own; empty: where the broker is on this machine alone",
    )
    topics_beside: bool = Field(
        True, description="Count what is published under sweepwatch/ on topics that are none of ours"
    )
    dialects: Path | None = Field(
        None, description="A dialects file (YAML): what else is spoken beside our own JSON; empty: nothing"
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="`sweepwatch ingest` serves /healthz, /readyz and /metrics there; 0: not at all",
    )
    quarantine_rows: int = Field(10_000, ge=1, le=10_000_000, description="Quarantined messages kept in all")
    quarantine_rows_per_device: int = Field(
        100, ge=1, le=1_000_000, description="Quarantined messages kept of one device"
    )
    quarantine_days: int = Field(
        30, ge=1, le=36_500, description="Quarantined messages not seen for so long are deleted"
    )


class SimulatorSettings(_Section):
    """The simulated fleet."""

    enabled: bool = Field(True, description="Whether `run` simulates a fleet")
    devices: int = Field(60, ge=3, le=100_000, description="How many devices")
    seed: int = Field(1, ge=0, le=2**32 - 1, description="Same seed, same fleet")
    world: Literal["fast", "a", "b", "c"] = Field(
        "fast", description="What the fleet lives through: `fast` to look at, `a`, `b`, `c` to judge models"
    )
    interval_s: float = Field(10.0, ge=0.1, le=3_600, description="Seconds between two readings of a device")
    history_days: int = Field(60, ge=0, le=730, description="Length of the past that the first start writes")
    crew: bool = Field(
        True,
        description="Whether a demo has engineers and customers who do what people do; real devices' cases "
        "are left to you",
    )
    speed: float = Field(
        1.0,
        ge=1,
        le=MOST_SPEED,
        description="How many times as fast as the machine's clock a demo runs; simulated fleets on a broker "
        "of their own alone",
    )

    @property
    def publishing_s(self) -> float:
        """Seconds of the fleet's clock between two readings: more on a fast one, unless they were set."""
        if "interval_s" in self.model_fields_set:
            return self.interval_s
        return max(self.interval_s, self.speed * _FAST_READINGS_S)


class ModelsSettings(_Section):
    """Training and scoring."""

    seed: int = Field(1, ge=0, le=2**32 - 1, description="Same seed and same data, same models")
    store: str | None = Field(
        None,
        min_length=1,
        description="Where model files are: `desk` (the desk database) or a folder that all processes reach; "
        "empty: in the desk database on PostgreSQL, else in the data folder",
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="`sweepwatch score` serves /healthz, /readyz and /metrics there; 0: not at all",
    )
    score_every_s: int = Field(60, ge=5, le=86_400, description="Seconds between two scoring passes")
    jobs: int = Field(1, ge=1, le=256, description="Processes that train at once, each one fault")
    dask_scheduler: str | None = Field(
        None,
        pattern=r"^(tcp|tls|ws|wss)://\S+$",
        description="Dask scheduler that training runs on, tcp://host:port or tls://; empty: this machine",
    )
    retrain_every_days: int = Field(
        28, ge=0, le=3_650, description="Days between two trainings of challengers; 0: only by hand"
    )
    promotion: Literal["auto", "manual"] = Field(
        "auto", description="Whether a challenger that is proved to be cheaper becomes champion by itself"
    )
    promotion_margin: float = Field(
        0.02,
        ge=0,
        le=0.9,
        description="Share of the champion's cost that a challenger must save, at 97.5 % of the bootstrap",
    )
    costs: CostsSettings = CostsSettings()


class AlertsSettings(_Section):
    """Rules and reminders."""

    rules: Path | None = Field(None, description="A rules file of your own (YAML); empty: the standard rules")
    codes: Path | None = Field(
        None, description="A file or folder (YAML) of makers' error codes, asked before those that ship"
    )
    check_every_s: int = Field(10, ge=1, le=3_600, description="Seconds between two checks of what is silent")
    notices_a_day: int = Field(
        200,
        ge=1,
        le=1_000_000,
        description="How often a day people are told of one customer's devices; the rest comes hourly in one",
    )


class Settings(_Section):
    """All settings; frozen."""

    data: Path = Field(Path("var"), description="The data folder")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much goes into the log file"
    )
    server: ServerSettings = ServerSettings()
    broker: BrokerSettings = BrokerSettings()
    store: StoreSettings = StoreSettings()
    desk: DeskSettings = DeskSettings()
    dispatch: DispatchSettings = DispatchSettings()
    ingest: IngestSettings = IngestSettings()
    simulator: SimulatorSettings = SimulatorSettings()
    models: ModelsSettings = ModelsSettings()
    alerts: AlertsSettings = AlertsSettings()
    notify: NotifySettings = NotifySettings()
    oidc: OidcSettings = OidcSettings()
    catalogue: Path | None = Field(
        None, description="A file (YAML) of faults, parts, skills and components of your own"
    )
    signals: OwnSignals = Field(
        default_factory=dict, description="Signals of your own, in the file alone: [signals.NAME]"
    )

    @property
    def registration_is_open(self) -> bool:
        """Whether a device's first message registers it."""
        if self.ingest.open_registration is not None:
            return self.ingest.open_registration
        return self.broker.listen is None and (self.broker.url is None or _is_here(self.broker.url))


def setting_keys() -> dict[str, type[BaseModel]]:
    """Return every key, dotted (`server.port`), with the section that describes it."""
    return _keys_of(Settings, "")


def _keys_of(section: type[BaseModel], prefix: str) -> dict[str, type[BaseModel]]:
    keys: dict[str, type[BaseModel]] = {}
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, _Section):
            keys |= _keys_of(inner, f"{prefix}{name}.")
        else:
            keys[prefix + name] = section
    return keys


def value_of(settings: "Settings", key: str) -> object:
    """Return the value of a dotted key."""
    value: object = settings
    for name in key.split("."):
        value = getattr(value, name)
    return value


def variable_name(key: str) -> str:
    """Return the environment variable of a dotted key: `server.port` -> `SWEEPWATCH_SERVER_PORT`."""
    return PREFIX + key.replace(".", "_").upper()


def shown(key: str, value: object) -> str:
    """Return the value of a setting about as a file has it, without what may be secret."""
    return HIDDEN if is_secret(key) and value is not None else without_secrets(as_toml(value))


def load_settings(file: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Merge the file, the environment and the flags (dotted keys, None: not given), later ones winning.

    Raises ConfigError that names every wrong key, where it came from, and what is allowed.
    """
    settings, wrong = judge_settings(file, environment, flags)
    if settings is None or wrong:
        raise ConfigError("; ".join(wrong))
    return settings


def judge_settings(
    file: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]
) -> tuple[Settings | None, list[str]]:
    """Return the settings, and what is wrong with those given, which then have their defaults.

    The catalogue and the signals that they name are those of this process from here on. None in place of the
    settings where they cannot be told at all. Raises ConfigError for a file that cannot be read.
    """
    wrong: list[str] = []
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for where, values in (
        (str(file), _from_file(file, wrong) if file else {}),
        ("the environment", _from_environment(environment, wrong)),
        ("the command line", {key: value for key, value in flags.items() if value is not None}),
    ):
        for key, value in values.items():
            merged[key] = value
            origin[key] = variable_name(key) if where == "the environment" else f"{key} in {where}"
    wrong += take_catalogue(merged.get("catalogue"), origin.get("catalogue", ""))
    try:
        settings = Settings.model_validate(_nested(merged))
        return settings, wrong + take_signals(settings.signals)
    except ValidationError as error:
        problems = error.errors()
    wrong += [_explain(problem, origin) for problem in problems]
    bad = {".".join(str(part) for part in problem["loc"]) for problem in problems}
    fine = {
        key: value
        for key, value in merged.items()
        if not any(one == key or one.startswith(f"{key}.") for one in bad)
    }
    try:
        return Settings.model_validate(_nested(fine)), wrong
    except ValidationError:
        return None, wrong


def _from_file(file: Path, wrong: list[str]) -> dict[str, Any]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"settings file {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"settings file {file} is not TOML: {error}") from error
    known = setting_keys()
    flat = _flat(content, "", known)
    wrong += [f"unknown setting {key} in {file}{_nearest(key, known)}" for key in flat if key not in known]
    return {key: value for key, value in flat.items() if key in known}


def _flat(content: Mapping[str, Any], prefix: str, known: Mapping[str, object]) -> dict[str, Any]:
    """Return a file's content by dotted keys; a table that is itself a setting stays whole."""
    flat: dict[str, Any] = {}
    for name, value in content.items():
        key = prefix + name
        if isinstance(value, dict) and key not in known:  # else its keys are the user's own
            flat |= _flat(value, f"{key}.", known)
        else:
            flat[key] = value
    return flat


def _from_environment(environment: Mapping[str, str], wrong: list[str]) -> dict[str, str]:
    by_variable = {variable_name(key): key for key in setting_keys()}
    given = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    for name in (TOKEN_VARIABLE, TOKEN_VARIABLE + _FILE):
        given.pop(name, None)
    for name in [name for name in given if name.endswith(_FILE) and name not in by_variable]:
        variable = name.removesuffix(_FILE)
        if variable in by_variable:
            given[variable] = _held_by(name, given.pop(name), given.get(variable), wrong)
    wrong += [
        f"unknown setting {name} in the environment{_nearest(name, by_variable)}"
        for name in given
        if name not in by_variable
    ]
    return {by_variable[name]: value for name, value in given.items() if name in by_variable}


def _held_by(name: str, file: str, given: str | None, wrong: list[str]) -> str:
    """Return what the file holds that a variable names, as containers hand secrets over."""
    if given is not None:
        wrong.append(f"{name} and {name.removesuffix(_FILE)} are both set; one is enough")
        return given
    try:
        return read_secret(Path(file))
    except ConfigError as error:
        wrong.append(f"{name}: {error}")
        return ""


def read_secret(file: Path) -> str:
    """Return the one line that a file holds. Raises ConfigError, which does not show it."""
    try:
        text = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is no text") from error
    if not text or "\n" in text:
        raise ConfigError(f"{file} holds one line, and nothing else")
    return text


def token_of(environment: Mapping[str, str]) -> str | None:
    """Return the token for another machine's API: in a variable, or in the file that one names."""
    file = environment.get(TOKEN_VARIABLE + _FILE)
    return environment.get(TOKEN_VARIABLE) or (read_secret(Path(file)) if file else None)


def _nearest(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; allowed: {', '.join(sorted(known))}"


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        *sections, name = key.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    return nested


def _explain(problem: Any, origin: Mapping[str, str]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    allowed = str(problem["msg"]).removeprefix("Value error, ")
    given = HIDDEN if _holds_secret(key) else shown(key, problem["input"])
    return f"{origin.get(key, key)} = {given} is not usable: {allowed}"


def _holds_secret(key: str) -> bool:
    """Tell whether a setting, or one of a section, is a secret that must be shown nowhere."""
    return any(
        section.model_fields[one.rpartition(".")[2]].annotation == SecretStr | None
        for one, section in setting_keys().items()
        if one == key or one.startswith(f"{key}.")
    )


def as_toml(value: object) -> str:
    """Return a value about as a settings file has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {as_toml(one)}' for key, one in value.items())}}}"
    return str(value) if isinstance(value, int | float) else quoted(value, 200)
