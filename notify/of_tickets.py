"""What notices say of tickets: promises about to be broken or that were, complaints, scores, maintenance."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from fleet.errors import NotFound
from fleet.outbox import Notice
from fleet.sla import Milestone
from fleet.tellings import Occasion, Telling
from fleet.text import Language, Text
from fleet.tickets import Ticket
from fleet.upkeep import MAINTENANCE
from storage.records.follow_ups import is_looked_after
from storage.records.tickets import ticket

_MILESTONES: dict[str, Text] = {
    Milestone.RESPOND: Text("answer", "响应"),
    Milestone.ON_SITE: Text("on site", "到场"),
    Milestone.SOLVE: Text("repair", "解决"),
    Milestone.CONTACT: Text("call the customer", "联系客户"),
    Milestone.PLAN: Text("written plan", "书面方案"),
    Milestone.CLOSE: Text("close", "关闭"),
}
_CLASSES = {
    "urgent": Text("urgent", "紧急"),
    "experience": Text("experience", "体验"),
    "suggestion": Text("suggestion", "建议"),
    "major": Text("major", "重大"),
}
_NAMED: dict[Occasion, dict[str, Text]] = {
    Occasion.COMPLAINT: _CLASSES,
    Occasion.LOW_SCORE: {},
    Occasion.UNATTENDED: {},
}
"""What a telling's `rule` is called; a score is shown as it is."""
SCORED = frozenset({Occasion.LOW_SCORE, Occasion.UNATTENDED})
COMPLAINT = Text("Complaint", "投诉")
_MAINTENANCE = Text("maintenance", "保养")


def ticket_facts(
    session: Session, notice: Notice, language: Language, plans: Mapping[str, Text]
) -> dict[str, Any]:
    """Return what the template of a ticket says beside what all notices do."""
    case = _case(session, notice.subject_id)
    telling = notice.telling
    assert telling is not None
    names = plans if telling.occasion is Occasion.MAINTENANCE else _NAMED.get(telling.occasion, _MILESTONES)
    what = names.get(telling.rule)
    named = {"fault": _MAINTENANCE.in_language(language)} if telling.fault == MAINTENANCE else {}
    return named | {
        "ticket": notice.subject_id,
        "what": telling.rule if what is None else what.in_language(language),
        "owner": "" if case is None else case.owner_name,
        "words": case.complaint.words if case is not None and case.complaint is not None else "",
    }


def is_moot(session: Session, ticket_id: str, telling: Telling) -> bool:
    """Tell whether a case is over, or what a telling asks for is done by now."""
    case = _case(session, ticket_id)
    if case is None:
        return True
    if telling.occasion in SCORED:
        return is_looked_after(session, case.id)
    if not case.is_open or telling.occasion is Occasion.MAINTENANCE:
        return not case.is_open
    if telling.occasion is Occasion.COMPLAINT:
        return case.responded_at is not None
    done = {
        Milestone.RESPOND: case.responded_at,
        Milestone.CONTACT: case.responded_at,
        Milestone.ON_SITE: case.on_site_at,
        Milestone.PLAN: case.planned_at,
        Milestone.SOLVE: case.solved_at,
        Milestone.CLOSE: case.solved_at,
    }
    return done.get(Milestone(telling.rule)) is not None


def _case(session: Session, number: str) -> Ticket | None:
    try:
        return ticket(session, int(number))
    except NotFound:
        return None
