"""A device's fault risks: the newest of each fault, and their history."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query
from pydantic import Field

from api.doors import SeesFleet
from api.params import EveryMs, FaultCode, Paged, TimeMs
from api.routes.common import DeviceId, Nothing, problems
from api.schemas import LifeItem, ListOf, QuantilesItem, RiskItem
from api.services import Services
from fleet.clock import DAY_MS, to_rfc3339
from fleet.errors import InvalidInput
from storage.records.device_lists import device_of
from storage.records.paging import decode_cursor, encode_cursor

router = APIRouter(prefix="/api/v1/devices/{device_id}/risks", tags=["risks"])


class RiskQuery(Paged):
    """Which risks, from when to when."""

    start: TimeMs | None = Field(None, description="Inclusive; without it, 24 h before the end")
    end: TimeMs | None = Field(None, description="Exclusive; without it, just after the newest score")
    fault: FaultCode | None = None
    every: EveryMs | None = Field(
        None, description="1m, 1h, 1d: the last risk of each interval, `ts` its start", examples=["1h"]
    )


@router.get("/latest", responses=problems(not_found="There is no such device"))
def latest_risks(services: Services, sites: SeesFleet, device_id: DeviceId, _: Nothing) -> ListOf[RiskItem]:
    """List the newest risk of each fault, the highest first, with the signals that drove it."""
    with services.desk.transaction() as session:
        device_of(session, device_id, sites)
    return ListOf(items=_items(services.store.latest_risks(device_id)))


@router.get("", responses=problems(not_found="There is no such device"))
def risk_history(
    services: Services, sites: SeesFleet, device_id: DeviceId, query: Annotated[RiskQuery, Query()]
) -> ListOf[RiskItem]:
    """List the risks of a device in order of time, then of fault."""
    with services.desk.transaction() as session:
        device = device_of(session, device_id, sites)
    newest = device.risk_ts if device.risk_ts is not None else services.clock.now_ms()
    end = query.end if query.end is not None else newest + 1
    start = query.start if query.start is not None else max(0, end - DAY_MS)
    if start >= end:
        raise InvalidInput(f"start: must be before end, which is {to_rfc3339(end)}")
    asked = f"{device_id} {query.query()}"
    after: tuple[int, str] | None = None
    if query.cursor is not None:
        # The range is the first page's: without bounds of its own the query's would move on meanwhile.
        ts, fault, first, end = _resumed(decode_cursor(asked, query.cursor, 4))
        start, after = max(ts, first), (ts, fault)
    frame = services.store.risk_history(device_id, start, end, query.every)
    if query.fault is not None:
        frame = frame.filter(pl.col("fault") == query.fault)
    if after is not None:
        later = (pl.col("ts") > after[0]) | ((pl.col("ts") == after[0]) & (pl.col("fault") > after[1]))
        frame = frame.filter(later)
    page = frame.head(query.limit)
    following = None
    if frame.height > page.height:
        following = encode_cursor(asked, [page["ts"][-1], page["fault"][-1], start, end])
    return ListOf(items=_items(page), next_cursor=following)


def _resumed(after: Sequence[Any]) -> tuple[int, str, int, int]:
    ts, fault, first, end = after
    if not isinstance(fault, str) or not all(type(n) is int and 0 <= n < 2**62 for n in (ts, first, end)):
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before")
    return ts, fault, first, end


def _items(frame: pl.DataFrame) -> list[RiskItem]:
    return [
        RiskItem(
            ts=row["ts"],
            fault=row["fault"],
            risk=row["risk"],
            drivers=json.loads(row["drivers"]),
            model=row["model"],
            confidence=row["confidence"],
            life=life_item(row),
        )
        for row in frame.iter_rows(named=True)
    ]


def life_item(row: Mapping[str, Any]) -> LifeItem | None:
    """Return what a risk says of remaining life; None where it says nothing."""
    if row["life_p50_d"] is None:
        return None
    days, hours = (
        QuantilesItem(**{name: row[f"life_{name}_{unit}"] for name in ("p10", "p50", "p90")}) for unit in "dh"
    )
    return LifeItem(days=days, run_hours=hours)
