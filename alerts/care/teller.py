"""Carries out what the stages decide on one case: its row and what is told, in one transaction."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from sqlalchemy.orm import Session

from alerts.care.stages import SETTLE_MS, Around, Due, digested, hold, next_telling
from fleet import principals
from fleet.alerts import AlertState
from fleet.care import Case
from fleet.clock import HOUR_MS
from fleet.duty import Chain, Duty
from fleet.events import Event, Subject
from fleet.mutes import Mute, hiding
from fleet.tellings import TELL, Occasion, Telling
from storage.records.alert_notes import count_telling, told_on
from storage.records.alerts import firing_by_rules
from storage.records.care import add_case, change_case, count_in_crowd, count_members, members_of
from storage.records.events import tell
from storage.records.mutes import holding_mutes

BY = principals.schedule("alert care")
LISTED = 50
"""So many alerts are named in what is told of many; how many there are is told as well."""
_CROWD_HERE, _CROWD_ANYWHERE = 5, 100
_CROWD_MS = 4 * SETTLE_MS
BUDGET_A_DAY = 200


@dataclass(frozen=True, slots=True)
class Teller:
    """Decides and tells. `zone` is the clock on the wall of a site, None: of the installation.

    `absence` are the names of the rules by which a device is absent; `budget` is how often a day people are
    told of one customer's devices before the rest goes into digests.
    """

    duty: Duty
    absence: Collection[str]
    zone: Callable[[str | None], tzinfo]
    budget: int = BUDGET_A_DAY

    def chain(self, case: Case) -> Chain:
        """Return the chain that a case is told by."""
        return self.duty.chain(case.level, case.site, personal=case.safety)

    def attempt(self, session: Session, case: Case, now: int, due: Due | None = None) -> bool:
        """Tell what is due of a case (`due`, else the next of its chain), or keep why it is held back.

        Return False where somebody else changed the case meanwhile: then nothing was told.
        """
        held = hold(case, self._around(session, case, now), now)
        if held is not None:
            look_at = case.ack_until if case.state is AlertState.ACKNOWLEDGED else held.look_at
            kept = replace(case, reason=held.reason, held_by=held.held_by, next_at=look_at)
            return self._put(session, case, kept)
        due = due or next_telling(case, self.chain(case), now)
        return self.tell(session, case, due, now)

    def tell(self, session: Session, case: Case, due: Due, now: int) -> bool:
        """Tell something of a case; False where somebody else changed it meanwhile."""
        after = replace(
            case,
            told_at=case.told_at or now,
            step=due.step,
            tellings=case.tellings + 1,
            next_at=case.ack_until if case.state is AlertState.ACKNOWLEDGED else due.next_at,
            held_by=None,
            reason=due.reason,
        )
        if not self._put(session, case, after):
            return False
        self._say(session, after, self._telling(session, after, due), now)
        return True

    def end(self, session: Session, case: Case, reason: str, now: int) -> bool:
        """Note that it is over; who was told that it began is told that it ended, mute or not."""
        after = replace(
            case, state=AlertState.RESOLVED, closed_at=now, next_at=None, held_by=None, reason=reason[:128]
        )
        if not self._put(session, case, after):
            return False
        if case.told_at is not None:
            due = Due(Occasion.RESOLVED, reason, max(case.step, 0), False, None)
            self._say(session, after, replace(self._telling(session, after, due), to=()), now)
        return True

    def digest(self, session: Session, cases: Sequence[Case], reason: str, now: int) -> None:
        """Tell in one piece a site what of these is still open."""
        by_site: dict[str | None, list[Case]] = {}
        for case in cases:
            by_site.setdefault(case.site, []).append(case)
        for listed in by_site.values():
            self._digest(session, listed, reason, now)

    def _digest(self, session: Session, cases: Sequence[Case], reason: str, now: int) -> None:
        told = []
        for case in cases:
            step, next_at = digested(self.chain(case), now)
            after = replace(
                case, told_at=case.told_at or now, step=step, tellings=case.tellings + 1, next_at=next_at
            )
            after = replace(after, held_by=None, reason=reason)
            if change_case(session, case, after):
                told.append(after)
        if not told:
            return
        worst = min(told, key=lambda case: (case.level, case.raised_at))
        open_ones = [self._open_alerts(session, case) for case in told]
        due = Due(Occasion.STILL_OPEN, reason, 0, False, None)
        telling = replace(
            self._telling(session, worst, due),
            since=min(case.since for case in told),
            alerts=tuple(each for named, _count in open_ones for each in named)[:LISTED],
            count=sum(count for _named, count in open_ones),
        )
        self._say(session, worst, telling, now)

    @staticmethod
    def _open_alerts(session: Session, case: Case) -> tuple[list[str], int]:
        """Return the open alerts that a case stands for, of an incident its members, and how many."""
        if case.subject is not Subject.INCIDENT:
            return [case.subject_id], 1
        number = int(case.subject_id)
        standing = count_members(session, [number]).get(number)
        members = members_of(session, number, LISTED, open_only=True)
        return [each.subject_id for each in members], standing.open if standing else 1

    def keep_muted(self, session: Session, case: Case, mute: Mute) -> bool:
        """Let another mute hold back what one held; False where somebody else changed it meanwhile."""
        return change_case(
            session, case, replace(case, held_by=f"mute:{mute.id}", reason=f"muted_by:{mute.id}")
        )

    def keep(self, session: Session, before: Case, after: Case) -> bool:
        """Keep a case without telling anything; False where somebody else changed it meanwhile."""
        return self._put(session, before, after)

    def _put(self, session: Session, before: Case, after: Case) -> bool:
        if before.version < 0:  # it is not stored yet
            return add_case(session, replace(after, version=0))
        return change_case(session, before, after)

    def _around(self, session: Session, case: Case, now: int) -> Around:
        hides = hiding(holding_mutes(session, now), case)
        customer, day = self._account(case, now)
        absent = None
        if case.subject is Subject.ALERT and case.rule not in self.absence:
            absent = firing_by_rules(session, case.device_id, self.absence)
        return Around(
            absence=absent,
            mute=None if hides is None else hides.id,
            spent=bool(customer) and told_on(session, customer, day) >= self.budget,
            digest_at=(now // HOUR_MS + 1) * HOUR_MS,
            crowd=case.told_at is None and self._is_crowd(session, case, now),
        )

    @staticmethod
    def _is_crowd(session: Session, case: Case, now: int) -> bool:
        if case.subject is Subject.INCIDENT:
            number = int(case.subject_id)
            standing = count_members(session, [number]).get(number)
            return standing is not None and standing.raised_at > now - SETTLE_MS
        here, anywhere = count_in_crowd(session, case, now - _CROWD_MS, _CROWD_ANYWHERE)
        return here >= _CROWD_HERE or anywhere >= _CROWD_ANYWHERE

    def _account(self, case: Case, now: int) -> tuple[str, str]:
        """Return whose budget a telling is of, and the day there."""
        today = datetime.fromtimestamp(now / 1000, self.zone(case.site)).date()
        return case.place.customer or case.place.site, today.isoformat()

    def _telling(self, session: Session, case: Case, due: Due) -> Telling:
        chain = self.chain(case)
        alerts: tuple[str, ...] = (case.subject_id,)
        count = 1
        if case.subject is Subject.INCIDENT:
            number = int(case.subject_id)
            alerts = tuple(each.subject_id for each in members_of(session, number, LISTED))
            standing = count_members(session, [number]).get(number)
            count = standing.ever if standing else 0
        return Telling(
            occasion=due.occasion,
            reason=due.reason,
            level=case.level,
            fault=case.fault,
            since=case.since,
            device_id=case.device_id,
            rule=case.rule,
            alerts=alerts,
            count=count,
            chain=chain.name,
            step=due.step,
            to=chain.steps[min(due.step, len(chain.steps) - 1)].to,
            loud=due.loud,
        )

    def _say(self, session: Session, case: Case, telling: Telling, now: int) -> None:
        event = Event(
            now,
            case.subject,
            case.subject_id,
            TELL,
            BY,
            telling.reason,
            site=case.site,
            data=telling.as_data(),
        )
        tell(session, event)
        customer, day = self._account(case, now)
        if customer and telling.occasion is not Occasion.RESOLVED:
            count_telling(session, customer, day)
