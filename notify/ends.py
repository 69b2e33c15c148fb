"""Who hears that something is over: whoever may have read that it began, where they read it."""

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from fleet.outbox import Notice, NoticeState
from fleet.tellings import Telling
from notify.outdated import tells_an_end
from notify.recipients import may_be_told
from storage.records.notices import digests_listing, notices_about


def who_heard(
    session: Session, subject: str, subject_id: str, event: int, telling: Telling
) -> list[tuple[str, int]]:
    """Return recipients and destinations that read of something before an event, before it is held back.

    Who did not, hears nothing; but who was to hear at once, and whom the channel alone kept from it, does.
    """
    before = [each for each in notices_about(session, subject, subject_id) if each.event < event]
    # Who heard of it in a list alone, whose subject is another alert, hears of its end as well.
    before += digests_listing(session, subject_id, telling.since)
    told = _places(each for each in before if each.was_out)
    reached = {recipient for recipient, _ in told}
    told |= {place for place in _places(_kept_back(before)) if place[0] not in reached}
    return sorted(each for each in told if may_be_told(session, each[0]))


def _places(notices: Iterable[Notice]) -> set[tuple[str, int]]:
    return {(each.recipient, each.destination_id) for each in notices if each.destination_id is not None}


def _kept_back(before: Sequence[Notice]) -> list[Notice]:
    """Return what was loud and could not go out; what is dead was given up, and is told to nobody."""
    return [
        each
        for each in before
        if each.telling is not None
        and each.telling.loud
        and each.tries > 0
        and each.state is not NoticeState.DEAD
        and not tells_an_end(each)
    ]
