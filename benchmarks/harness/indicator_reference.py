"""Indicators from the log of events alone, by other means than production: the figures it is held to.

States, milestones, pauses, verdicts and who worked on a case come from the events; what the log does not
tell (what a device is, where a site is, the level and the likely fault of a case) from their own tables, by
plain SQL. Promises are those of the policy that ships: counted time is compared with what is allowed, while
production works out when each is due.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import text

from storage.records.database import DeskDatabase

HOUR = 3_600_000
DAY = 24 * HOUR
RESPOND = {"L1": 2 * HOUR, "L2": 4 * HOUR, "L3": 24 * HOUR}
ON_SITE = {"L1": 4 * HOUR, "L2": 24 * HOUR}
_EVENTS = text(
    "SELECT subject_id, at, what, before, after, principal_kind, principal_id, data FROM event "
    "WHERE subject = 'ticket' ORDER BY id"
)
_CASES = text(
    "SELECT t.id, t.device_id, t.site, t.level, t.origin, t.fault, d.model, d.registered_at, s.region, "
    "s.customer, s.zone FROM ticket t JOIN device d ON d.id = t.device_id JOIN site s ON s.id = t.site"
)


@dataclass
class Case:
    """A case as its events tell it; milestones and closing are epoch ms."""

    id: int
    device: str
    site: str
    level: str
    origin: str
    fault: str
    model: str
    first_seen: int
    region: str
    customer: str
    zone: str
    opened: int = 0
    rises: list[tuple[int, str]] = field(default_factory=list)
    states: list[tuple[int, str]] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    suspected: dict[str, list[Any]] = field(default_factory=dict)
    found: list[str] | None = None
    later: list[str] = field(default_factory=list)
    repaired: list[int] = field(default_factory=list)
    judged: int | None = None
    right: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    repeated: bool = False
    owed: dict[str, tuple[int, bool] | None] = field(default_factory=dict)

    def first(self, state: str) -> int | None:
        """Return when it first came into a state."""
        return next((at for at, each in self.states if each == state), None)

    @property
    def closed(self) -> int | None:
        """When it was over; None while it is open."""
        at, state = self.states[-1]
        return at if state in ("confirmed", "cancelled") else None

    @property
    def broken(self) -> str:
        """What was found, else what was suspected."""
        return self.found[0] if self.found else self.fault

    @property
    def engineer(self) -> str:
        """Whose work it is."""
        return self.people.get("repaired") or self.people.get("repairing") or self.people.get("accepted", "")


def cases_of(desk: DeskDatabase) -> list[Case]:
    """Return all cases, each from its events."""
    with desk.statements() as connection:
        cases = {row[0]: Case(*row) for row in connection.execute(_CASES)}
        for subject, *event in connection.execute(_EVENTS):
            _happened(cases[int(subject)], *event)
    for case in cases.values():
        _know_level(case)
    _repeats(cases.values())
    return list(cases.values())


def _know_level(case: Case) -> None:
    if case.rises[0][1] == "":  # its level never changed
        case.rises[0] = (case.opened, case.level)


def _happened(
    case: Case, at: int, what: str, before: str, after: str, kind: str, who: str, data: Any
) -> None:
    told = json.loads(data) if isinstance(data, str) else data
    if what == "opened":
        case.opened = at
        case.rises.append((at, ""))
        case.states.append((at, "opened"))
    if what in ("opened", "joined", "note"):
        _suspected(case, told["fault"], at, kind)
    if what == "left":
        case.suspected[told["fault"]][1] = at
    if what == "level":
        if case.rises[0][1] == "":
            case.rises[0] = (case.opened, before)
        case.rises.append((at, after))
    if what == "state" and who == "migration":
        case.suspected.clear()  # another case took them over
    if what == "state":
        case.states.append((at, after))
        if kind == "person":
            case.people.setdefault(after, who)
        _judged(case, at, after, told["confirmed"], told.get("deferred", []))


def _suspected(case: Case, fault: str, at: int, kind: str) -> None:
    """Keep of each suspicion: since when, when it left, whether by an alert, a model last, a person ever."""
    own = case.suspected.setdefault(fault, [at, None, False, False, False])
    own[1] = None
    if kind == "person":
        own[4] = True
    else:
        own[2], own[3] = True, kind == "model"


def _judged(case: Case, at: int, after: str, confirmed: list[str], deferred: list[str]) -> None:
    """Note what a verdict says: what had left before anybody came is neither right nor wrong."""
    if after == "reopened":
        case.found, case.later, case.judged, case.right, case.wrong = None, [], None, [], []
    if after == "repaired":
        case.repaired.append(at)
    if after == "cancelled":
        standing = [fault for fault, own in case.suspected.items() if own[1] is None and own[2]]
        case.judged, case.right, case.wrong = (at if standing else None), [], standing
    if after == "repaired" or (after == "confirmed" and confirmed):
        arrived = case.first("repairing") or at
        case.later = deferred or [fault for fault in case.later if fault not in confirmed]
        seen = (*confirmed, *case.later)
        case.right = [f for f, own in case.suspected.items() if own[2] and f in seen]
        case.wrong = [
            fault
            for fault, own in case.suspected.items()
            if own[2] and fault not in seen and (own[1] is None or own[1] >= arrived)
        ]
        case.found = confirmed
        case.judged = case.repaired[-1] if case.right or case.wrong else None
        for fault in (*case.right, *case.wrong):
            case.suspected[fault][1] = None


def _repeats(cases: Iterable[Case]) -> None:
    same: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        same[case.device, case.broken].append(case)
    for group in same.values():
        for case in group:
            mended = case.first("repaired")
            case.repeated = mended is not None and any(
                mended <= other.opened < mended + 30 * DAY
                for other in group
                if other is not case and (other.closed is None or other.first("repaired") is not None)
            )


@cache
def month(ms: int, zone: str) -> int:
    """Return the month by a zone's clock."""
    at = datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone))
    return at.year * 100 + at.month


