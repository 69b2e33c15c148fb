"""A device's readings over time, as stored or summed up by interval."""

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import polars as pl
from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.doors import Known, SeesFleet
from api.params import EveryMs, Params, TimeMs
from api.personal import hidden_signals
from api.routes.common import DeviceId, problems
from api.schemas import ListOf, ReadingItem
from api.services import ApiServices, Services
from fleet.clock import DAY_MS, to_rfc3339
from fleet.errors import InvalidInput
from fleet.signals import Form, Kind, SignalTable
from fleet.text import quoted
from storage.records.device_lists import device_of
from storage.records.paging import decode_cursor, encode_cursor

router = APIRouter(prefix="/api/v1/devices/{device_id}/telemetry", tags=["devices"])
_EXAMPLE = {"items": [{"ts": "2026-11-22T08:00:00.000Z", "battery_pct": 81.5}], "next_cursor": None}
_STATS = ("mean", "min", "max", "count")


class TelemetryQuery(Params):
    """Which signals, from when to when, and how fine."""

    signals: str | None = Field(
        None, max_length=4000, description="Names, comma-separated; without it, all", examples=["battery_pct"]
    )
    start: TimeMs | None = Field(None, description="Inclusive; without it, 24 h before the end")
    end: TimeMs | None = Field(None, description="Exclusive; without it, just after the newest reading")
    every: EveryMs | None = Field(None, description="10s, 5m, 1h, 1d: one item an interval", examples=["5m"])
    limit: int = Field(1000, ge=1, le=10_000, description="Items a page")
    cursor: str | None = Field(None, max_length=512, description="next_cursor of the page before")


@router.get(
    "",
    response_model=ListOf[ReadingItem],
    responses=problems(not_found="There is no such device")
    | {200: {"content": {"application/json": {"example": _EXAMPLE}}, "description": "A page of readings"}},
)
def list_telemetry(
    services: Services,
    visitor: Known,
    sites: SeesFleet,
    device_id: DeviceId,
    query: Annotated[TelemetryQuery, Query()],
) -> Response:
    """List a device's readings in order of time; with `every`, mean, min, max and count by interval."""
    with services.desk.transaction() as session:
        device = device_of(session, device_id, sites)
    kind = device.kind
    names = _signals(services.signals, kind, query, hidden_signals(services, visitor, device))
    start, end = _range(query, device.newest_ts, services.clock.now_ms())
    asked = f"{device_id} {','.join(names)} {query.every}"
    if query.cursor is not None:
        # A cursor holds the range too: without an `end` of its own the query's would move on meanwhile.
        start, end = _resumed(decode_cursor(asked, query.cursor, 2))
    frame = _read(services, kind, device_id, names, (start, end), query)
    page = frame.head(query.limit)
    following = None
    if frame.height > page.height:
        following = encode_cursor(asked, [page["ts"][-1] + (query.every or 1), end])
    items = _summed(page, names) if query.every else _raw(page)
    return Response(orjson.dumps({"items": items, "next_cursor": following}), media_type="application/json")


def _signals(table: SignalTable, kind: Kind, query: TelemetryQuery, hidden: frozenset[str]) -> list[str]:
    """Return the names asked for, each once; InvalidInput names one that is none and lists the others."""
    fit = [
        signal.name
        for signal in table.for_kind(kind)
        if (query.every is None or signal.is_numeric or signal.form is Form.BOOLEAN)
        and signal.name not in hidden
    ]
    if query.signals is None:
        return fit
    names = list(dict.fromkeys(query.signals.split(",")))
    for name in names:
        if name not in fit:
            how = " that can be averaged" if query.every else ""
            raise InvalidInput(
                f"signals: {quoted(name)} is no signal of a {kind}{how}; allowed: {', '.join(fit)}"
            )
    return names


def _range(query: TelemetryQuery, newest: int | None, now: int) -> tuple[int, int]:
    end = query.end if query.end is not None else (newest if newest is not None else now) + 1
    start = query.start if query.start is not None else max(0, end - DAY_MS)
    if start >= end:
        raise InvalidInput(f"start: must be before end, which is {to_rfc3339(end)}")
    return start, end


def _resumed(after: Sequence[Any]) -> tuple[int, int]:
    if not all(type(part) is int and 0 <= part < 2**62 for part in after):
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before")
    return after[0], after[1]


def _read(
    services: ApiServices,
    kind: Kind,
    device_id: str,
    names: Sequence[str],
    between: tuple[int, int],
    query: TelemetryQuery,
) -> pl.DataFrame:
    if query.every is None:
        return services.store.history(kind, device_id, names, *between, query.limit + 1)
    return services.store.intervals(kind, device_id, names, *between, query.every, query.limit + 1)


def _raw(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [row | {"ts": to_rfc3339(row["ts"])} for row in frame.iter_rows(named=True)]


def _summed(frame: pl.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"ts": to_rfc3339(row["ts"])}
        | {name: {stat: row[f"{name}.{stat}"] for stat in _STATS} for name in names}
        for row in frame.iter_rows(named=True)
    ]
