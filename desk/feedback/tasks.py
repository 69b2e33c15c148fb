"""Themes of remarks as the page shows them, and the tasks that those above their usual share open."""

from collections.abc import Callable, Sequence
from threading import Lock
from zoneinfo import ZoneInfo

from desk.feedback.themes import Theme, Themes, themes_of
from fleet.clock import DAY_MS, Clock
from fleet.events import Event, Subject
from fleet.feedback import DIRECTOR
from fleet.grants import Sites
from fleet.principals import Principal, schedule
from fleet.tasks import Task
from fleet.text import Text
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.feedback import mark_of, newest_remarks
from storage.records.tasks import end_task, open_task, tasks_of

KIND = "improvement"
LOOKS_BACK_MS = 366 * DAY_MS
MOST_REMARKS = 2_000
MOST_LISTED = 50
_KEPT = 8
"""So many answers are kept: one for each set of sites that somebody sees."""
_SAME = 0.5
"""A theme that shares so much of its remarks with that of a task is the same, whatever its terms are now."""


class Remarks:
    """Finds themes among remarks; may be used from any thread."""

    def __init__(self, desk: DeskDatabase, clock: Clock, zone: Callable[[], ZoneInfo]) -> None:
        self._desk = desk
        self._clock = clock
        self._zone = zone
        self._known: dict[Sites, tuple[object, Themes]] = {}
        self._lock = Lock()

    def themes(self, sites: Sites = None) -> Themes:
        """Return the themes of the last year's remarks at some sites, at most the newest 2,000."""
        now, zone = self._clock.now_ms(), self._zone()
        with self._desk.transaction() as session:
            mark = (mark_of(session, sites), now // DAY_MS, str(zone))
        with self._lock:  # one at a time: they take a core
            known = self._known.get(sites)
            if known is None or known[0] != mark:
                with self._desk.transaction() as session:
                    found = newest_remarks(session, now - LOOKS_BACK_MS, MOST_REMARKS, sites)
                known = mark, themes_of(found, now, zone)
                self._known = dict(list(self._known.items())[1 - _KEPT :]) | {sites: known}
        return known[1]

    def open_tasks(self) -> int:
        """Open a task for each theme above its usual share, once for a theme and month; return how many."""
        found = self.themes()
        return sum(self._open(each, found.month) for each in found.themes if each.is_above)

    def tasks(self) -> Sequence[Task]:
        """Return the newest tasks, the open ones first."""
        with self._desk.transaction() as session:
            return tasks_of(session, KIND, is_open=False, most=MOST_LISTED)

    def end_task(self, task_id: int, principal: Principal) -> None:
        """Note that a task is done. Raises NotFound, and Conflict where it was."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            done = end_task(session, task_id, principal.name, now)
            tell(session, Event(now, Subject.TASK, str(task_id), "done", principal, done.title.en))

    def _open(self, theme: Theme, month: str) -> bool:
        now, ids = self._clock.now_ms(), [each.id for each in theme.remarks]
        reason = f"{theme.now} of {theme.of_now} remarks, usually {theme.before} of {theme.of_before}"
        seen = {"remarks": ids, "terms": list(theme.terms), "faults": dict(theme.faults), "month": month}
        title = Text(theme.name[:255], theme.name[:255])
        new = Task(KIND, f"{KIND}:{month}:{theme.name}"[:128], title, reason, seen, now, owner=DIRECTOR)
        with self._desk.transaction() as session:
            if any(_is_same(each, month, ids) for each in tasks_of(session, KIND, is_open=False)):
                return False
            opened = open_task(session, new)
            if opened is None:
                return False
            tell(session, Event(now, Subject.TASK, str(opened.id), "opened", schedule("themes"), reason))
        return True


def _is_same(known: Task, month: str, ids: Sequence[int]) -> bool:
    shared = set(known.data.get("remarks", ())) & set(ids)
    return known.data.get("month") == month and len(shared) >= _SAME * len(ids)