def _pauses(case: Case) -> list[tuple[int, int | None]]:
    moments = [*case.states, (None, "")]
    return [
        (begin, end)
        for (begin, state), (end, _next) in pairwise(moments)
        if state == "waiting_customer" and begin is not None
    ]


def _due(since: int, allowed: int, pauses: Sequence[tuple[int, int | None]]) -> int | None:
    """Return when so much time has counted, stepping over the pauses; None while one has no end."""
    left, at = allowed, since
    for begin, end in pauses:
        if end is not None and end <= since:
            continue
        run = max(begin, at) - at
        if run >= left:
            break
        left -= run
        if end is None:
            return None
        at = end
    return at + left


def promise(
    case: Case, allowed: dict[str, int], done: int | None, *, pauses: bool
) -> tuple[int, bool] | None:
    """Return when a promise was due and whether it was kept; None where it is not owed (any more)."""
    over = min((at for at in (done, case.closed) if at is not None), default=None)
    waits = [each for each in _pauses(case) if over is None or each[0] < over] if pauses else []
    dues = [_due(since, allowed[level], waits) for since, level in case.rises if level in allowed]
    if not dues:
        return None
    known = [due for due in dues if due is not None]
    due = min(known) if known else None
    if done is not None:
        return (done, True) if due is None else (due, done <= due)
    if due is None or (case.closed is not None and case.closed <= due):
        return None
    return due, False


Figure = tuple[int, int | None, float | None]
"""The cases, the hits of a share, the value."""


