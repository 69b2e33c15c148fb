"""Whom cases are told: of clocks, of complaints and low scores, of maintenance that comes."""

from desk.clocks.steps import BREACH, ESCALATE, WARN
from fleet.complaints import ComplaintClass
from fleet.duty import Chain, Duty, Target, TargetKind
from fleet.events import Event, Subject
from fleet.faults import FAULTS
from fleet.feedback import FollowUp
from fleet.grants import Role
from fleet.personal import is_personal_fault
from fleet.principals import schedule
from fleet.sla import Milestone
from fleet.tellings import TELL, Occasion, Telling
from fleet.tickets import Ticket

BY = schedule("desk")
_ANSWERABLE = (Target(TargetKind.ROLE, Role.MANAGER),)
"""Who answers for what customers think of a site."""
_QUIET = frozenset({Occasion.DUE_SOON, Occasion.LOW_SCORE, Occasion.UNATTENDED, Occasion.MAINTENANCE})
"""What nobody is woken for."""


class CaseTeller:
    """Says whom something of a case is told: its owner, and whom its level's chain names at its site.

    What it returns are events of the log, of which notices follow.
    """

    def __init__(self, duty: Duty) -> None:
        self._duty = duty

    def clock(self, case: Ticket, milestone: Milestone, step: str, due: int, now: int) -> Event:
        """Return the telling of what a clock did.

        A warning and a breach go to the first of the chain, each further step to the next of it.
        """
        chain = self._chain(case)
        place = 0 if step in (WARN, BREACH) else int(step.removeprefix(ESCALATE))
        occasion = Occasion.DUE_SOON if step == WARN else Occasion.OVERDUE
        return self._told(case, occasion, str(milestone), due, chain, place, now)

    def complaint(self, case: Ticket, now: int) -> Event:
        """Return the telling of a complaint; a major one goes to the whole chain at once."""
        assert case.complaint is not None
        chain = self._chain(case)
        place = len(chain.steps) - 1 if case.complaint.of_class is ComplaintClass.MAJOR else 0
        return self._told(
            case, Occasion.COMPLAINT, case.complaint.of_class, case.opened_at, chain, place, now
        )

    def low_score(self, case: Ticket, found: FollowUp, now: int, *, late: bool = False) -> Event:
        """Return the telling of a low score: to the managers of the site, `late` to the whole chain too."""
        chain = self._chain(case)
        occasion = Occasion.UNATTENDED if late else Occasion.LOW_SCORE
        place, score = len(chain.steps) - 1 if late else 0, f"{found.score}/5"
        return self._told(case, occasion, score, found.due, chain, place, now, _ANSWERABLE)

    def maintenance(self, case: Ticket, now: int) -> Event:
        """Return the telling of a ticket of maintenance, so that a visit is arranged before it is due."""
        assert case.upkeep is not None
        plan, due_at = case.upkeep.plan, case.upkeep.due_at
        return self._told(case, Occasion.MAINTENANCE, plan, due_at, self._chain(case), 0, now)

    def _chain(self, case: Ticket) -> Chain:
        personal = case.fault in FAULTS and is_personal_fault(case.fault)
        return self._duty.chain(case.level, case.site, personal=personal)

    def _told(
        self,
        case: Ticket,
        occasion: Occasion,
        rule: str,
        since: int,
        chain: Chain,
        place: int,
        now: int,
        also: tuple[Target, ...] = (),
    ) -> Event:
        first = place if occasion is Occasion.OVERDUE else 0
        steps = chain.steps[min(first, len(chain.steps) - 1) : place + 1] or chain.steps[-1:]
        to = tuple(dict.fromkeys([*also, *(target for step in steps for target in step.to)]))
        if case.owner.isdecimal():
            to = (Target(TargetKind.PERSON, case.owner), *(each for each in to if each.name != case.owner))
        telling = Telling(
            occasion=occasion,
            reason=str(occasion),
            level=case.level,
            fault=case.fault,
            since=since,
            device_id=case.device_id,
            rule=rule,
            chain=chain.name,
            step=min(place, len(chain.steps) - 1),
            to=to,
            loud=chain.loud and occasion not in _QUIET,
        )
        return Event(
            now, Subject.TICKET, str(case.id), TELL, BY, telling.reason, case.site, data=telling.as_data()
        )
