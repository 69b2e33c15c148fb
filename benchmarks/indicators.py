"""Indicators against the log of events, and how long a month takes: `python -m benchmarks.indicators`.

Generates cases of four time zones (late, paused, raised, reopened, cancelled, merged, cleared), lets the
follower keep what is counted of them, and compares every figure of every month, in all and for each site,
region, customer, model, fault and engineer, with figures that are worked out from the log by other means
(benchmarks/harness/indicator_reference.py). Then it times the page of a month of so many cases. Exits with 1
when a figure differs, a recount finds anything else than the follower kept, or a month takes over MUST_S.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import isclose
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

from sqlalchemy import text

from benchmarks.harness.case_lives import SITES, add_lives
from benchmarks.harness.indicator_reference import Case, cases_of, figures
from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.indicators.figures import Figures, MonthFigures
from desk.indicators.keeper import FactKeeper
from fleet.case_facts import month_after
from fleet.clock import ManualClock
from fleet.sla import load_policy
from fleet.zones import Zones
from storage.records.case_facts import CaseFactRow
from storage.records.database import DeskDatabase, open_desk
from storage.records.events import events_after
from storage.records.fact_figures import FactFilter
from storage.records.tickets import TicketRow

MUST_S = 1.0
_COPIES = 5
"""So often each generated case stands in the month that is timed."""
NOW = 1_796_000_000_000
"""2026-11-29: the last month of the cases."""
LAST = 202611
_EVENTS_A_TURN = 1_000
_OF_CASE = {
    "site": lambda case: case.site,
    "region": lambda case: case.region,
    "customer": lambda case: case.customer,
    "model": lambda case: case.model,
    "fault": lambda case: case.broken,
    "engineer": lambda case: case.engineer,
}


class Priced:
    """What a fault costs, so that each shows."""

    def saved(self, fault: str) -> float:
        """Return another amount for each fault."""
        return 100.0 + len(fault)

    def wasted(self, fault: str) -> float:
        """Return another amount for each fault."""
        return 10.0 + len(fault)


def keeper_of(desk: DeskDatabase) -> FactKeeper:
    """Return what keeps the facts of the generated cases."""
    zones = Zones(sites={site.id: ZoneInfo(site.zone) for site in SITES})
    return FactKeeper(desk, TicketClocks(Clocks(load_policy()), zones.of), zones.of, ManualClock(NOW))


def follow_all(desk: DeskDatabase, keeper: FactKeeper) -> float:
    """Let the keeper follow the whole log; return the CPU seconds."""
    begun, after = process_time(), 0
    while True:
        with desk.transaction() as session:
            events = events_after(session, after, _EVENTS_A_TURN)
        if not events:
            return process_time() - begun
        keeper.handle_all(events)
        after = events[-1].id


def differences(
    desk: DeskDatabase, months: Sequence[int], dimensions: Sequence[str]
) -> tuple[int, list[str]]:
    """Return how many figures were compared, and those that differ from the log's."""
    cases, production = cases_of(desk), Figures(desk, ManualClock(NOW), Priced())
    compared, wrong = 0, []
    for month in months:
        for name, chosen, found in _parts(production, cases, month, dimensions):
            for indicator, (count, hits, value) in figures(chosen, month, NOW, Priced()).items():
                compared += 1
                own = found.figures[indicator]
                same = value == own.value or (
                    value is not None and own.value is not None and isclose(value, own.value, rel_tol=1e-12)
                )
                if (own.count, own.hits) != (count, hits) or not same:
                    wrong.append(
                        f"{month} {name} {indicator}: {own.count, own.hits, own.value}, "
                        f"the log says {count, hits, value}"
                    )
    return compared, wrong


def _parts(
    production: Figures, cases: list[Case], month: int, dimensions: Sequence[str]
) -> Iterator[tuple[str, list[Case], MonthFigures]]:
    yield "all", cases, production.month(month, FactFilter())
    for dimension in dimensions:
        groups: dict[str, list[Case]] = defaultdict(list)
        for case in cases:
            groups[_OF_CASE[dimension](case)].append(case)
        found = production.by(month, FactFilter(), dimension)
        empty = production.month(190001, FactFilter())
        for name, chosen in groups.items():
            yield f"{dimension} {name!r}", chosen, found.get(name, empty)


def time_of_month(count: int) -> dict[str, float]:
    """Return the CPU seconds of rendering a month in which so many cases count."""
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(f"sqlite:///{Path(folder) / 'desk.db'}")
        made = add_lives(desk, count // _COPIES, NOW, days=29, a_device=3)
        keeper = keeper_of(desk)
        begun = process_time()
        keeper.fill()
        filled = process_time() - begun
        made = _copy(desk, made)
        found = {}
        for name, wanted in (("all", FactFilter()), ("region", FactFilter(region="region1"))):
            production = Figures(desk, ManualClock(NOW), Priced())
            begun = process_time()
            production.months(LAST, 12, wanted)
            found[f"month_{name}_cpu_s"] = round(process_time() - begun, 3)
        desk.close()
    return {"month_cases": made, "filled_cpu_s": round(filled, 1), **found}


def _copy(desk: DeskDatabase, made: int) -> int:
    """Let there be _COPIES of each case and its facts, on devices of their own; return how many there are."""
    tickets = [each.name for each in TicketRow.__table__.columns if each.name != "due"]
    for table, key, names in (
        ("ticket", "id", tickets),
        ("case_fact", "ticket_id", [each.name for each in CaseFactRow.__table__.columns]),
    ):
        found = ", ".join(
            {key: f"{key} + :step", "device_id": "device_id || :mark", "repeated_by": "NULL"}.get(name, name)
            for name in names
        )
        copied = f"INSERT INTO {table} ({', '.join(names)}) SELECT {found} FROM {table} WHERE {key} <= :made"
        with desk.statements() as connection:
            for number in range(1, _COPIES):
                given = {"step": number * made, "mark": f"-{number}", "made": made}
                connection.execute(text(copied), given)
    return made * _COPIES


def main() -> int:
    """Compare, measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--cases", type=int, default=50_000, help="how many are compared (50,000)")
    parser.add_argument(
        "--month", type=int, default=100_000, help="cases of the month that is timed (100,000)"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(f"sqlite:///{Path(folder) / 'desk.db'}")
        made = add_lives(desk, options.cases, NOW, seed=options.seed)
        keeper = keeper_of(desk)
        followed = follow_all(desk, keeper)
        begun = process_time()
        moved = keeper.recount()
        recounted = process_time() - begun
        months = [month_after(LAST, -back) for back in range(14)]
        compared, wrong = differences(desk, months, tuple(_OF_CASE))
        desk.close()
    found: dict[str, object] = {
        "cases": made,
        "figures": compared,
        "differ": len(wrong),
        "examples": wrong[:10],
        "followed_cpu_s": round(followed, 1),
        "recount_cpu_s": round(recounted, 1),
        "recount_differs": moved,
        "must": {"differ": 0, "recount_differs": 0, "month_all_cpu_s": MUST_S},
    }
    timed = time_of_month(options.month)
    found |= timed
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if not wrong and not moved and timed["month_all_cpu_s"] <= MUST_S else 1


if __name__ == "__main__":
    sys.exit(main())
