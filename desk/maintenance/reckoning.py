"""When the maintenance of devices is due, kept where lists find it; nothing is opened here."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from fleet.service import Maintenance, MaintenancePlan
from fleet.upkeep import Due, Run, Since, Used, next_due, spread
from storage.records.maintenance import (
    Done,
    Maintained,
    StoredDue,
    done_last,
    dues_of_devices,
    maintained,
    write_maintenance_dues,
)

HoursOf = Mapping[str, Used]
"""What is known of the use of devices."""


def plans_of(device: Maintained, asked: Maintenance) -> list[MaintenancePlan]:
    """Return the plans that a device is maintained by."""
    return [plan for plan in asked.plans if plan.devices.fits(device.kind, device.model)]


def looked_after(
    session: Session, asked: Maintenance, now: int, device_ids: Sequence[str] | None = None
) -> list[Maintained]:
    """Return the devices that maintenance is for: of some kinds, and heard of lately."""
    kinds = sorted({str(plan.devices.kind) for plan in asked.plans})
    return maintained(session, kinds, now - asked.absent_ms, device_ids) if kinds else []


def reckon(
    session: Session, asked: Maintenance, devices: Sequence[Maintained], hours: HoursOf, now: int
) -> set[tuple[str, str]]:
    """Keep when each plan of these devices is due; return which there are, as device and plan."""
    ids = [device.id for device in devices]
    known, done = dues_of_devices(session, ids), done_last(session, ids)
    found = {}
    for device in devices:
        for plan in plans_of(device, asked):
            key = device.id, plan.id
            found[key] = _due(device, plan, asked, known.get(key), done.get(key), hours.get(device.id), now)
    write_maintenance_dues(session, [due for key, due in found.items() if due != known.get(key)])
    return set(found)


def _due(
    device: Maintained,
    plan: MaintenancePlan,
    asked: Maintenance,
    known: StoredDue | None,
    done: Done | None,
    used: Used | None,
    now: int,
) -> StoredDue:
    """Return when a plan of a device is due.

    Of a device that took over the id of another, what was done to that other does not count.
    """
    own = device.replaced_at
    done = done if done is not None and done.at >= own else None
    used = _later(used, None if known is None else _used(known.hours, known.hours_at), own)
    first = None if known is None else _used(known.from_hours, known.from_at)
    first = first if first is not None and first.at >= own else used
    run = _run(first if done is None else _used(done.hours, done.at) or first, used)
    known_at = now if known is None else known.known_at
    began = max(device.registered_at, own)
    share = spread(device.id, plan.id)

    def due_since(since: Since) -> Due:
        return next_due(plan.every.value, since, run, now, share, asked.open_ms)

    due = due_since(Since(began, first=True) if done is None else Since(done.at))
    if done is None and due.at is not None and due.at < max(known_at, own) + asked.open_ms:
        # The first interval was over before anybody planned: it is spread from then on.
        due = due_since(Since(max(known_at, own), first=True))
    hours = () if used is None or first is None else (used.hours, used.at, first.hours, first.at)
    return StoredDue(device.id, plan.id, due.at, due.by, known_at, *hours)


def _used(hours: float | None, at: int | None) -> Used | None:
    return None if hours is None or at is None else Used(hours, at)


def _later(one: Used | None, other: Used | None, not_before: int) -> Used | None:
    """Return the newer of what was heard and what was known, of the device that has the id now."""
    both = [each for each in (one, other) if each is not None and each.at >= not_before]
    return max(both, key=lambda each: each.at, default=None)


def _run(since: Used | None, now: Used | None) -> Run | None:
    return None if since is None or now is None else Run(since, now)
