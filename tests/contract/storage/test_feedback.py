"""Feedback on both kinds of database: one answer a repair, one follow-up, told of once, whoever is first."""

import threading
from collections.abc import Callable

from helpers.desk_rooms import NOON, add_devices
from helpers.postgres import ready_desk, ready_url

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.feedback.desk import FeedbackDesk
from desk.feedback.sweep import FollowUpSweep
from desk.feedback.visits import VisitBook
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.clock import DAY_MS, ManualClock
from fleet.errors import Conflict
from fleet.events import Subject
from fleet.feedback import PartUsed, Said, Visit
from fleet.principals import person
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tasks import Task
from fleet.text import Text
from fleet.tickets import TicketState as T
from storage.records.database import DeskDatabase
from storage.records.events import events_of
from storage.records.fault_records import fault_records
from storage.records.feedback import feedback_of_case, mark_of, newest_remarks, score_times
from storage.records.tasks import open_task, tasks_of
from storage.records.visits import visit_of

__all__ = ["ready_desk", "ready_url"]

LI = person("li")
TASK = Task("improvement", "improvement:2026-11:leaks", Text("leaks", "漏水"), "5 of 9", opened_at=NOON)


def at_once(do: Callable[[], object], many: int = 4) -> list[object]:
    """Do something in several threads at once; return what came of each, an error among it."""
    results: list[object] = []
    gate = threading.Barrier(many)

    def run() -> None:
        gate.wait()
        try:
            results.append(do())
        except Conflict as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_one_repair_has_one_answer_and_one_follow_up_that_is_told_of_once(ready_desk: DeskDatabase) -> None:
    clock = ManualClock(NOON)
    tickets = TicketDesk(ready_desk, CaseWriter(ready_desk, TicketClocks(Clocks(load_policy())), clock))
    feedback = FeedbackDesk(ready_desk, clock, 3)
    add_devices(ready_desk, {"R1": Kind.ROBOT})
    case = tickets.report("R1", "fan_motor_wear", LI, "it hums")
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        tickets.change_state(case, state, LI, "x")
    written = Visit(case, 0, "", None, 30, (PartUsed("fan-motor", 1, "F1"),), "叶轮", None, "王")
    VisitBook(ready_desk, clock).write(written, LI)
    tickets.change_state(case, T.REPAIRED, LI, "x", confirmed=["fan_motor_wear"])
    clock.ms += 3 * DAY_MS
    assert [each.ticket.id for each in feedback.call_list()] == [case]
    feedback.not_reached(case, LI)
    assert not feedback.call_list()
    clock.ms += DAY_MS
    assert [each.tries for each in feedback.call_list()] == [1]
    secret = feedback.new_link(case, LI)
    said = at_once(lambda: feedback.say(secret, Said(2, False, "还响")))
    assert any(not isinstance(each, Conflict) for each in said)
    clock.ms += DAY_MS
    sweep = FollowUpSweep(ready_desk)
    assert sum(int(str(each)) for each in at_once(lambda: sweep.tick(clock.ms))) == 1
    assert [
        int(isinstance(each, Conflict)) for each in at_once(lambda: feedback.end_follow_up(1, LI, "ok"))
    ].count(0) == 1
    with ready_desk.transaction() as session:
        told = [each.what for each in events_of(session, Subject.TICKET, str(case))]
        assert [told.count(f"follow_up_{what}") for what in ("opened", "overdue", "done")] == [1, 1, 1]
        assert len(feedback_of_case(session, case)) == 1
        (remark,) = newest_remarks(session, 0, 9, None)
        assert (remark.said.remark, remark.faults, remark.site) == ("还响", ("fan_motor_wear",), "hall")
        assert score_times(session, 0, frozenset({"elsewhere"})) == []
        assert mark_of(session, None)[0] == 1
        kept = visit_of(session, case, 0)
        assert kept is not None and kept.parts == written.parts
        assert fault_records(session, ["fan_motor_wear"])["fan_motor_wear"].all.judged == 0, "reported"


def test_a_theme_has_one_task_in_a_month(ready_desk: DeskDatabase) -> None:
    def opened() -> Task | None:
        with ready_desk.transaction() as session:
            return open_task(session, TASK)

    assert [each.id for each in at_once(opened) if each is not None] == [1]
    with ready_desk.transaction() as session:
        assert [each.title.en for each in tasks_of(session, "improvement")] == ["leaks"]
