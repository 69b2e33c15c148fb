"""What becomes of an alert: small pure functions, each answering with a named reason.

Later stages (mute, budget, remind, site-wide incidents) are further functions of this form.
Times are epoch milliseconds; `at` is event time, the time of the reading or of the device's newest reading.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

from alerts.judging.quantities import Source
from alerts.judging.rules import OFFLINE, Rule
from fleet.alerts import RISK_RULE, RULE_REMOVED, Alert, AlertState, seen_by_rule
from fleet.clock import DAY_MS, HOUR_MS, SECOND_MS
from fleet.errors import Conflict
from fleet.faults import FAULTS, UNUSUAL
from fleet.principals import PEOPLE, PrincipalKind
from fleet.risks import Risk
from storage.records.alerts import NOT_SUSTAINED, Unheard

CLEAR_SHARE = 0.6
"""A risk is low when it is below this share of its threshold ..."""
CLEAR_SCORINGS = 2
"""... and an alert of a risk is over after so many low scorings in a row, each on newer readings."""
SETTLE_MS = 24 * HOUR_MS
"""After a person or a closed ticket ended an alert, risks still look at the time before: wait so long.

Where somebody looked for the fault and did not find it, a model that goes on foreseeing it is quiet for the
fault's own horizon: that is the time of which it spoke.
"""
LASTING_MS = DAY_MS
"""Unusual behaviour is told when it is still there in readings so much newer: chance comes and goes."""
REST_MS = 12 * HOUR_MS
"""And it is over after CLEAR_SCORINGS low scorings on readings so far apart."""
BACK_OFF_MS, MOST_BACK_OFF_MS = 14 * DAY_MS, 112 * DAY_MS
"""Where a visit found nothing it is quiet for so long, twice as long after each further one."""
CLEARED = "cleared"
ACK_EXPIRED = "ack_expired"
HEARD_AGAIN = "heard_again"
_BY = "_by:"
BY_TICKET = "ticket_"
"""How the reason of an alert begins that ended with its ticket; the ticket's state follows."""
REFUTED = f"{BY_TICKET}refuted"
"""The reason of an alert of which a visit did not find the fault."""
DEVICE_REPLACED = "device_replaced"
"""The reason of an alert that ended because another device took the place of the one that it was about."""
_PROOF_OF_LIFE_MS = 5 * SECOND_MS


class Verdict(IntEnum):
    """What one reading says about one rule. BETWEEN: neither raised nor cleared (hysteresis)."""

    CLEAR = -1
    BETWEEN = 0
    HOLD = 1


@dataclass(slots=True)
class Track:
    """An open alert as the engine follows it.

    `seen_at` is when we first saw it (clock time), `judged_at` the newest event time that spoke for it,
    `lows` how many low scorings of its risk came in a row, `beside` since which event time other rules hold
    without a break that wait for their `for` to join it. All but the first are kept nowhere else and move on
    in place, with each reading of what may be 100,000 open alerts.
    """

    alert: Alert
    seen_at: int
    judged_at: int
    lows: int = 0
    beside: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Previous:
    """The last resolved alert of the same device and fault."""

    id: str
    since: int
    resolved_at: int
    reason: str
    ended_by: PrincipalKind | None = None
    refuted: int = 0
    """How many alerts of the device and fault ended because a visit did not find it, this one included."""

    @property
    def by_person(self) -> bool:
        """Whether a person ended it, directly or with its ticket; otherwise readings or scorings did."""
        return self.ended_by in PEOPLE or self.reason.startswith(BY_TICKET)


@dataclass(frozen=True, slots=True)
class Decision:
    """The state to go to (None: stay as it is) and why."""

    state: AlertState | None
    reason: str
    wants_ticket: bool = False
    """Whether an alert that wanted no ticket wants one now."""


_DEDUPE = Decision(None, "dedupe")
_HEALTHY = Decision(None, "healthy")
_FOREIGN = Decision(None, "foreign")
_HYSTERESIS = Decision(None, "hysteresis")
_LATE = Decision(None, "late")
WAITING = Decision(None, "waiting")


