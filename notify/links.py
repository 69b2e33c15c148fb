"""The page of a message: opened by the secret in its link, it shows and, by a button, acknowledges."""

from collections.abc import Sequence
from secrets import token_urlsafe
from typing import Any

from sqlalchemy.orm import Session

from fleet.clock import DAY_MS, Clock
from fleet.errors import NotFound
from fleet.notices import Proof
from fleet.outbox import Notice, NoticeState
from fleet.secrecy import link_key
from storage.records.database import DeskDatabase
from storage.records.notices import change_notices, keep_notice_link, notices_by_link

_USE = "notice"
_LASTS_MS = 7 * DAY_MS
_ALL = tuple(NoticeState)


def new_secret() -> str:
    """Return what a link is to end with."""
    return token_urlsafe(24)


def keep_link(session: Session, secret: str, notices: Sequence[Notice], now: int) -> None:
    """Let a secret open the page of what goes out together for a week; its digest alone is kept."""
    keep_notice_link(session, link_key(_USE, secret), [each.id for each in notices], now + _LASTS_MS, now)


class NoticeLinks:
    """What the page of a message needs. All may raise NotFound, where a secret opens nothing (any more)."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def open(self, secret: str) -> list[Notice]:
        """Return the notices that a secret opens: one, or those of a digest in their order.

        To look is no proof: mail scanners look too.
        """
        with self._desk.transaction() as session:
            notices = notices_by_link(session, link_key(_USE, secret), self._clock.now_ms())
        if not notices:
            raise NotFound("this link opens nothing any more; sign in to see what is open")
        return notices

    def seen(self, secret: str) -> None:
        """Note that somebody read what a message told: a browser that shows its page says so."""
        now = self._clock.now_ms()
        for notice in self.open(secret):
            if notice.opened_at is None:
                proof = max(notice.proof, Proof.OPENED, key=list(Proof).index)
                self._note(notice, opened_at=now, proof=proof)

    def acknowledged(self, notice: Notice) -> None:
        """Note that whoever got a notice sees to what it tells of."""
        self._note(notice, acknowledged_at=self._clock.now_ms(), proof=Proof.ACKNOWLEDGED)

    def _note(self, notice: Notice, **columns: Any) -> None:
        with self._desk.transaction() as session:
            change_notices(session, [notice.id], states=_ALL, **columns)
