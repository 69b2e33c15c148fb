"""What happens to a complaint: it is filed, moves on, becomes graver. Pure functions of values."""

import hashlib
import unicodedata
from dataclasses import replace

from fleet.cases import from_now
from fleet.complaints import LEVEL_OF, Complaint, ComplaintClass, class_of
from fleet.tickets import Span, Ticket, TicketKind, TicketOrigin, TicketState
from fleet.workflows import SETBACKS

_GRAVEST = (
    ComplaintClass.MAJOR,
    ComplaintClass.URGENT,
    ComplaintClass.EXPERIENCE,
    ComplaintClass.SUGGESTION,
)
"""The gravest first."""


def file_complaint(site: str, device_id: str, complaint: Complaint, at: int) -> Ticket:
    """Return a new complaint; `device_id` is "" where it is about no device."""
    graver = class_of(complaint.of_class, loss=complaint.loss, setbacks=complaint.setbacks)
    level = LEVEL_OF[graver]
    return Ticket(
        device_id=device_id,
        site=site,
        fault="",
        level=level,
        origin=TicketOrigin.REPORTED,
        state=TicketState.OPENED,
        opened_at=at,
        suspicions=(),
        spans=(Span(at, TicketState.OPENED, level),),
        kind=TicketKind.COMPLAINT,
        complaint=replace(complaint, of_class=graver),
    )


def fingerprint(site: str, device_id: str, words: str) -> str:
    """Return what two complaints that say the same have in common, whatever their spaces and capitals are."""
    said = " ".join(unicodedata.normalize("NFKC", words).casefold().split())
    return hashlib.sha256(f"{site}\n{device_id}\n{said}".encode()).hexdigest()


def followed(before: Ticket, after: Ticket, why: str, at: int) -> Ticket:
    """Return a complaint that has moved, with what the move says: a setback, or what a review found."""
    complaint = after.complaint
    if complaint is None:
        return after
    if after.state is TicketState.REVIEWED:
        return replace(after, complaint=replace(complaint, review=why))
    if (before.state, after.state) not in SETBACKS:
        return after
    more = replace(complaint, setbacks=complaint.setbacks + 1)
    return classified(replace(after, complaint=more), more.of_class, at)


def classified(ticket: Ticket, of_class: ComplaintClass, at: int) -> Ticket:
    """Return a complaint of another class, from `at` on; loss and setbacks may make it a graver one."""
    assert ticket.complaint is not None
    graver = class_of(of_class, loss=ticket.complaint.loss, setbacks=ticket.complaint.setbacks)
    changed = replace(ticket, complaint=replace(ticket.complaint, of_class=graver))
    return (
        changed
        if LEVEL_OF[graver] == ticket.level
        else from_now(replace(changed, level=LEVEL_OF[graver]), at)
    )


def absorbed(stays: Ticket, gone: Ticket, at: int) -> Ticket:
    """Return a complaint that has taken over another: it is as grave as the graver of both.

    Any other ticket stays as it is.
    """
    mine, other = stays.complaint, gone.complaint
    if mine is None or other is None:
        return stays
    both = replace(
        mine,
        loss=mine.loss or other.loss,
        setbacks=max(mine.setbacks, other.setbacks),
        customer=mine.customer or other.customer,
        contact=mine.contact or other.contact,
    )
    return classified(
        replace(stays, complaint=both), min(mine.of_class, other.of_class, key=_GRAVEST.index), at
    )
