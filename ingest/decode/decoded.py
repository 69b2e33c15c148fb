"""What a decoder makes of messages: rows to store, evidence to quarantine, news of devices, and counts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl

from fleet.commands import Reply
from fleet.signals import Kind
from fleet.wire import Dropped, Reason
from ingest.decode.drops import Drops
from ingest.decode.values import Value
from ingest.messages import Message
from storage.records.devices import DeviceInfo, ReportedEvent
from storage.records.quarantine import Evidence

Row = dict[str, Value | int | None]
"""One reading: the key columns and the signals it has. `ts` is None until it is dated."""


@dataclass(slots=True)
class Counts:
    """What the ledger adds up; `received` and `quarantined` in readings of telemetry."""

    received: int = 0
    quarantined: Counter[Reason] = field(default_factory=Counter)
    dropped: Counter[Dropped] = field(default_factory=Counter)
    messages: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By channel and outcome (`accepted`, `quarantined`)."""


@dataclass(slots=True)
class News:
    """What devices said beside telemetry, in its order.

    `seen` is when devices were last heard live (epoch ms); that of readings by columns stands in these.
    `statuses` are told at `status_at`.
    """

    infos: list[DeviceInfo] = field(default_factory=list)
    events: list[ReportedEvent] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)
    status_at: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    def tell(self, device_id: str, status: str, received: int) -> None:
        """Take a device's status, told at `received`."""
        self.statuses[device_id], self.status_at[device_id] = status, received


@dataclass(frozen=True, slots=True)
class Request:
    """A message to publish for a device once what it said is durable: at QoS 0, it asks for something.

    On the topic on which the connection announces itself it asks for that announcement instead.
    """

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings by columns: `frame` as in a ReadingBatch; `at`, shape (rows,), each row's message."""

    frame: pl.DataFrame
    at: np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(slots=True)
class Decoded:
    """What became of some messages. Nothing of it is stored yet.

    A reading is either in `rows` or in `columns`. Where a decoder fills both, `rows_at` has the place of the
    message of each row, so that the order of arrival is kept.
    """

    rows: dict[Kind, list[Row]] = field(default_factory=dict)
    rows_at: dict[Kind, list[int]] = field(default_factory=dict)
    columns: dict[Kind, Columns] = field(default_factory=dict)
    refused: list[Evidence] = field(default_factory=list)
    news: News = field(default_factory=News)
    counts: Counts = field(default_factory=Counts)
    drops: Drops = field(init=False)
    """Which values were dropped: of readings that stayed, of events and of info."""
    beside: list[Message] = field(default_factory=list)
    """Messages on topics beside ours."""
    requests: list[Request] = field(default_factory=list)
    unknown: dict[tuple[Kind, str], tuple[str, int]] = field(default_factory=dict)
    """Names that no signal has, by kind and name: an example device, and when it said so (epoch ms)."""

    def __post_init__(self) -> None:
        self.drops = Drops(self.counts.dropped)


class Decoder(Protocol):
    """Turns messages into columns; every implementation gives the same answers (docs/wire.md)."""

    def decode(self, messages: Sequence[Message]) -> Decoded:
        """Return what the messages say, in their order.

        Raises StoreUnavailable when the desk must be asked about a device and does not answer; the same
        messages may then be decoded again.
        """
        ...
