"""Judges engineers by what is known of their work, once a day: stars that lists show and dispatch goes by."""

from desk.people.book import ServiceBook
from fleet.clock import Clock
from fleet.principals import schedule
from fleet.stars import LOOK_BACK_MS, stars_of, usual_of
from storage.records.database import DeskDatabase
from storage.records.engineers import engineers
from storage.records.judgements import judgements

BY = schedule("stars")


class StarsJudge:
    """Keeps the stars of engineers up to date; of those without an account, or without work, none."""

    def __init__(self, desk: DeskDatabase, book: ServiceBook, clock: Clock) -> None:
        self._desk = desk
        self._book = book
        self._clock = clock

    def tick(self) -> int:
        """Judge everybody by the last year; return how many have other stars than before."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            known = judgements(session, now - LOOK_BACK_MS, now + 1)
            everybody = engineers(session)
        usual = usual_of(known.values())
        changed = 0
        for each in everybody:
            stars = stars_of(known.get(each.account or 0, {}), usual)
            if stars != (each.stars.stars if each.stars else None):
                self._book.judge(each.id, stars, BY, "")
                changed += 1
        return changed
