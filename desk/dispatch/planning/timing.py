"""When a route's stops take place: as early as can be, with breaks where they cost least.

Every leg may take breaks that are due; for each number of breaks taken the earliest time is kept, which is
exact because whoever comes earlier may wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from desk.dispatch.planning.frame import FAR, Crew, Frame, Spans


@dataclass(frozen=True, slots=True)
class Leg:
    """A leg to a task (None: home) with the breaks on the way; times in ms."""

    task: int | None
    drive: int
    pauses: tuple[tuple[int, int], ...]
    ready: int
    begin: int
    end: int


@dataclass(slots=True)
class _Label:
    """How a route may stand after a stop: ready for the next leg at `time`."""

    time: int
    before: "_Label | None"
    leg: Leg | None


def timed(frame: Frame, crew: Crew, route: Sequence[int], spans: Sequence[Spans]) -> list[Leg] | None:
    """Return a route's legs, the one home last; None where it cannot be done in time.

    `spans` are those of each task in which its work may begin. Parts and skills are not looked at.
    """
    legs = _from(frame, crew, route, spans, crew.ready)
    longest = crew.day.longest_ms
    if legs is None or longest is None or legs[-1].end - crew.ready <= longest:
        return legs
    # Whoever keeps the end and sets out later is out for less; where that does not help, nothing does.
    start = legs[-1].end - longest
    for earliest, latest, length in crew.pauses:
        if earliest == latest < start < latest + length:
            start = latest + length  # nobody sets out between two parts of the day
    later = _from(frame, crew, route, spans, start)
    return later if later is not None and later[-1].end - start <= longest else None


def begins_of(frame: Frame, crew: Crew, route: Sequence[int], spans: Sequence[Spans]) -> list[int]:
    """Return when a route's last task may begin, the soonest first: each with so many breaks before it."""
    found = _labels(frame, crew, route, spans, crew.ready)
    return sorted({label.leg.begin for label in found if label is not None and label.leg is not None})


def _from(
    frame: Frame, crew: Crew, route: Sequence[int], spans: Sequence[Spans], ready: int
) -> list[Leg] | None:
    labels = _labels(frame, crew, route, spans, ready)
    node = frame.tasks[route[-1]].node if route else crew.start
    drive = 0 if crew.end is None else int(frame.drive[node, crew.end])
    last = None if drive >= FAR else _home(crew, labels, drive)
    return None if last is None else _legs(last)


def _labels(
    frame: Frame, crew: Crew, route: Sequence[int], spans: Sequence[Spans], ready: int
) -> list[_Label | None]:
    """Return how a route may stand after its last stop, by the breaks taken; none where it cannot be done."""
    labels: list[_Label | None] = [None] * (len(crew.pauses) + 1)
    labels[sum(latest < ready for _, latest, _ in crew.pauses)] = _Label(ready, None, None)
    node = crew.start
    for task in route:
        target = frame.tasks[task].node
        drive = int(frame.drive[node, target])
        labels = _step(crew, labels, drive, task, frame.tasks[task].job.work_ms, spans[task])
        if drive >= FAR or not any(labels):
            return []
        node = target
    return labels


def _step(
    crew: Crew, labels: Sequence[_Label | None], drive: int, task: int, work: int, spans: Spans
) -> list[_Label | None]:
    found: list[_Label | None] = [None] * len(labels)
    for taken, label in enumerate(labels):
        if label is None:
            continue
        for count, ready in arrivals(crew, label.time, drive, taken):
            begin, known = begin_in(spans, ready), found[count]
            if begin is not None and (known is None or begin + work < known.time):
                pauses = _taken(crew, label.time, drive, taken, count)
                leg = Leg(task, drive, pauses, ready, begin, begin + work)
                found[count] = _Label(begin + work, label, leg)
    return found


def _home(crew: Crew, labels: Sequence[_Label | None], drive: int) -> _Label | None:
    """Return the earliest way to end; a break that is not taken must still have been to come at the end."""
    best: _Label | None = None
    for taken, label in enumerate(labels):
        if label is None:
            continue
        for count, ready in arrivals(crew, label.time, drive, taken):
            missed = count < len(crew.pauses) and ready > crew.pauses[count][1]
            if not missed and ready <= crew.until and (best is None or ready < best.time):
                pauses = _taken(crew, label.time, drive, taken, count)
                best = _Label(ready, label, Leg(None, drive, pauses, ready, ready, ready))
    return best


def begin_in(spans: Spans, ready: int) -> int | None:
    """Return when work can begin by who is ready at a time; None where it is too late."""
    for opens, closes in spans:
        if ready <= closes:
            return max(ready, opens)
    return None


def arrivals(crew: Crew, time: int, drive: int, taken: int) -> list[tuple[int, int]]:
    """Return (breaks taken, when ready at the other end) for each number of breaks taken on a leg."""
    found = [(taken, time + drive)]
    free, ready = time, time + drive
    for count in range(taken, len(crew.pauses)):
        earliest, latest, length = crew.pauses[count]
        free = max(free, earliest)
        if free > latest:
            break
        free += length
        ready = max(ready, earliest) + length
        found.append((count + 1, ready))
    return found


def _taken(crew: Crew, time: int, drive: int, taken: int, count: int) -> tuple[tuple[int, int], ...]:
    """Return the breaks of a leg as (start, end): after the drive where that is in time, else on the way."""
    found = []
    driven = time + drive
    for earliest, latest, length in crew.pauses[taken:count]:
        start = min(max(driven, earliest), latest)
        found.append((start, start + length))
        driven = max(driven, earliest) + length
    return tuple(found)


def _legs(label: _Label) -> list[Leg]:
    found: list[Leg] = []
    at: _Label | None = label
    while at is not None and at.leg is not None:
        found.append(at.leg)
        at = at.before
    return found[::-1]
