"""One unit of work on alerts: what is decided goes to the database at once and to memory after the commit."""

from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from alerts.judging.decisions import REFUTED, Decision, Previous, Track
from alerts.judging.tracks import Key, Tracks, key_of
from fleet import principals
from fleet.alerts import MODEL_RULE, RISK_RULE, Alert, AlertState
from fleet.errors import Conflict
from fleet.faults import FAULTS
from fleet.principals import Principal
from storage.records.alerts import (
    change_alert,
    insert_alert,
    last_resolved,
    open_alert,
    resolved_for,
)


def follow(alert: Alert) -> Track:
    """Return the track of a stored open alert, as far as what is stored can tell."""
    return Track(alert, seen_at=alert.updated, judged_at=alert.since)


def again(alert: Alert, at: int) -> Alert:
    """Return the new alert of what an ended one was told of once more, at event time `at`."""
    evidence = alert.evidence | {"previous_alert": alert.id}
    return replace(
        alert, id="", state=AlertState.FIRING, since=at, reason="told_after_repair", evidence=evidence
    )


def acting(rule: str) -> Principal:
    """Return who acts in a rule's name: the models for their risks, the care for models, else the rule."""
    if rule == RISK_RULE:
        return principals.model(rule)
    return principals.schedule("model care") if rule == MODEL_RULE else principals.rule(rule)


@dataclass(slots=True)
class Changes:
    """Alerts raised and moved on within one transaction, over the tracks known before it.

    `now` is the present time, epoch ms.
    """

    session: Session
    known: Tracks
    now: int
    tracks: dict[Key, Track | None] = field(default_factory=dict)

    def track(self, device_id: str, fault: str) -> Track | None:
        """Return the open alert of a device and fault, this unit's own changes included."""
        if self.tracks and (key := (device_id, fault)) in self.tracks:
            return self.tracks[key]
        return self.known.get(device_id, fault)

    def all_tracks(self) -> list[Track]:
        """Return every open alert, this unit's own changes included."""
        untouched = [track for track in self.known if key_of(track.alert) not in self.tracks]
        return untouched + [track for track in self.tracks.values() if track is not None]

    def tracks_of(self, device_id: str) -> list[Track]:
        """Return the open alerts of a device, this unit's own changes included."""
        found = (self.track(device_id, fault) for fault in FAULTS)
        return [track for track in found if track is not None]

    def previous(self, device_id: str, fault: str) -> Previous | None:
        """Return the last resolved alert of a device and fault."""
        last = last_resolved(self.session, device_id, fault)
        if last is None:
            return None
        refuted = resolved_for(self.session, device_id, fault, REFUTED) if last.reason == REFUTED else 0
        ended = last.resolved_at or last.updated
        return Previous(last.id, last.since, ended, last.reason, last.ended_by, refuted)

    def come_to(self, device_id: str, at: int) -> None:
        """Let the time before event time `at` of a device pass; where a clock ticks, that does it."""

    def raise_alert(self, alert: Alert) -> bool:
        """Store a new alert (its id is still empty); join the one already open, False, when there is one."""
        alert_id = insert_alert(self.session, alert, acting(alert.rule), self.now)
        if alert_id is None:
            self._follow_stored(key_of(alert))
            return False
        stored = replace(alert, id=str(alert_id), updated=self.now)
        self.tracks[key_of(alert)] = Track(stored, seen_at=self.now, judged_at=alert.since)
        return True

    def stored(self, device_id: str, fault: str) -> Track | None:
        """Return the open alert as the database has it, and let nobody else change it until the commit."""
        alert = open_alert(self.session, device_id, fault, lock=True)
        return None if alert is None else follow(alert)

    def spoke(self, track: Track, at: int, lows: int = 0) -> None:
        """Remember that a reading or scoring at event time `at` was judged, without a change of state.

        It holds at once, whatever becomes of this unit: judged again, it says the same.
        """
        track.judged_at = max(track.judged_at, at)
        track.lows = lows

    def move(self, track: Track, decision: Decision, rule: str, at: int) -> None:
        """Carry out a rule's decision that changes the state; `at` is its event time."""
        over = decision.state is AlertState.RESOLVED
        self._change(track, decision, acting(rule), at, {"resolved_at": at} if over else {})

    def wait_beside(self, track: Track, rule: str, at: int) -> None:
        """Remember that a rule holds since event time `at` for an alert of another; it holds at once."""
        self.known.wait_beside(track, rule, at)

    def leave(self, track: Track, rule: str) -> None:
        """Forget that a rule held for an alert of another; it holds at once."""
        self.known.leave(track, rule)

    def join(self, track: Track, decision: Decision, rule: str, at: int, evidence: dict[str, Any]) -> None:
        """Let an open alert have the evidence of another rule too, and want the ticket that this one wants.

        Where the device itself said something, that stays.
        """
        columns: dict[str, Any] = {}
        if decision.wants_ticket:
            columns["opens_ticket"] = True
        if track.alert.evidence.get("also", {}).get("source") != "device":
            columns["evidence"] = track.alert.evidence | {"also": evidence}
        self._change(track, decision, acting(rule), at, columns)

    def revise(
        self, track: Track, decision: Decision, by: str, at: int, why: str | None = None, **columns: Any
    ) -> None:
        """Let an open alert say more, as rule `by` has it; `columns` of its row change.

        `why` is what its history says, where that is more than the decision's reason.
        """
        self._change(track, decision, acting(by), at, columns, why)

    def by(self, principal: Principal, alert: Alert, decision: Decision, why: str) -> Alert:
        """Let who is no rule move an alert on; return it. Raises Conflict when it changed meanwhile."""
        track = self.track(*key_of(alert)) or Track(alert, seen_at=self.now, judged_at=alert.since)
        over = decision.state is AlertState.RESOLVED
        columns = {"resolved_at": self.now} if over else {}
        moved = self._change(replace(track, alert=alert), decision, principal, track.judged_at, columns, why)
        if moved is None:
            raise Conflict(f"alert {alert.id} was changed by someone else meanwhile; read it again")
        return moved

    def _change(
        self,
        track: Track,
        decision: Decision,
        principal: Principal,
        at: int,
        columns: dict[str, Any],
        why: str | None = None,
    ) -> Alert | None:
        """Change the row and the track; None when the row is no longer in the state that was judged."""
        assert decision.state is not None
        before, key = track.alert, key_of(track.alert)
        changed = change_alert(
            self.session,
            before,
            decision.state,
            principal=principal,
            at=self.now,
            reason=decision.reason,
            why=why,
            columns=columns,
        )
        if not changed:
            self._follow_stored(key)
            return None
        kept = {name: value for name, value in columns.items() if name != "resolved_at"}
        after = replace(before, state=decision.state, reason=decision.reason, updated=self.now, **kept)
        over = after.state is AlertState.RESOLVED
        judged_at = max(track.judged_at, at)
        self.tracks[key] = None if over else Track(after, track.seen_at, judged_at, beside=track.beside)
        return after

    def _follow_stored(self, key: Key) -> None:
        """Take what is stored: another thread or process was first, its alert is followed from now on."""
        stored = open_alert(self.session, *key)
        self.tracks[key] = None if stored is None else follow(stored)
