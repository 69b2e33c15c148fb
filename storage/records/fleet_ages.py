"""How long devices were there, and how often they failed meanwhile; callers bring the transaction."""

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, select
from sqlalchemy.orm import Session

from fleet.case_facts import EARLY_MS
from fleet.grants import Sites
from storage.records.case_facts import CaseFactRow
from storage.records.devices import Device
from storage.records.within import at_sites


def young_failures(
    session: Session, start: int, end: int, sites: Sites
) -> list[tuple[str, str, str, int, int]]:
    """Return for each kind, model and firmware the failures of devices in their first 90 days, and their ms.

    Of cases opened, and of the time, within `[start, end)` (epoch ms); models without such time are left out.
    """
    firmware = func.coalesce(Device.firmware, "")
    key = (Device.kind, Device.model, firmware)
    young = _overlap(Device.registered_at, Device.registered_at + EARLY_MS, start, end)
    times = at_sites(select(*key, func.sum(young)), Device.site, sites).group_by(*key)
    early = CaseFactRow.early.is_(True)
    counts = at_sites(_failures(start, end).where(early), CaseFactRow.site, sites)
    failed: dict[tuple[str, str, str], int] = defaultdict(int)
    for kind, model, own, count in session.execute(counts):
        failed[kind, model, own] += count
    return [
        (kind, model, own, failed[kind, model, own], int(ms))
        for kind, model, own, ms in session.execute(times)
        if ms
    ]


def usual_failures(session: Session, start: int, end: int, sites: Sites) -> dict[str, tuple[int, int]]:
    """Return for each kind of device the failures and the ms of all ages within `[start, end)`."""
    there = _overlap(Device.registered_at, literal(end), start, end)
    times = at_sites(select(Device.kind, func.sum(there)), Device.site, sites).group_by(Device.kind)
    failed: dict[str, int] = defaultdict(int)
    counts = at_sites(_failures(start, end), CaseFactRow.site, sites)
    for kind, _model, _firmware, count in session.execute(counts):
        failed[kind] += count
    return {kind: (failed[kind], int(ms or 0)) for kind, ms in session.execute(times)}


def _failures(start: int, end: int) -> Select[Any]:
    key: tuple[Any, ...] = (Device.kind, CaseFactRow.model, CaseFactRow.firmware)
    return (
        select(*key, func.count())
        .join(Device, Device.id == CaseFactRow.device_id)
        .where(CaseFactRow.found.is_(True), CaseFactRow.opened_at >= start, CaseFactRow.opened_at < end)
        .group_by(*key)
    )


def _overlap(begins: Any, ends: Any, start: int, end: int) -> ColumnElement[int]:
    """Return the length of what two spans have in common, 0 where that is nothing."""
    later = case((begins > start, begins), else_=start)
    sooner = case((ends < end, ends), else_=end)
    return case((sooner > later, sooner - later), else_=0)
