"""Settings of the ingester: checked when they are made, without I/O."""

import re
from dataclasses import dataclass
from pathlib import Path

from fleet.broker_url import BrokerAddress
from fleet.clock import DAY_MS, SECOND_MS
from fleet.errors import ConfigError
from fleet.wire import DEFAULT_RETENTION_MS, MAX_PAYLOAD_BYTES

_GROUP = re.compile(r"[A-Za-z0-9_-]{1,64}")
MQTT_VERSIONS = ("auto", "5", "3.1.1")


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """What the ingester may be told.

    `client_id` names the session that the broker keeps for us: it must stay the same from start to start, and
    differ between processes. `mqtt_version` `auto` means 5, and 3.1.1 where that is not answered.
    `receive_maximum` bounds what an MQTT 5 broker sends before it waits for
    acknowledgements; `buffer_bytes` those in memory. `retention_ms` is how old a reading may be,
    `personal_ms` what of it tells of a person.
    `share` is the group of ingesters that share the load, each with a `client_id` of its own;
    `share_pins_devices` says that the broker gives all that a device says to the same of them.
    `topics_beside` says to look at what is published under our root on topics that are none of ours.
    """

    broker: BrokerAddress
    client_id: str = "sweepwatch-ingest"
    share: str | None = None
    share_pins_devices: bool = False
    mqtt_version: str = "auto"
    session_expiry_s: int = 7 * 24 * 3600
    receive_maximum: int = 40_000
    keepalive_s: int = 60
    buffer_bytes: int = 64 * 1024 * 1024
    batch_messages: int = 20_000
    open_registration: bool = True
    topics_beside: bool = True
    retention_ms: int = DEFAULT_RETENTION_MS
    personal_ms: int = 30 * DAY_MS
    quarantine_rows: int = 10_000
    quarantine_rows_per_device: int = 100
    summary_every_ms: int = 2 * SECOND_MS
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.client_id.encode()) <= 128:
            raise ConfigError(f"client_id: {self.client_id!r:.40} must have 1 to 128 bytes")
        if self.share is not None and not _GROUP.fullmatch(self.share):
            raise ConfigError(f"share: {self.share!r:.80} must be 1 to 64 of A-Z a-z 0-9 _ -")
        if self.mqtt_version not in MQTT_VERSIONS:
            allowed = ", ".join(MQTT_VERSIONS)
            raise ConfigError(f"mqtt_version: {self.mqtt_version!r} is unknown; allowed: {allowed}")
        _within("session_expiry_s", self.session_expiry_s, 60, 2**32 - 1)
        _within("receive_maximum", self.receive_maximum, 1, 65_535)
        _within("keepalive_s", self.keepalive_s, 5, 65_535)
        _within("buffer_bytes", self.buffer_bytes, 2 * MAX_PAYLOAD_BYTES, 2**40)
        _within("batch_messages", self.batch_messages, 1, 1_000_000)
        _within("retention_ms", self.retention_ms, SECOND_MS, 100 * 365 * 86_400_000)
        _within("personal_ms", self.personal_ms, SECOND_MS, 100 * 365 * 86_400_000)
        _within("quarantine_rows", self.quarantine_rows, 1, 10_000_000)
        _within("quarantine_rows_per_device", self.quarantine_rows_per_device, 1, self.quarantine_rows)
        _within("summary_every_ms", self.summary_every_ms, 0, 3_600_000)
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigError("tls_cert and tls_key: give both or neither")

    @property
    def follows_devices(self) -> bool:
        """Whether all that a device says comes to this ingester, so that it can tell what is missing."""
        return self.share is None or self.share_pins_devices


def _within(key: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{key}: {value} is out of range; allowed: {low} to {high}")
