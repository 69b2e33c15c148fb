"""Times of other devices as epoch milliseconds."""

from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fleet.wire import FUTURE_TOLERANCE_MS, Reason
from ingest.decode.shown import shown_value
from ingest.messages import Refusal

TimeUnit = Literal["ms", "s", "us", "ns", "iso8601"]
_MS = {"ms": 1.0, "s": 1e3, "us": 1e-3, "ns": 1e-6}
_MOST_DEVICES = 100_000


def to_ms(value: Any, unit: TimeUnit, zone: tzinfo = UTC) -> float | Refusal:
    """Return a time in epoch ms (not checked against the present), or why it is refused.

    ISO 8601 text without an offset is a time in `zone`; see LocalTimes for what that leaves open.
    """
    if unit == "iso8601":
        moment = _from_iso(value)
        return moment if isinstance(moment, Refusal) else _ms(moment, zone, 0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Refusal(Reason.BAD_TS, f"the time must be a number ({unit}), got {shown_value(value)}")
    if isinstance(value, int) and unit in ("ns", "us"):
        return float(value // (1_000_000 if unit == "ns" else 1_000))  # exact: beyond 2**53 a float is not
    return value * _MS[unit]


class LocalTimes:
    """Times that devices tell without an offset, in one zone.

    When clocks are set back an hour comes twice. It is the first, unless the device has already told a later
    time, and the second has come by now. An hour that clocks skip is read as if they had not moved.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._newest: dict[str, float] = {}

    def to_ms(self, value: Any, device: str, received: int) -> float | Refusal:
        """Return an ISO 8601 time of a device in epoch ms, received at `received`, or why it is refused."""
        moment = _from_iso(value)
        if isinstance(moment, Refusal):
            return moment
        ts, second = (_ms(moment, self._zone, fold) for fold in (0, 1))
        newest = self._newest.get(device, ts)
        if ts < second <= received + FUTURE_TOLERANCE_MS and newest > ts:  # a skipped hour has them reversed
            ts = second
        if len(self._newest) > _MOST_DEVICES:  # made-up devices cost no memory for ever
            self._newest.clear()
        self._newest[device] = max(newest, ts)
        return ts


@cache
def zone_of(name: str) -> ZoneInfo:
    """Return the zone of a name of the IANA database. Raises ValueError with examples."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"{name!r} is no time zone; allowed are names such as Asia/Shanghai, Europe/Berlin or UTC"
        ) from error


def _from_iso(value: Any) -> datetime | Refusal:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return Refusal(Reason.BAD_TS, f"the time must be ISO 8601, got {shown_value(value)}")


def _ms(moment: datetime, zone: tzinfo, fold: int) -> float:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone, fold=fold)
    return float(round(moment.timestamp() * 1000))