def figures(cases: Sequence[Case], wanted: int, now: int, prices: Any) -> dict[str, Figure]:
    """Return all figures of a month over some cases."""
    rows: dict[str, list[Any]] = defaultdict(list)
    for case in cases:
        _count(case, wanted, now, rows)
    found: dict[str, Figure] = {}
    for name in (
        "response_on_time",
        "on_site_on_time",
        "first_time_fix",
        "repeat_repairs",
        "proactive_confirmed",
    ):
        found[name] = _share(rows[name])
    found["satisfaction"] = _share([])
    for name in ("breakdowns_avoided", "early_failures", "opened", "backlog"):
        found[name] = (len(rows[name]), None, float(len(rows[name])))
    for name, source, share in (
        ("waiting_median", "waiting", 50),
        ("waiting_p90", "waiting", 90),
        ("backlog_age", "backlog", 50),
        ("lead_time", "lead_time", 50),
    ):
        lengths = rows[source]
        value = float(np.percentile(lengths, share, method="inverted_cdf")) if lengths else None
        found[name] = (len(lengths), None, value)
    took = rows["mttr"]
    found["mttr"] = (len(took), None, float(np.mean(took)) if took else None)
    money = rows["money_saved"]
    total = sum(
        prices.saved(right) * bool(right) - prices.wasted(wrong) * bool(wrong) for right, wrong in money
    )
    found["money_saved"] = (len(money), None, float(total) if money else None)
    return found


def _share(hits: list[bool]) -> Figure:
    return len(hits), sum(hits), sum(hits) / len(hits) if hits else None


def _owed(case: Case) -> dict[str, tuple[int, bool] | None]:
    if not case.owed:
        case.owed["response_on_time"] = promise(case, RESPOND, case.first("accepted"), pauses=False)
        case.owed["on_site_on_time"] = promise(case, ON_SITE, case.first("repairing"), pauses=True)
    return case.owed


def _count(case: Case, wanted: int, now: int, rows: dict[str, list[Any]]) -> None:
    def counts(ms: int | None) -> bool:
        return ms is not None and month(ms, case.zone) == wanted

    arrived, mended = case.first("repairing"), case.first("repaired")
    for name, owed in _owed(case).items():
        if owed is not None and owed[0] <= now and counts(owed[0]):
            rows[name].append(owed[1])
    reopened = case.first("reopened") is not None
    if counts(mended):
        assert mended is not None
        assert arrived is not None
        rows["first_time_fix"].append(not reopened and not case.repeated)
        rows["repeat_repairs"].append(case.repeated)
        rows["mttr"].append(mended - arrived)
    if counts(arrived):
        assert arrived is not None
        rows["waiting"].append(arrived - case.opened)
    if counts(case.opened):
        rows["opened"].append(case)
        if case.found and 0 <= case.opened - case.first_seen < 90 * DAY:
            rows["early_failures"].append(case)
    closed = None if case.closed is None else month(case.closed, case.zone)
    if month(case.opened, case.zone) <= wanted and (closed is None or closed > wanted):
        after = wanted + 1 if wanted % 100 < 12 else wanted + 89
        end = datetime(after // 100, after % 100, 1, tzinfo=ZoneInfo(case.zone)).timestamp() * 1000
        rows["backlog"].append(min(now, int(end)) - case.opened)
    if case.origin == "proactive" and counts(case.judged):
        _prediction(case, arrived, rows)


def _prediction(case: Case, arrived: int | None, rows: dict[str, list[Any]]) -> None:
    rows["proactive_confirmed"].append(bool(case.right))
    if case.right and arrived is not None:
        rows["lead_time"].append(arrived - min(case.suspected[fault][0] for fault in case.right))
    by_model = [fault for fault in case.suspected if case.suspected[fault][3]]
    foreseen = next((f for f in by_model if f in case.right and not case.suspected[f][4]), "")
    unfounded = ""
    if arrived is not None and not case.found and not case.later:
        unfounded = next((fault for fault in by_model if fault in case.wrong), "")
    if foreseen:
        rows["breakdowns_avoided"].append(case)
    if foreseen or unfounded:
        rows["money_saved"].append((foreseen, unfounded))
