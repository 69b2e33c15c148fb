"""Judges what other systems report: one alert a device (or the installation) holds all that they tell of it.

It begins with the first, says more with each that is new, and ends with the last. What somebody acknowledged
fires again when something new joins it: that, nobody has seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from alerts.judging.changes import Changes
from alerts.judging.decisions import CLEARED, Decision, Track
from fleet.alerts import EXTERNAL_RULE, REPORTED_MORE, Alert, AlertState
from fleet.external import Report
from fleet.faults import EXTERNAL, Level
from storage.records.alerts import last_resolved

MOST = 10_000
"""So many reports one alert holds."""
_MOST_WHOLE, _MOST_OVER = 200, 2_000
"""So many it holds whole; of the others when they began, how bad they are, and how their text begins."""
_LONGEST_BEGINNING = 80
_PLAUSIBLE_MS = 946_684_800_000
"""2000-01-01: what says that it began before does not know."""
_MOST_NAMED, _LONGEST_NAMED = 5, 120
"""So many are named in its history at a time, each in so many characters."""


@dataclass
class _Held:
    """What one alert holds: reports that go on by fingerprint, and when those began that are over."""

    items: dict[str, dict[str, Any]]
    over: dict[str, int]
    previous: str | None = None
    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def take(self, report: Report) -> bool:
        """Take one report; what was known already changes nothing. False where there is no room for it."""
        known = self.items.get(report.fingerprint)
        begun = self.over.get(report.fingerprint, -1) if known is None else known["since"]
        if report.over:
            if known is not None and report.since >= begun:
                del self.items[report.fingerprint]
                self._end(report.fingerprint, report.since)
                self.ended.append(known["text"])
        elif report.since > begun:
            if known is None and len(self.items) >= MOST:
                return False
            self.items[report.fingerprint] = {
                "since": report.since,
                "level": report.level,
                "text": report.text,
                **report.seen,
            }
            self.begun.append(report.text)
        return True

    def _end(self, fingerprint: str, since: int) -> None:
        self.over.pop(fingerprint, None)
        self.over[fingerprint] = since
        while len(self.over) > _MOST_OVER:
            del self.over[min(self.over, key=lambda each: self.over[each])]

    @property
    def level(self) -> Level:
        """The worst of them."""
        return min(Level(item["level"]) for item in self.items.values())

    def evidence(self, now: int) -> dict[str, Any]:
        """Return what an alert keeps, and shows: the worst of what it holds first, of these the newest."""
        ranked = sorted(self.items.items(), key=lambda each: (each[1]["level"], -each[1]["since"]))
        text = self._text([item["text"] for _, item in ranked[:1]])
        evidence: dict[str, Any] = {
            "source": "external",
            "rule": EXTERNAL_RULE,
            "text": {"en": text, "zh": text},
            "count": len(ranked),
            "items": dict(ranked[:_MOST_WHOLE]),
            "beyond": {
                fingerprint: [item["since"], item["level"], item["text"][:_LONGEST_BEGINNING]]
                for fingerprint, item in ranked[_MOST_WHOLE:]
            },
            "over": self.over,
            "ts": plausible(max((item["since"] for _, item in ranked), default=0), now),
        }
        return evidence | ({"previous_alert": self.previous} if self.previous else {})

    def _text(self, worst: list[str]) -> str:
        """Return what came last and what is worst, and how many there are beside."""
        named = list(dict.fromkeys([*self.begun[-1:], *worst]))
        others = len(self.items) - len(named)
        return " · ".join(named) + (f" (+{others})" if others > 0 else "")


def plausible(since: int, now: int) -> int:
    """Return when something began, as far as that can be: not in the future, and not before 2000."""
    return since if _PLAUSIBLE_MS <= since <= now else now


def judge_external(changes: Changes, device_id: str, reports: Sequence[Report]) -> int:
    """Judge what is reported of one device; return how many reports its alert has no room for.

    What the database holds counts: another process may have taken the last report, which changes no state.
    """
    track = changes.stored(device_id, EXTERNAL)
    held = _before(changes, device_id) if track is None else _of(track.alert)
    refused = sum(not held.take(report) for report in reports)
    if track is None:
        raised = held.begun and held.items
        if raised and not changes.raise_alert(_alert(device_id, held, changes.now)):
            return judge_external(changes, device_id, reports)  # another process raised it meanwhile
    elif not held.items:
        changes.move(track, Decision(AlertState.RESOLVED, CLEARED), EXTERNAL_RULE, changes.now)
    elif held.begun or held.ended:
        _revise(changes, track, held)
    return refused


def _revise(changes: Changes, track: Track, held: _Held) -> None:
    state = AlertState.FIRING if held.begun else track.alert.state
    decision = Decision(state, REPORTED_MORE if held.begun else "partly_cleared")
    why = f"{decision.reason}:{_in_short(held.begun or held.ended)}"
    columns = {"evidence": held.evidence(changes.now), "level": held.level}
    changes.revise(track, decision, EXTERNAL_RULE, changes.now, why, **columns)


def _in_short(texts: Sequence[str]) -> str:
    """Return which reports it was, for the history."""
    named = "; ".join(each[:_LONGEST_NAMED] for each in texts[:_MOST_NAMED])
    return named + (f" (+{len(texts) - _MOST_NAMED})" if len(texts) > _MOST_NAMED else "")


def _of(alert: Alert) -> _Held:
    evidence = alert.evidence
    beyond = {
        fingerprint: {"since": since, "level": level, "text": text}
        for fingerprint, (since, level, text) in evidence.get("beyond", {}).items()
    }
    items = dict(evidence.get("items", {})) | beyond
    return _Held(items, dict(evidence.get("over", {})), evidence.get("previous_alert"))


def _before(changes: Changes, device_id: str) -> _Held:
    """Return what the last alert knew: all that it held is over, whoever ended it, until it begins anew."""
    last = last_resolved(changes.session, device_id, EXTERNAL)
    if last is None:
        return _Held({}, {})
    ended = _of(last)
    begun = {fingerprint: item["since"] for fingerprint, item in ended.items.items()}
    return _Held({}, ended.over | begun, last.id)


def _alert(device_id: str, held: _Held, now: int) -> Alert:
    return Alert(
        id="",
        device_id=device_id,
        fault=EXTERNAL,
        rule=EXTERNAL_RULE,
        level=held.level,
        state=AlertState.FIRING,
        since=min(plausible(item["since"], now) for item in held.items.values()),
        reason=f"recurrence_of:{held.previous}" if held.previous else "first",
        opens_ticket=False,
        evidence=held.evidence(now),
    )
