"""Judges what devices say of themselves: that they stand in error, and by which code.

The fault is what the code means on the device's model (fleet.codes); an unknown code is `device_error`. Where
a model or another rule has an open alert of that fault, the device's own word joins it and then leads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alerts.judging.by_rule import raise_by_rule, rule_evidence
from alerts.judging.changes import Changes
from alerts.judging.decisions import CLEARED, Decision, Track, Verdict
from alerts.judging.rules import STATE, Rule
from alerts.judging.scan import Sighting
from fleet.alerts import AlertState, said_by_device
from fleet.clock import SECOND_MS
from fleet.codes import CodeCatalogue, Meaning
from fleet.faults import DEVICE_ERROR, FAULTS, Level
from storage.records.alerts import NOT_SUSTAINED
from storage.records.devices import DeviceTraits, traits_of

_WORST_FIRST = tuple(Level)
_MOST_CODES = 8
"""An alert names so many codes: one that goes on changing its own is no news each time."""
TOLD_AGAIN_MS = 10 * SECOND_MS
"""An event so long after the last that an alert holds is kept with it; one that comes all the time is not."""


@dataclass(frozen=True, slots=True)
class Report:
    """One time that a device said it has an error; `code` is None when it only stands in error."""

    device_id: str
    at: int
    code: str | None
    model: str
    text: str | None = None
    stands: bool = False
    """Whether its state is `error`: it does not work."""
    event: str | None = None


@dataclass(frozen=True)
class CodeJudge:
    """What codes mean, and the names of the rules that go by it."""

    codes: CodeCatalogue
    names: frozenset[str]

    def judge(self, changes: Changes, rule: Rule, sightings: Iterable[Sighting]) -> None:
        """Judge the readings that `Scan.in_play` found for one rule, in order."""
        found = list(sightings)
        speaking = {device_id for device_id, _, code, verdict in found if code and verdict == Verdict.HOLD}
        traits = traits_of(changes.session, sorted(speaking))
        for device_id, at, code, verdict in found:
            changes.come_to(device_id, at)
            if verdict == Verdict.HOLD:
                model = traits.get(device_id, DeviceTraits.UNKNOWN).model
                stands = rule.shown.signal == STATE
                self.hold(
                    changes, rule, Report(device_id, at, str(code) if code else None, model, stands=stands)
                )
            else:
                self._over(changes, rule, device_id, at, None if code is None else str(code))

    def hold(self, changes: Changes, rule: Rule, report: Report) -> None:
        """Take one report: raise an alert, or say more of the one that is open."""
        meaning = self.codes.meaning(report.model, report.code) if report.code else None
        if meaning is not None and meaning.fault is None and not report.stands:
            return
        fault = (meaning and meaning.fault) or DEVICE_ERROR
        level = _level(rule, meaning)
        mine = self._mine(changes, report.device_id)
        if report.code is None and mine:
            # It stands still because of what it has named before.
            for track in mine:
                self._say_more(changes, rule, track, report, level, meaning)
            return
        unnamed = [t for t in mine if t.alert.fault == DEVICE_ERROR and fault != DEVICE_ERROR]
        for track in unnamed:
            if _said(track).get("code") in (None, report.code):
                report, level = self._name(changes, rule, track, report, level, fault)
        track_here = changes.track(report.device_id, fault)
        if track_here is not None:
            self._say_more(changes, rule, track_here, report, level, meaning)
            return
        state = AlertState.PENDING if rule.for_ms else AlertState.FIRING
        evidence = _evidence(rule, report, meaning, report.stands)
        tickets = _opens_ticket(rule, fault, level)
        raise_by_rule(
            changes, rule, report.device_id, state, report.at, evidence, fault=fault, level=level,
            opens_ticket=tickets, once=report.event is not None,
        )  # fmt: skip

    def mended(self, changes: Changes, device_id: str, detail: Mapping[str, Any], at: int) -> None:
        """End what the device said of a fault whose part was replaced."""
        for track in self._mine(changes, device_id):
            fault = track.alert.fault
            part = FAULTS[fault].part
            if at > track.judged_at and (
                detail.get("fault") == fault or (part and detail.get("part") == part)
            ):
                _end(changes, track, track.alert.rule, at, "part_replaced")

    def _name(
        self, changes: Changes, rule: Rule, unnamed: Track, report: Report, level: Level, fault: str
    ) -> tuple[Report, Level]:
        """End the alert of an error without a name, now that it has one; take over what it knew."""
        stands = report.stands or _said(unnamed).get("state") == "error"
        _end(changes, unnamed, rule.name, max(report.at, unnamed.judged_at), f"named:{fault}")
        named = Report(
            report.device_id, report.at, report.code, report.model, report.text, stands, report.event
        )
        return named, _worst(level, unnamed.alert.level) if stands else level

    def _say_more(
        self,
        changes: Changes,
        rule: Rule,
        track: Track,
        report: Report,
        level: Level,
        meaning: Meaning | None,
    ) -> None:
        """Let an open alert say what the device adds, and fire when its time is up."""
        alert, said = track.alert, _said(track)
        stands = report.stands or said.get("state") == "error"
        level = _worst(level, alert.level)
        tickets = alert.opens_ticket or _opens_ticket(rule, alert.fault, level)
        pending = alert.state is AlertState.PENDING
        fires = pending and report.at - alert.since >= rule.for_ms
        foreign = alert.rule not in self.names
        news = foreign or (stands and said.get("state") != "error")
        known = said.get("codes", ())
        news = news or (report.event is not None and report.at - said.get("ts", 0) >= TOLD_AGAIN_MS)
        news = news or (report.code is not None and report.code not in known and len(known) < _MOST_CODES)
        if not (fires or news or level != alert.level or tickets != alert.opens_ticket):
            if report.at > track.judged_at:
                changes.spoke(track, report.at)
            return
        reason = "for_elapsed" if fires else f"{'joined' if foreign else 'told_more'}_by:{rule.name}"
        if level != alert.level:
            reason = f"worsened_by:{rule.name}"
        changes.revise(
            track,
            Decision(AlertState.FIRING if fires else alert.state, reason),
            rule.name,
            report.at,
            rule=rule.name if foreign else alert.rule,
            level=level,
            opens_ticket=tickets,
            evidence=_merged(alert.evidence, rule, report, meaning, stands) if news else alert.evidence,
        )

    def _over(self, changes: Changes, rule: Rule, device_id: str, at: int, code: str | None) -> None:
        """Take a reading in which a rule does not hold: what it ends, and what it leaves open.

        An empty code ends everything that the device said. A state that is no error ends what the device
        stood still for, unless it goes on saying the code.
        """
        for track in self._mine(changes, device_id):
            said = _said(track)
            stood = said.get("state") == "error" and code not in said.get("codes", ())
            moved_on = rule.shown.signal == STATE and stood
            other_code = rule.shown.signal != STATE and track.alert.rule == rule.name
            if at > track.judged_at and (code == "" or moved_on or other_code):
                _end(changes, track, rule.name, at, CLEARED)

    def _mine(self, changes: Changes, device_id: str) -> list[Track]:
        return [track for track in changes.tracks_of(device_id) if track.alert.rule in self.names]


def _end(changes: Changes, track: Track, who: str, at: int, reason: str) -> None:
    pending = track.alert.state is AlertState.PENDING
    changes.move(track, Decision(AlertState.RESOLVED, NOT_SUSTAINED if pending else reason), who, at)


def _level(rule: Rule, meaning: Meaning | None) -> Level:
    if meaning is None or meaning.fault is None:
        return rule.level
    return _worst(rule.level, meaning.level or FAULTS[meaning.fault].level)


def _worst(one: Level, other: Level) -> Level:
    return min(one, other, key=_WORST_FIRST.index)


def _opens_ticket(rule: Rule, fault: str, level: Level) -> bool:
    """Tell whether an engineer is wanted: not for what is minor and the customer mends alone."""
    return rule.opens_ticket and not (level is Level.L3 and FAULTS[fault].customer_can_mend)


def _said(track: Track) -> Mapping[str, Any]:
    return said_by_device(track.alert.evidence) or {}


def _evidence(rule: Rule, report: Report, meaning: Meaning | None, stands: bool) -> dict[str, Any]:
    evidence = rule_evidence(
        rule, signal=rule.shown_signal, value=report.code, condition=rule.when_text, ts=report.at
    )
    codes = [] if report.code is None else [report.code]
    evidence |= {
        "source": "device",
        "code": report.code,
        "codes": codes,
        "state": "error" if stands else None,
    }
    if meaning is not None:
        evidence["meaning"] = {"en": meaning.text.en, "zh": meaning.text.zh}
    elif report.text:
        evidence["meaning"] = {"en": report.text, "zh": report.text}
    return evidence


def _merged(
    before: Mapping[str, Any], rule: Rule, report: Report, meaning: Meaning | None, stands: bool
) -> dict[str, Any]:
    """Return an alert's evidence with what the device adds; what a model found stays in front."""
    said = said_by_device(before)
    now = _evidence(rule, report, meaning, stands)
    if said is None:
        return dict(before) | {"also": now}
    if report.code is None:
        now = dict(said) | {"state": now["state"]}
    else:
        before_codes = [code for code in said.get("codes", ()) if code != report.code]
        now["codes"] = [*before_codes, report.code]
        if "meaning" not in now and said.get("code") == report.code and "meaning" in said:
            now["meaning"] = said["meaning"]
    if said is not before:
        return dict(before) | {"also": now}
    kept = {name: before[name] for name in ("also", "previous_alert") if name in before}
    return now | kept
