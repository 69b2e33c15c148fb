"""What is under way and next: it stands at the start of a route, and nothing else may keep it waiting."""

from collections.abc import Sequence
from dataclasses import replace

from desk.dispatch.planning.frame import NEVER, Frame, Spans
from desk.dispatch.planning.timing import begins_of, timed


def let_finish(frame: Frame, spans: Sequence[Spans]) -> None:
    """Let a crew whose fixed jobs end after hours finish these; what no road leads to is not fixed."""
    for number, fixed in enumerate(frame.fixed):
        if not fixed or timed(frame, frame.crews[number], fixed, spans) is not None:
            continue
        free = replace(
            frame.crews[number], until=NEVER, pauses=(), day=replace(frame.crews[number].day, longest_ms=None)
        )
        legs = timed(frame, free, fixed, spans)
        if legs is None:
            frame.fixed[number] = []
        else:
            frame.crews[number] = replace(free, until=legs[-1].end)


def begin_soonest(frame: Frame, spans: list[Spans]) -> None:
    """Let each fixed job begin as soon as it can, one after the other: `spans` are narrowed to that.

    A route is timed so that it ends early. A break before a visit may end it earlier than one behind, and
    would let a customer wait who was told a time.
    """
    for number, fixed in enumerate(frame.fixed):
        for place, task in enumerate(fixed):
            wide = spans[task]
            for begin in begins_of(frame, frame.crews[number], fixed[: place + 1], spans):
                spans[task] = tuple((opens, min(closes, begin)) for opens, closes in wide if opens <= begin)
                if timed(frame, frame.crews[number], fixed, spans) is not None:
                    break
            else:
                spans[task] = wide
