"""What a message was about, as it stands now: the alerts and incidents that its notices told of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from api.queries.care import Taken, taken_by
from fleet.alerts import INSTALLATION, Alert, AlertState
from fleet.care import Case, Incident
from fleet.errors import NotFound
from fleet.events import Subject
from fleet.faults import FAULTS, Level
from fleet.grants import Sites
from fleet.outbox import Notice
from fleet.personal import is_personal_fault
from fleet.tellings import Occasion
from storage.records.alerts import alert_of
from storage.records.care import case_of
from storage.records.incident_members import first_members
from storage.records.incidents import incident_of

MOST_TOPICS, MOST_MEMBERS = 200, 50
"""So many are shown on one page; how many more there are is said."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One alert or incident that a notice told of.

    `state` is None where it is known no more, or whoever was told may not see it now: then what was told is
    all there is. `device` is "" where it is of none, or a wristband: whose it is stands behind the sign-in.
    `taken` is who sees to it. `more` is how many members there are beside those that are listed.
    """

    notice: Notice
    subject: str
    subject_id: str
    fault: str
    level: Level
    since: int
    site: str | None
    device: str = ""
    state: AlertState | None = None
    ended_at: int | None = None
    alert: Alert | None = None
    incident: Incident | None = None
    case: Case | None = None
    taken: Taken | None = None
    members: Sequence[Case] = field(default=())
    more: int = 0

    @property
    def advice(self) -> object:
        """What to do about the fault, None where nobody knows."""
        known = FAULTS.get(self.fault)
        return None if known is None else known.advice

    @property
    def is_personal(self) -> bool:
        """Whether it is of a wristband, and so of a person."""
        return is_personal_fault(self.fault)


def topics_of(session: Session, notices: Sequence[Notice], sites: Sites) -> list[Topic]:
    """Return what notices told of, the worst first, each once; `sites` are those of their reader."""
    found: dict[tuple[str, str], Topic] = {}
    for notice in notices:
        for subject, subject_id in _named(notice):
            if (subject, subject_id) not in found and len(found) < MOST_TOPICS:
                found[subject, subject_id] = _topic(session, notice, subject, subject_id, sites)
    return sorted(_without_members(found.values()), key=lambda each: (each.level, each.since))


def _named(notice: Notice) -> list[tuple[str, str]]:
    """Return what a notice names: its subject, and what a list of what is still open holds."""
    telling = notice.telling
    if telling is None:
        return []
    named = [(notice.subject, notice.subject_id)]
    if telling.occasion is Occasion.STILL_OPEN:
        named += [(Subject.ALERT, each) for each in telling.alerts]
    return named


def _without_members(topics: Iterable[Topic]) -> list[Topic]:
    """Return topics without those alerts that stand as members of an incident beside them."""
    listed = list(topics)
    wide = {each.incident.id for each in listed if each.incident is not None}
    return [each for each in listed if each.case is None or each.case.incident not in wide or each.incident]


def _topic(session: Session, notice: Notice, subject: str, subject_id: str, sites: Sites) -> Topic:
    try:
        if subject == Subject.TICKET:
            return _as_told(notice, subject, subject_id)
        if subject == Subject.INCIDENT:
            return _of_incident(session, notice, subject_id, sites)
        return _of_alert(session, notice, subject_id, sites)
    except NotFound:
        return _as_told(notice, subject, subject_id)


def _as_told(notice: Notice, subject: str, subject_id: str) -> Topic:
    telling = notice.telling
    assert telling is not None  # a test names nothing
    device = "" if is_personal_fault(telling.fault) or subject_id != notice.subject_id else telling.device_id
    return Topic(
        notice=notice,
        subject=subject,
        subject_id=subject_id,
        fault=telling.fault,
        level=telling.level,
        since=telling.since,
        site=notice.site,
        device=device,
    )


def _of_alert(session: Session, notice: Notice, subject_id: str, sites: Sites) -> Topic:
    alert = alert_of(session, subject_id, sites)
    case = case_of(session, Subject.ALERT, subject_id)
    hidden = is_personal_fault(alert.fault) or alert.device_id == INSTALLATION
    return Topic(
        notice=notice,
        subject=Subject.ALERT,
        subject_id=subject_id,
        fault=alert.fault,
        level=alert.level,
        since=alert.since,
        site=(case.site if case else None) or notice.site,
        device="" if hidden else alert.device_id,
        state=alert.state,
        ended_at=alert.resolved_at,
        alert=alert,
        case=case,
        taken=taken_by(session, Subject.ALERT, subject_id, alert.state, case),
    )


def _of_incident(session: Session, notice: Notice, subject_id: str, sites: Sites) -> Topic:
    incident = incident_of(session, int(subject_id), sites)
    case = case_of(session, Subject.INCIDENT, subject_id)
    members, all_of_them = first_members(session, incident.id, MOST_MEMBERS, sites)
    return Topic(
        notice=notice,
        subject=Subject.INCIDENT,
        subject_id=subject_id,
        fault=incident.fault,
        level=incident.level,
        since=case.since if case else incident.opened_at,
        site=case.site if case else notice.site,
        state=incident.state,
        ended_at=incident.closed_at,
        incident=incident,
        case=case,
        taken=taken_by(session, Subject.INCIDENT, subject_id, incident.state, case),
        members=[] if is_personal_fault(incident.fault) else members,
        more=0 if is_personal_fault(incident.fault) else all_of_them - len(members),
    )
