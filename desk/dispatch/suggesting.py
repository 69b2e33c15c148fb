"""Suggests who should go to a case: every engineer with what speaks for and against them, the best first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from desk.dispatch.jobs import job_of, position, wishes
from desk.dispatch.long_jobs import LONG_MS, is_long
from desk.dispatch.scene import Scene
from desk.dispatch.settings import DispatchSettings
from desk.dispatch.slots import Busy, Slot, first_slot
from desk.dispatch.travel.port import Travel, TravelMatrix
from fleet.clock import DAY_MS, MINUTE_MS
from fleet.engineers import Engineer, able
from fleet.localtime import day_of
from fleet.suggestions import Against, Candidate, For, Point, Suggestion
from fleet.tickets import Ticket
from fleet.visiting import Job, Workday

DAYS = 4
"""So many days are looked at, today included, for a time at which somebody could come."""
FAR_M = 10_000
"""Of who is further away a nearer able engineer is worth asking for."""
FULL = 6
"""So many visits make a full day."""
_GOOD_STARS, _SOON_MS = 4.5, 14 * DAY_MS
_NEVER = 1 << 50


def suggestion(
    scene: Scene,
    case: Ticket,
    travel: Travel,
    settings: DispatchSettings,
    knows: frozenset[str] = frozenset(),
    ahead: "Ahead | None" = None,
) -> Suggestion:
    """Return who could go to a case; `knows` are engineers who have been at its device before.

    `ahead` is what was worked out for another case of the scene.
    """
    why_not = str(scene.unplanned.get(case.id, ""))
    zone = scene.facts[case.id].zone
    today = day_of(scene.now, zone)
    job = job_of(case, scene.facts[case.id], today, scene.now)
    if job is None:
        return Suggestion(case.id, unplanned=why_not)
    days, ways = (ahead or Ahead(scene, travel, settings)).of(zone)
    whole, works = job, [each for day in days for each in day.values()]
    if is_long(job.work_ms, works):
        job = replace(job, work_ms=LONG_MS)  # a good part of a day; the rest goes on the next days
    judge = _Judge(scene, case, job, days, ways, knows, whole.work_ms, settings)
    found = [judge.candidate(each) for each in scene.engineers.values() if each.active]
    return Suggestion(case.id, tuple(_ranked(found, job)), why_not)


class Ahead:
    """What is the same for every case of a scene: who works on the next days, and the ways between places."""

    def __init__(self, scene: Scene, travel: Travel, settings: DispatchSettings) -> None:
        self._scene = scene
        self._travel = travel
        self._settings = settings
        self._known: dict[ZoneInfo, tuple[list[dict[str, Workday]], TravelMatrix]] = {}

    def of(self, zone: ZoneInfo) -> tuple[list[dict[str, Workday]], TravelMatrix]:
        """Return the workdays from today on by a clock, and the ways at this hour of it."""
        if zone not in self._known:
            scene = self._scene
            today = day_of(scene.now, zone)
            days = [scene.workdays(today + timedelta(days=after), self._settings) for after in range(DAYS)]
            places = {each.start for day in days for each in day.values()} | set(scene.places.values())
            places |= {at for each in scene.facts.values() if (at := position(each.site)) is not None}
            hour = datetime.fromtimestamp(scene.now / 1000, zone).hour
            self._known[zone] = days, self._travel.matrix(sorted(places), hour)
        return self._known[zone]


@dataclass(frozen=True, slots=True)
class _Judge:
    """Judges engineers for one case; `days` are who works on each of the next days."""

    scene: Scene
    case: Ticket
    job: Job
    days: Sequence[dict[str, Workday]]
    ways: TravelMatrix
    knows: frozenset[str]
    work_ms: int
    settings: DispatchSettings

    def candidate(self, engineer: Engineer) -> Candidate:
        """Return one engineer as a candidate, with the first time at which they could come."""
        busy = self._busy(engineer)
        slot = self._slot(engineer, busy)
        lacks = self._lacks(engineer, slot)
        points = (*self._for(engineer, slot, busy), *self._against(engineer, slot, busy, lacks))
        if slot is None:
            return Candidate(engineer.id, able=False, points=points)
        return Candidate(
            engineer=engineer.id,
            able=not lacks,
            begins=slot.arrives - slot.travel_ms,
            arrives=slot.arrives,
            ends=self._ends(engineer, slot),
            travel_ms=slot.travel_ms,
            metres=slot.metres,
            extra_ms=slot.extra_ms,
            points=points,
        )

    def _busy(self, engineer: Engineer) -> list[Busy]:
        return [
            Busy(self.scene.places[each.ticket_id], each.arrives, each.ends)
            for each in self.scene.of(engineer.id)
            if each.ticket_id != self.case.id and each.ticket_id in self.scene.places
        ]

    def _ends(self, engineer: Engineer, slot: Slot) -> int:
        """Return when they would be ready; work that is longer than a day goes on the next days."""
        if self.work_ms == self.job.work_ms:
            return slot.ends
        return self.scene.ends_of(engineer, slot.arrives, self.work_ms, self.settings)

    def _slot(self, engineer: Engineer, busy: Sequence[Busy]) -> Slot | None:
        for each in self.days:
            day = each.get(engineer.id)
            slot = None if day is None else first_slot(day, busy, self.job, self.ways, self.scene.now)
            if slot is not None:
                return slot
        return None

    def _lacks(self, engineer: Engineer, slot: Slot | None) -> tuple[str, ...]:
        at = self.scene.now if slot is None else slot.arrives
        day = day_of(at, self.scene.zones[engineer.region])
        demands = self.scene.demands
        return tuple(sorted(each for each in self.job.skills if not able(engineer, each, day, demands)))

    def _for(self, engineer: Engineer, slot: Slot | None, busy: Sequence[Busy]) -> Iterator[Point]:
        if slot is None:
            return
        if slot.arrives <= self.job.due:
            yield Point(For.IN_TIME, amount=self.job.due - slot.arrives)
        if self.scene.stock is not None and self.job.parts and not self._short(engineer):
            yield Point(For.HAS_PARTS, tuple(sorted(self.job.parts)))
        if engineer.id in self.knows:
            yield Point(For.KNOWS_DEVICE)
        if engineer.stars is not None and engineer.stars.stars >= _GOOD_STARS:
            yield Point(For.WELL_RATED, (f"{engineer.stars.stars:.1f}",))
        if self._is_wished(slot):
            yield Point(For.AS_WISHED)
        if not _that_day(busy, slot):
            yield Point(For.FREE_DAY)

    def _against(
        self, engineer: Engineer, slot: Slot | None, busy: Sequence[Busy], lacks: tuple[str, ...]
    ) -> Iterator[Point]:
        if lacks:
            yield Point(Against.LACKS_SKILL, lacks)
        if slot is None:
            yield Point(Against.NO_TIME, amount=DAYS)
            return
        if engineer.employer:
            yield Point(Against.CONTRACTOR, (engineer.employer,))
        if slot.arrives > self.job.due:
            yield Point(Against.LATE, amount=slot.arrives - self.job.due)
        if short := self._short(engineer):
            yield Point(Against.NO_PART, short)
        if slot.metres > FAR_M:
            yield Point(Against.FAR, amount=slot.metres)
        if (visits := len(_that_day(busy, slot))) >= FULL:
            yield Point(Against.FULL_DAY, amount=visits)
        if ends := self._ends_soon(engineer):
            yield Point(Against.EXPIRES_SOON, ends)
        if wishes(self.scene.facts[self.case.id], self._day(slot)) and not self._is_wished(slot):
            yield Point(Against.NOT_AS_WISHED)

    def _short(self, engineer: Engineer) -> tuple[str, ...]:
        """Return the parts that an engineer's van lacks; nothing where no stock is kept."""
        if self.scene.stock is None:
            return ()
        van = self.scene.stock.get(engineer.van, {})
        return tuple(sorted(code for code, count in self.job.parts.items() if van.get(code, 0) < count))

    def _ends_soon(self, engineer: Engineer) -> tuple[str, ...]:
        until = datetime.fromtimestamp((self.scene.now + _SOON_MS) / 1000, UTC).date()
        own = [each for each in engineer.certificates if each.skill in self.job.skills]
        return tuple(sorted(each.name for each in own if each.expires is not None and each.expires <= until))

    def _day(self, slot: Slot) -> date:
        return day_of(slot.arrives, self.scene.facts[self.case.id].zone)

    def _is_wished(self, slot: Slot) -> bool:
        wished = wishes(self.scene.facts[self.case.id], self._day(slot))
        return any(each.start <= slot.arrives <= each.end for each in wished)


def _that_day(busy: Sequence[Busy], slot: Slot) -> list[Busy]:
    return [each for each in busy if abs(each.arrives - slot.arrives) < DAY_MS // 2]


def _ranked(found: Sequence[Candidate], job: Job) -> list[Candidate]:
    """Return candidates, the best first: of those in time the shortest way, else who is there first.

    Contractors come behind all of our own who are in time.
    """

    def key(each: Candidate) -> tuple[bool, bool, int, bool, bool, int, int, str]:
        arrives = _NEVER if each.arrives is None else each.arrives
        late = max(0, arrives - job.due) // MINUTE_MS
        short = any(point.what is Against.NO_PART for point in each.points)
        theirs = any(point.what is Against.CONTRACTOR for point in each.points)
        return each.arrives is None, not each.able, late, theirs, short, each.extra_ms, arrives, each.engineer

    ranked = sorted(found, key=key)
    able_ones = [each for each in ranked if each.able]
    if not able_ones:
        return ranked
    nearest = min(able_ones, key=lambda each: each.extra_ms)
    marked = replace(nearest, points=(Point(For.NEAREST), *nearest.points))
    return [marked if each is nearest else each for each in ranked]
