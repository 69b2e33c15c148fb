"""Which sequence numbers of one device never arrived: runs, gaps and what each reading changes. Pure.

Within a run `seq` rises with `ts`, since a device counts when it measures. So a reading's time says to which
run it belongs, in whatever order readings arrive:

- newer than all before and `seq` rises: the run goes on; what it leaps over is a gap;
- newer than all before and `seq` falls: the device has restarted, a new run begins;
- older: it belongs to the run of its time, and closes, shrinks or splits a gap there, or widens the run.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

MAX_GAPS = 100
"""Open gaps kept of one device; the oldest go first, and are counted."""
MAX_RUNS = 8
"""Runs of one device into which late readings are still sorted."""


class Gap(NamedTuple):
    """Numbers of one run that were never seen, first and last included.

    They were measured between `after_ts` and `before_ts` (epoch ms), the times of the readings around them.
    """

    run: int
    first_seq: int
    last_seq: int
    after_ts: int
    before_ts: int


@dataclass(slots=True)
class Run:
    """One life of a device's counter: its lowest and its highest number seen, and their times (epoch ms)."""

    number: int
    first_seq: int
    first_ts: int
    last_seq: int
    last_ts: int


class Seen(StrEnum):
    """What a reading's number changed."""

    NEW = "new"
    """It widens a run, opens a gap or closes one."""
    RESTART = "restart"
    REPEATED = "repeated"
    """The newest number again, with another time."""
    KNOWN = "known"
    """It was seen before, or belongs to a run that is forgotten: nothing changed."""


@dataclass(slots=True)
class Track:
    """The newest runs of one device, oldest first, and its open gaps in order of run and number.

    `dropped` counts the gaps that went because there were too many.
    """

    runs: list[Run] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    dropped: int = 0

    def see(self, seq: int, ts: int | None, received: int) -> Seen:
        """Take one reading's number and time.

        `ts` is None where the reading's time cannot be trusted; `received` then bounds the gap it leaves.
        """
        if not self.runs:
            at = received if ts is None else ts
            self.runs.append(Run(1, seq, at, seq, at))
            return Seen.NEW
        newest = self.runs[-1]
        if ts is None or ts == newest.last_ts:
            return self._sort_in(newest, seq, ts, received)
        if ts < newest.last_ts:
            run = self._run_at(seq, ts)
            return self._sort_in(run, seq, ts, received) if run else Seen.KNOWN
        if seq == newest.last_seq:
            return Seen.REPEATED
        if seq > newest.last_seq:
            return self._sort_in(newest, seq, ts, received)
        self.runs.append(Run(newest.number + 1, seq, ts, seq, ts))
        del self.runs[:-MAX_RUNS]
        return Seen.RESTART

    def _run_at(self, seq: int, ts: int) -> Run | None:
        """Return the run to which a late reading belongs; None where that one is forgotten."""
        for place in range(len(self.runs) - 1, 0, -1):
            run, before = self.runs[place], self.runs[place - 1]
            if ts >= run.first_ts:
                return run
            if ts > before.last_ts:  # between two runs: the tail of one, or the head of the other
                return run if seq < run.first_seq else before
        oldest = self.runs[0]
        return oldest if ts >= oldest.first_ts or oldest.number == 1 else None

    def _sort_in(self, run: Run, seq: int, ts: int | None, received: int) -> Seen:
        at = received if ts is None else ts
        if seq > run.last_seq:
            self._open(Gap(run.number, run.last_seq + 1, seq - 1, run.last_ts, at))
            run.last_seq = seq
            run.last_ts = run.last_ts if ts is None else ts
            return Seen.NEW
        if seq < run.first_seq:
            self._open(Gap(run.number, seq + 1, run.first_seq - 1, at, run.first_ts))
            run.first_seq = seq
            run.first_ts = run.first_ts if ts is None else ts
            return Seen.NEW
        return self._close(run.number, seq, ts)

    def _open(self, gap: Gap) -> None:
        if gap.first_seq <= gap.last_seq:
            insort(self.gaps, gap)
            self._bound()

    def _close(self, run: int, seq: int, ts: int | None) -> Seen:
        place = bisect_right(self.gaps, (run, seq), key=lambda gap: gap[:2]) - 1
        gap = self.gaps[place] if place >= 0 else None
        if gap is None or gap.run != run or gap.last_seq < seq:
            return Seen.KNOWN
        left = gap._replace(last_seq=seq - 1, before_ts=gap.before_ts if ts is None else ts)
        right = gap._replace(first_seq=seq + 1, after_ts=gap.after_ts if ts is None else ts)
        self.gaps[place : place + 1] = [part for part in (left, right) if part.first_seq <= part.last_seq]
        self._bound()
        return Seen.NEW

    def _bound(self) -> None:
        over = len(self.gaps) - MAX_GAPS
        if over > 0:
            del self.gaps[:over]
            self.dropped += over
