"""Who is away when: what managers say of engineers, and the log tells."""

from collections.abc import Sequence
from typing import Any

from fleet.absences import LONGEST_DAYS, Absence
from fleet.clock import DAY_MS, Clock
from fleet.errors import InvalidInput
from fleet.events import Event, Subject
from fleet.grants import Sites
from fleet.principals import Principal
from storage.records.absences import absences_from, add_absence, end_absence
from storage.records.database import DeskDatabase
from storage.records.engineers import engineer_of
from storage.records.events import tell

AWAY, BACK = "away", "back"


class AbsenceDesk:
    """Keeps when engineers are away; plans send nobody then. Raises NotFound for who is not known."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def away(self, engineer: str, begins: int, ends: int, by: Principal, sites: Sites = None) -> Absence:
        """Keep that an engineer is away in [begins, ends), epoch ms. Raises InvalidInput."""
        now = self._clock.now_ms()
        if not begins < ends <= begins + LONGEST_DAYS * DAY_MS or ends <= now:
            raise InvalidInput(
                f"ends: allowed: after it begins, in the future, {LONGEST_DAYS} days later at most"
            )
        with self._desk.transaction() as session:
            engineer_of(session, engineer, sites)
            kept = add_absence(session, Absence(engineer, begins, ends, now, by.name))
            tell(session, self._event(kept, AWAY, by, {"begins": begins, "ends": ends}))
        return kept

    def back(self, engineer: str, number: int, by: Principal, sites: Sites = None) -> Absence:
        """Note that they are back, or do not go away after all."""
        with self._desk.transaction() as session:
            engineer_of(session, engineer, sites)
            kept = end_absence(session, engineer, number, self._clock.now_ms())
            tell(session, self._event(kept, BACK, by, {"absence": kept.id}))
        return kept

    def of(self, engineer: str, sites: Sites = None) -> Sequence[Absence]:
        """Return the absences of an engineer that are not over."""
        with self._desk.transaction() as session:
            engineer_of(session, engineer, sites)
            return absences_from(session, self._clock.now_ms(), engineer)

    def _event(self, kept: Absence, what: str, by: Principal, data: dict[str, Any]) -> Event:
        return Event(self._clock.now_ms(), Subject.ENGINEER, kept.engineer, what, by, "", data=data)
