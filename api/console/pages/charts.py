"""The console's charts: one SVG each, so that a page is there before they are drawn."""

from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl
from fastapi import APIRouter, Request, Response

from api.console.charts import drawing as charts
from api.console.render.asked import asked
from api.console.render.language import language_of
from api.console.render.words import word
from api.doors import Known, SeesFleet
from api.params import Params
from api.personal import hidden_signals
from api.routes.common import DeviceId
from api.services import Services
from fleet.errors import NotFound
from fleet.signals import Form, Signal
from fleet.text import quoted
from storage.records.device_lists import device_of

_POSITIONS = frozenset({"x_m", "y_m", "floor", "lat", "lon"})
_CHART_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "private, max-age=15",
}
_YOUNG = 6
"""Readings that fill less than one part in so many of a range get a range of their own."""
_INTERVALS = 120
_FINEST_MS = 10_000
_WORTH_SHOWING = 0.02
"""A fault whose risk never reached this share is left out of the chart of risks."""


class DeviceView(Params):
    """The address of a device page and of its charts; `at` only tells one state of a chart from the next."""

    range: Literal["6h", "24h", "7d", "30d"] = "24h"
    at: int | None = None


router = APIRouter(include_in_schema=False)


@router.get("/devices/{device_id}/charts/risks.svg")
def risk_svg(request: Request, services: Services, sites: SeesFleet, device_id: DeviceId) -> Response:
    """Draw the risks of one device over time."""
    view = asked(request, DeviceView, range="7d")
    with services.desk.transaction() as session:
        device = device_of(session, device_id, sites)
    start, end, every = _span(view, device.risk_ts, services.clock.now_ms())
    frame = services.store.risk_history(device_id, start, end, every)
    peaks = frame.group_by("fault").agg(pl.col("risk").max()).sort("risk", descending=True)
    shown = [fault for fault, risk in peaks.iter_rows() if risk >= _WORTH_SHOWING]
    frame = frame.filter(pl.col("fault").is_in(shown))
    language = language_of(request)
    names = {fault: word("fault", fault, language) for fault in shown}
    return svg(charts.draw_risks(_local(frame, services.zones.of(device.site)), names, end - start, language))


@router.get("/devices/{device_id}/charts/{signal}.svg")
def signal_svg(
    request: Request, services: Services, visitor: Known, sites: SeesFleet, device_id: DeviceId, signal: str
) -> Response:
    """Draw one signal of one device over time."""
    view = asked(request, DeviceView)
    with services.desk.transaction() as session:
        device = device_of(session, device_id, sites)
    kind = device.kind
    hidden = hidden_signals(services, visitor, device)
    signals = [one for one in services.signals.for_kind(kind) if one.name not in hidden]
    known = {one.name: one for one in signals if drawable(one)}
    if signal not in known:
        raise NotFound(f"{quoted(signal)} is no signal of a {kind} that can be drawn")
    start, end, every = _span(view, device.newest_ts, services.clock.now_ms())
    frame = services.store.intervals(kind, device_id, [signal], start, end, every, 1000)
    young = _young(frame, start, end, every)
    if young is not None:
        start, every = young
        frame = services.store.intervals(kind, device_id, [signal], start, end, every, 1000)
    local = _local(frame, services.zones.of(device.site))
    return svg(charts.draw_signal(local, known[signal], end - start, language_of(request)))


def _young(frame: pl.DataFrame, start: int, end: int, every: int) -> tuple[int, int] | None:
    """Return start and interval that fit a device whose readings began late in the range; None: it fits."""
    if frame.is_empty():
        return None
    first = max(start, int(frame["ts"][0]))
    length = end - first
    if length >= (end - start) / _YOUNG:
        return None
    finest = max(_FINEST_MS, length // _INTERVALS // _FINEST_MS * _FINEST_MS)
    return first, min(every, finest)


def _local(frame: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Return a frame whose times read, as UTC, what clocks show in `zone`: so charts are drawn."""
    offset = pl.from_epoch("ts", "ms").dt.replace_time_zone("UTC").dt.convert_time_zone(str(zone))
    return frame.with_columns(offset.dt.replace_time_zone(None).dt.epoch("ms").alias("ts"))


def _span(view: DeviceView, newest: int | None, now: int) -> tuple[int, int, int]:
    """Return start, end and interval of a chart, all epoch ms; it ends with the device's newest reading."""
    length, every = charts.RANGES[view.range]
    end = (now if newest is None else newest) + 1
    return end - length, end, every


def drawable(signal: Signal) -> bool:
    """Tell whether a signal is drawn: a number or yes and no, and no position."""
    return (signal.is_numeric or signal.form is Form.BOOLEAN) and signal.name not in _POSITIONS


def svg(text: str) -> Response:
    """Return a chart as an answer."""
    return Response(text, media_type="image/svg+xml", headers=_CHART_HEADERS)
