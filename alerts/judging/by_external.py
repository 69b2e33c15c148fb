"""Judges what other systems report: one alert a device (or the installation) holds all that they tell of it.

It begins with the first, says more with each that is new, and ends with the last. What somebody acknowledged
fires again when something new joins it: that, nobody has seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from alerts.judging.changes import Changes
from alerts.judging.decisions import CLEARED, Decision, Track
from fleet.alerts import EXTERNAL_RULE, Alert, AlertState
from fleet.external import Report
from fleet.faults import EXTERNAL, Level
from storage.records.alerts import last_resolved

_MOST = 200
"""So many reports one alert holds; more are the same trouble."""
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

    def take(self, report: Report) -> None:
        """Take one report; what was known already changes nothing."""
        known = self.items.get(report.fingerprint)
        begun = self.over.get(report.fingerprint, -1) if known is None else known["since"]
        if report.over:
            if known is not None and report.since >= begun:
                del self.items[report.fingerprint]
                self._end(report.fingerprint, report.since)
                self.ended.append(known["text"])
        elif report.since > begun and (known is not None or len(self.items) < _MOST):
            self.items[report.fingerprint] = {
                "since": report.since,
                "level": report.level,
                "text": report.text,
                **report.seen,
            }
            self.begun.append(report.text)

    def _end(self, fingerprint: str, since: int) -> None:
        self.over.pop(fingerprint, None)
        self.over[fingerprint] = since
        while len(self.over) > _MOST:
            del self.over[min(self.over, key=lambda each: self.over[each])]

    @property
    def level(self) -> Level:
        """The worst of them."""
        return min(Level(item["level"]) for item in self.items.values())

    def evidence(self) -> dict[str, Any]:
        """Return what an alert keeps, and shows."""
        worst = sorted(self.items.values(), key=lambda item: (item["level"], item["since"]))
        text = worst[0]["text"] + (f" (+{len(worst) - 1})" if len(worst) > 1 else "") if worst else ""
        evidence: dict[str, Any] = {
            "source": "external",
            "rule": EXTERNAL_RULE,
            "text": {"en": text, "zh": text},
            "items": self.items,
            "over": self.over,
            "ts": max((item["since"] for item in worst), default=0),
        }
        return evidence | ({"previous_alert": self.previous} if self.previous else {})


def judge_external(changes: Changes, device_id: str, reports: Sequence[Report]) -> None:
    """Judge what is reported of one device."""
    track = changes.track(device_id, EXTERNAL)
    held = _before(changes, device_id) if track is None else _of(track.alert)
    for report in reports:
        held.take(report)
    if track is None:
        if held.begun and held.items:
            changes.raise_alert(_alert(device_id, held))
    elif not held.items:
        changes.move(track, Decision(AlertState.RESOLVED, CLEARED), EXTERNAL_RULE, changes.now)
    elif held.begun or held.ended:
        _revise(changes, track, held)


def _revise(changes: Changes, track: Track, held: _Held) -> None:
    state = AlertState.FIRING if held.begun else track.alert.state
    decision = Decision(state, "reported_more" if held.begun else "partly_cleared")
    why = f"{decision.reason}:{_in_short(held.begun or held.ended)}"
    columns = {"evidence": held.evidence(), "level": held.level}
    changes.revise(track, decision, EXTERNAL_RULE, changes.now, why, **columns)


def _in_short(texts: Sequence[str]) -> str:
    """Return which reports it was, for the history."""
    named = "; ".join(each[:_LONGEST_NAMED] for each in texts[:_MOST_NAMED])
    return named + (f" (+{len(texts) - _MOST_NAMED})" if len(texts) > _MOST_NAMED else "")


def _of(alert: Alert) -> _Held:
    evidence = alert.evidence
    return _Held(
        dict(evidence.get("items", {})), dict(evidence.get("over", {})), evidence.get("previous_alert")
    )


def _before(changes: Changes, device_id: str) -> _Held:
    """Return what the last alert knew: all that it held is over, whoever ended it, until it begins anew."""
    last = last_resolved(changes.session, device_id, EXTERNAL)
    if last is None:
        return _Held({}, {})
    ended = _of(last)
    begun = {fingerprint: item["since"] for fingerprint, item in ended.items.items()}
    return _Held({}, ended.over | begun, last.id)


def _alert(device_id: str, held: _Held) -> Alert:
    return Alert(
        id="",
        device_id=device_id,
        fault=EXTERNAL,
        rule=EXTERNAL_RULE,
        level=held.level,
        state=AlertState.FIRING,
        since=min(item["since"] for item in held.items.values()),
        reason=f"recurrence_of:{held.previous}" if held.previous else "first",
        opens_ticket=False,
        evidence=held.evidence(),
    )
