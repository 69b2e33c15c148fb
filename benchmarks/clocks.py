"""Clocks against a slow reference, and how long a changed calendar takes: `python -m benchmarks.clocks`.

Generates cases of policies, calendars, zones, waits, rises and reopenings. Each clock's `due`, `warn_at` and
counted time must be those of minute by minute counting, and its explanation must add up. Exits with 1 when
one differs, or when a changed calendar of 100,000 open cases in a database took more than MUST_S of CPU.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import process_time

from benchmarks.harness.clock_cases import Generated, calendars, generate, slow_clock
from benchmarks.harness.clock_reference import SlowClock
from benchmarks.harness.open_cases import SITES, add_open_cases
from desk.clocks.calendar import OPEN
from desk.clocks.clocks import Clocks, Explained
from desk.clocks.recount import Recount
from desk.clocks.standing import TicketClocks
from desk.clocks.timetable import Timetables
from desk.people.terms import TermsOfSites
from fleet.clock import MINUTE_MS, ManualClock
from fleet.sites import Site
from fleet.sla import load_policy
from storage.records.database import open_desk
from storage.records.sites import describe_site
from sweepwatch.settings.settings import Settings
from sweepwatch.zones import zones_of

MUST_S = 10.0
_NOW = 1_780_000_000_000


class Comparison:
    """Compares cases with the reference; `wrong` says what differed, with an example each."""

    def __init__(self) -> None:
        self._slow: dict[tuple[int, str], SlowClock] = {}
        self._clocks: dict[str, Clocks] = {}
        self._calendars = calendars()
        self._timetables = Timetables()
        self.clocks = 0
        self.statuses: Counter[str] = Counter()
        self.wrong: dict[str, str] = {}

    def reckoner(self, case: Generated) -> Clocks:
        """Return production's clocks under the policy of a case."""
        name = case.policy.name
        if name not in self._clocks:
            self._clocks[name] = Clocks(case.policy, self._calendars, self._timetables)
        return self._clocks[name]

    def look(self, case: Generated) -> None:
        """Compare all clocks of a case."""
        key = case.calendar, case.zone
        slow = self._slow[key] if key in self._slow else self._slow.setdefault(key, slow_clock(*key))
        found = self.reckoner(case).explain(case.times, case.now * MINUTE_MS)
        if {each.clock.milestone for each in found} != set(case.promised):
            self.wrong["milestones"] = repr(case)
        for each in found:
            self.clocks += 1
            self.statuses[each.clock.status] += 1
            self._compare(case, slow, each)

    def _compare(self, case: Generated, slow: SlowClock, found: Explained) -> None:
        clock = found.clock
        promised, waits = case.promised[clock.milestone], case.waits[clock.milestone]
        dues = {each: slow.due(each, waits) for each in promised}
        known = [due for due, _warn in dues.values() if due is not None]
        due = min(known) if known else None
        self._same("due", case, clock.due, None if due is None else due * MINUTE_MS)
        mine = [each for each in promised if each.since * MINUTE_MS == clock.since and dues[each][0] == due]
        if not mine:
            self.wrong["since"] = repr(case)
            return
        warn = dues[mine[0]][1]
        self._same("warn_at", case, clock.warn_at, None if warn is None else warn * MINUTE_MS)
        until = min(
            at // MINUTE_MS
            for at in (case.times.done.get(clock.milestone), case.times.ended_at, case.now * MINUTE_MS)
            if at is not None
        )
        since = clock.since // MINUTE_MS
        counted = int(slow.counts(since, waits)[: max(0, until - since)].sum())
        self._same("counted", case, clock.counted_ms, counted * MINUTE_MS)
        added = sum(each.end - each.begin for each in found.stretches if each.reason == OPEN)
        self._same("explained", case, added, clock.counted_ms)
        gaps = [one.end != two.begin for one, two in zip(found.stretches, found.stretches[1:], strict=False)]
        if any(gaps):
            self.wrong["gap"] = repr(case)

    def _same(self, what: str, case: Generated, found: int | None, wanted: int | None) -> None:
        if found != wanted:
            self.wrong.setdefault(what, f"{found} instead of {wanted}: {case}")


def reckon_again(cases: list[Generated], comparison: Comparison) -> float:
    """Return the CPU seconds of reckoning so many cases with calendars that nobody has looked at yet."""
    anew = Comparison()
    begun = process_time()
    for case in cases:
        anew.reckoner(case).of(case.times, case.now * MINUTE_MS)
    return process_time() - begun


def recount_stored(count: int) -> dict[str, float]:
    """Return the CPU seconds of reckoning so many stored open cases by another calendar."""
    calendar = calendars()["c1"]
    by_office = load_policy().model_copy(update={"calendar": calendar.name})
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(f"sqlite:///{Path(folder) / 'desk.db'}")
        add_open_cases(desk, count, _NOW)
        with desk.transaction() as session:
            for number in range(SITES):
                describe_site(session, Site(f"hall{number}", customer="acme", zone="Asia/Shanghai"))
        terms = TermsOfSites(desk, ManualClock(_NOW))
        always = TicketClocks(Clocks(load_policy()), zones_of(Settings(), desk).of, terms.of)
        Recount(desk, always).all(_NOW)
        begun = process_time()
        moved = Recount(desk, always.by(Clocks(by_office, {calendar.name: calendar}))).all(_NOW)
        seconds = process_time() - begun
        desk.close()
    return {"stored": count, "stored_moved": moved, "stored_recounted_cpu_s": round(seconds, 2)}


def main() -> int:
    """Compare, measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--cases", type=int, default=100_000, help="how many (100,000)")
    parser.add_argument("--stored", type=int, default=100_000, help="open cases in a database (100,000)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cases = list(generate(options.seed, options.cases))
    comparison = Comparison()
    seconds = reckon_again(cases, comparison)
    for case in cases:
        comparison.look(case)
    stored = recount_stored(options.stored)
    found: dict[str, object] = {
        "cases": len(cases),
        "clocks": comparison.clocks,
        "statuses": dict(sorted(comparison.statuses.items())),
        "wrong": comparison.wrong,
        "reckoned_again_cpu_s": round(seconds, 2),
        "must": {"wrong": {}, "stored_recounted_cpu_s": MUST_S},
    }
    found |= stored
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if not comparison.wrong and stored["stored_recounted_cpu_s"] <= MUST_S else 1


if __name__ == "__main__":
    sys.exit(main())
