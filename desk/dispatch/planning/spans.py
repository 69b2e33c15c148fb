"""When each task's work may begin: as promised first, and as wide as need be for what found no place."""

from collections.abc import Iterable, Sequence

from desk.dispatch.planning.frame import FIXED_FIRST, NEVER, Frame, Spans
from desk.dispatch.planning.port import Problem
from desk.dispatch.planning.timing import Leg
from fleet.visiting import Job, Window


def promised(problem: Problem, job: Job) -> Spans:
    """Return the spans that keep what was promised; where none is left, the widest."""
    opens, closes = _bounds(problem, job)
    if job.hold is not None and job.hold.begin is not None:
        if job.hold.why in FIXED_FIRST:
            return ((job.hold.begin, NEVER),)
        return ((job.hold.begin, job.hold.begin),)
    if job.hold is not None and job.hold.why in FIXED_FIRST:
        return ((0, NEVER),)
    if job.told is not None and problem.told_cost_s:
        kept = _within([job.told], opens, min(_aimed(problem, job), closes)) or _within(
            [job.told], opens, closes
        )
        if kept:
            return kept
    return in_time(problem, job)


def in_time(problem: Problem, job: Job) -> Spans:
    """Return the spans that are in time, whatever was told: those that are preferred, where there are any."""
    opens, closes = _bounds(problem, job)
    due = min(_aimed(problem, job), closes)
    return _within(job.preferred, opens, due) or _within([Window(opens, max(opens, due))], opens, closes)


def _aimed(problem: Problem, job: Job) -> int:
    """Return until when work should begin: a margin before it is due, where there is time for one."""
    opens, _ = _bounds(problem, job)
    aimed = job.due - problem.margin_ms
    return aimed if aimed >= opens else job.due


def widest(problem: Problem, job: Job) -> Spans:
    """Return the spans in which it may be done at all; none where they are past."""
    opens, closes = _bounds(problem, job)
    if job.hold is not None and job.hold.begin is not None:
        return promised(problem, job)
    return ((opens, closes),) if opens <= closes else ()


def all_promised(frame: Frame) -> list[Spans]:
    """Return the spans of every task that keep what was promised."""
    return [promised(frame.problem, task.job) for task in frame.tasks]


def no_later(frame: Frame, spans: Sequence[Spans], legs: Iterable[Leg]) -> list[Spans]:
    """Return spans where what begins outside of what was promised may begin no later than in these legs."""
    found = list(spans)
    for leg in legs:
        if leg.task is None:
            continue
        job = frame.tasks[leg.task].job
        if job.people == 2:
            continue  # it has one time, and that is decided
        kept = promised(frame.problem, job)
        if not any(opens <= leg.begin <= closes for opens, closes in kept):
            opens = min([span[0] for span in kept] + [leg.begin])
            found[leg.task] = ((opens, leg.begin),)
    return found


def _bounds(problem: Problem, job: Job) -> tuple[int, int]:
    return max(job.earliest, problem.now), NEVER if job.latest is None else job.latest


def merged(spans: Iterable[tuple[int, int]]) -> Spans:
    """Return spans in order, those that overlap or touch made one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def _within(windows: Iterable[Window], opens: int, closes: int) -> Spans:
    cut = ((max(each.start, opens), min(each.end, closes)) for each in windows)
    return merged((start, end) for start, end in cut if start <= end)