def judge_reading(track: Track | None, rule: Rule, verdict: Verdict, at: int) -> Decision:
    """Decide what one reading means for the (device, fault) that `track` follows."""
    if track is None:
        return _begin(rule) if verdict is Verdict.HOLD else _HEALTHY
    if track.alert.rule != rule.name:
        return _judge_beside(track, rule, at) if verdict is Verdict.HOLD else _FOREIGN
    return _judge_hold(track.alert, rule, at) if verdict is Verdict.HOLD else _judge_over(track, verdict, at)


def _begin(rule: Rule) -> Decision:
    return Decision(AlertState.PENDING if rule.for_ms else AlertState.FIRING, "first")


def _judge_beside(track: Track, rule: Rule, at: int) -> Decision:
    """Another rule, or a model, raised what a rule holds for: join it as the rule would have raised it.

    It then wants the ticket that the rule wants, and what a model only foresaw is seen.
    """
    since = (track.beside or {}).get(rule.name, at)
    if at - since < rule.for_ms:
        return WAITING
    wanted = _join(track.alert, rule)
    foreseen = track.alert.rule == RISK_RULE and not seen_by_rule(track.alert.evidence)
    if wanted is _DEDUPE and foreseen and rule.source is not Source.MODELS:
        return Decision(track.alert.state, f"seen_by:{rule.name}")
    return wanted


def _join(alert: Alert, rule: Rule | None) -> Decision:
    """Another rule, or a model (None), holds the open alert: join it, or make it want the ticket we want."""
    opens_ticket = rule is None or rule.opens_ticket
    if opens_ticket and not alert.opens_ticket and alert.state is not AlertState.PENDING:
        return Decision(alert.state, f"wanted_by:{rule.name if rule else RISK_RULE}", wants_ticket=True)
    return _DEDUPE


def _judge_hold(alert: Alert, rule: Rule, at: int) -> Decision:
    if alert.state is not AlertState.PENDING:
        return _DEDUPE
    if at - alert.since >= rule.for_ms:
        return Decision(AlertState.FIRING, "for_elapsed")
    return WAITING


def _judge_over(track: Track, verdict: Verdict, at: int) -> Decision:
    if at <= track.judged_at:
        return _LATE
    if track.alert.state is AlertState.PENDING:
        return Decision(AlertState.RESOLVED, NOT_SUSTAINED)
    if verdict is Verdict.CLEAR:
        return Decision(AlertState.RESOLVED, CLEARED)
    return _HYSTERESIS


def judge_recurrence(previous: Previous | None, at: int) -> Decision:
    """Decide whether a condition that holds at `at` is news, given how its last alert ended.

    A late reading from before the end of an alert that readings ended is no news; after a person ended one,
    only readings not newer than that alert's own start are not. The state is the caller's to choose; here
    FIRING means news.
    """
    if previous is None:
        return Decision(AlertState.FIRING, "first")
    if at <= (previous.since if previous.by_person else previous.resolved_at):
        return _LATE
    return Decision(AlertState.FIRING, f"recurrence_of:{previous.id}")


def judge_risk(track: Track | None, risk: Risk) -> Decision:
    """Decide what one scoring means; `cleared` needs CLEAR_SCORINGS low ones in a row on newer readings."""
    if risk.risk >= risk.threshold:
        if track is None:
            state = AlertState.PENDING if risk.fault == UNUSUAL else AlertState.FIRING
            return Decision(state, "first")
        if track.alert.rule == RISK_RULE and track.alert.state is AlertState.PENDING:
            return _judge_lasting(track, risk)
        return _DEDUPE if track.alert.rule == RISK_RULE else _join(track.alert, None)
    if track is None or track.alert.rule != RISK_RULE:
        return _HEALTHY
    return _judge_low(track, risk)


def _judge_lasting(track: Track, risk: Risk) -> Decision:
    """Decide whether what is pending has lasted: readings a day newer say the same."""
    if risk.ts - track.alert.since >= LASTING_MS:
        return Decision(AlertState.FIRING, "for_elapsed")
    return WAITING


def _judge_low(track: Track, risk: Risk) -> Decision:
    if risk.risk >= CLEAR_SHARE * risk.threshold:
        return _HYSTERESIS
    if risk.ts <= track.judged_at:
        return _LATE
    if track.alert.state is AlertState.PENDING:
        return Decision(AlertState.RESOLVED, NOT_SUSTAINED)
    if risk.fault == UNUSUAL and risk.ts < track.judged_at + REST_MS:
        return _LATE
    if track.lows + 1 >= CLEAR_SCORINGS:
        return Decision(AlertState.RESOLVED, CLEARED)
    return Decision(None, "low")


