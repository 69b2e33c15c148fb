"""What is read about care, held to the sites that somebody may see."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from fleet.alerts import AlertState
from fleet.care import EXTENDED, Case
from fleet.errors import NotAllowed, NotFound
from fleet.events import Subject
from fleet.grants import Sites
from fleet.mutes import Matcher, Mute
from fleet.principals import Principal
from fleet.text import quoted
from storage.records.care import cases_of
from storage.records.devices import place_of
from storage.records.events import events_of
from storage.records.mutes import mute_of, newest_mutes


@dataclass(frozen=True, slots=True)
class Taken:
    """Who sees to an alert or an incident, since when and until when (epoch ms), and what they said."""

    who: Principal
    why: str
    at: int
    until: int | None


def taken_by(
    session: Session, subject: Subject, subject_id: str, state: AlertState, case: Case | None
) -> Taken | None:
    """Return who sees to an alert or an incident now; None where nobody does."""
    if state is not AlertState.ACKNOWLEDGED:
        return None
    for event in reversed(events_of(session, subject, subject_id)):
        if event.after == AlertState.ACKNOWLEDGED != event.before or event.what == EXTENDED:
            return Taken(event.principal, event.reason, event.at, case.ack_until if case else None)
    return None


def care_for(session: Session, alert_ids: Sequence[str]) -> dict[str, Case]:
    """Return what is known of the care for some alerts, by id."""
    return cases_of(session, Subject.ALERT, alert_ids)


def is_within(session: Session, matcher: Matcher, sites: Sites) -> bool:
    """Tell whether all that a matcher can match is at some sites."""
    if sites is None or matcher.site in sites:
        return True
    place = place_of(session, matcher.device) if matcher.device else None
    return place is not None and place.site in sites


def check_matcher(session: Session, matcher: Matcher, sites: Sites) -> None:
    """Raise NotAllowed unless all that a matcher can match is at some sites."""
    if not is_within(session, matcher, sites):
        raise NotAllowed(
            f"matcher: name a site or a device of yours; allowed: {', '.join(sorted(sites or ()))}"
        )


def mutes_seen(session: Session, sites: Sites, limit: int) -> list[Mute]:
    """Return the mutes that hide anything at some sites, the newest first."""
    return [each for each in newest_mutes(session, limit) if _concerns(session, each.matcher, sites)]


def _concerns(session: Session, matcher: Matcher, sites: Sites) -> bool:
    return not (matcher.site or matcher.device) or is_within(session, matcher, sites)


def mute_seen(session: Session, number: int, sites: Sites) -> Mute:
    """Return a mute. Raises NotFound, for one of other sites alone as well."""
    mute = mute_of(session, number)
    if not _concerns(session, mute.matcher, sites):
        raise NotFound(f"there is no mute {quoted(str(number))}")
    return mute