def judge_settling(previous: Previous | None, risk: Risk) -> Decision:
    """Decide whether a risk at or over its threshold is news, or still the past that a repair ended.

    News of unusual behaviour is pending at first.
    """
    at, settle = risk.ts, SETTLE_MS
    if previous is not None and previous.reason == REFUTED:
        settle = max(settle, (FAULTS[risk.fault].horizon_days or 0) * DAY_MS)
        if risk.fault == UNUSUAL:
            settle = min(BACK_OFF_MS * 2 ** max(previous.refuted - 1, 0), MOST_BACK_OFF_MS)
    if previous is not None and previous.by_person and at < previous.resolved_at + settle:
        return Decision(None, f"settling_after:{previous.id}")
    news = judge_recurrence(previous, at)
    if news.state is not None and risk.fault == UNUSUAL:
        return replace(news, state=AlertState.PENDING)
    return news


def judge_absence(unheard: Unheard, rule: Rule, started: int, now: int) -> Decision:
    """Decide whether a device is offline; absence is counted from our own start at the earliest.

    With status `offline` an absence of `for_ms` is enough: a will that fires while readings go on is no loss.
    """
    limit = rule.for_ms if unheard.status == "offline" else rule.absent_ms or 0
    if now - max(unheard.last_seen, started) < limit:
        return Decision(None, "heard")
    return Decision(AlertState.FIRING, "absent")


def judge_heard(track: Track, unheard: Unheard, rule: Rule) -> Decision:
    """Decide whether an offline alert is over: something arrived clearly after it began.

    The will itself counts as something that arrived; hence the few seconds, and `for_ms` while the status is
    still offline.
    """
    heard_after = unheard.last_seen - track.alert.since
    if heard_after <= _PROOF_OF_LIFE_MS + (rule.for_ms if unheard.status == "offline" else 0):
        return _DEDUPE
    return Decision(AlertState.RESOLVED, HEARD_AGAIN)


def judge_tick(track: Track, rule: Rule | None, now: int, offline: Alert | None) -> Decision:
    """Decide whether a pending alert fires because its time is up without a further reading.

    The time is counted on our clock from when we saw it, so that a replayed past is not hurried. While the
    device is offline its other alerts wait: absence proves nothing. Nor does one wild sample: a measured
    value is believed when a second reading agrees, a state goes on by itself until it changes. An alert of a
    rule that is no longer there (None) would never end, so it ends now.
    """
    if rule is None:
        return Decision(AlertState.RESOLVED, RULE_REMOVED)
    if track.alert.state is not AlertState.PENDING or now - track.seen_at < rule.for_ms:
        return WAITING
    if offline is not None and rule.when != OFFLINE:
        return Decision(None, f"inhibited_by:{offline.id}")
    if rule.measured and track.judged_at <= track.alert.since:
        return Decision(None, "unconfirmed")
    return Decision(AlertState.FIRING, "for_elapsed")


def judge_expiry(alert: Alert) -> Decision:
    """Decide that an acknowledgement is over. Raises Conflict unless there is one."""
    if alert.state is not AlertState.ACKNOWLEDGED:
        raise Conflict(f"alert {alert.id} is {alert.state}; only an acknowledgement can run out")
    return Decision(AlertState.FIRING, ACK_EXPIRED)


def judge_person(alert: Alert, after: AlertState, who: str) -> Decision:
    """Decide whether a person may move an alert on to `after`. Raises Conflict when it may not."""
    fitting = {
        AlertState.ACKNOWLEDGED: (AlertState.FIRING,),
        AlertState.RESOLVED: (AlertState.PENDING, AlertState.FIRING, AlertState.ACKNOWLEDGED),
    }[after]
    if alert.state not in fitting:
        allowed = ", ".join(fitting)
        raise Conflict(f"alert {alert.id} is {alert.state}; {after} is possible from: {allowed}")
    return Decision(after, f"{after}{_BY}{who}")
