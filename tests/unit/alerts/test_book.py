"""Versions of rules: what is refused, what an activation tells, and that engines go by it."""

from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, Rooms, open_rooms

from alerts.book import RuleBook, RulesAtWork
from alerts.judging.rule_file import parse_rules, rules_text
from alerts.rule_diff import Change, rule_changes
from fleet.alerts import AlertState
from fleet.codes import load_codes
from fleet.config import Mistakes
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.events import Event, Subject
from fleet.principals import schedule
from fleet.signals import STANDARD_SIGNALS
from storage.records.events import events_after
from storage.records.rule_versions import RuleVersionRow, add_rule_version

WHO = schedule("tests")
SHIPPED = rules_text()[: rules_text().index("  # Its level is that of the code")]
"""The first two of them: an activation tries all examples."""
MILDER = SHIPPED.replace("when: battery_temp_c >= 60", "when: battery_temp_c >= 58")
WITHOUT_HEAT = "rules:\n" + SHIPPED[SHIPPED.index("  - name: stands_in_error") :]
FAILING = SHIPPED.replace("for: 30s", "for: 30m")


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    return open_rooms(tmp_path)


@pytest.fixture
def book(rooms: Rooms) -> RuleBook:
    return RuleBook(rooms.desk, rooms.clock, STANDARD_SIGNALS, load_codes(), SHIPPED)


def told(rooms: Rooms) -> list[Event]:
    with rooms.desk.transaction() as session:
        return [event for event in events_after(session, 0, 1000) if event.subject is Subject.RULES]


def test_what_ships_can_be_kept_with_one_number_changed(rooms: Rooms, book: RuleBook) -> None:
    """It is what a page begins with, and what everybody copies."""
    changed = rules_text().replace("battery_temp_c >= 60", "battery_temp_c >= 61")
    assert book.check(changed).mistakes == ()
    assert book.propose(changed, WHO, "a warm hall") == 1


def test_every_mistake_is_named_with_its_line(rooms: Rooms, book: RuleBook) -> None:
    wrong = MILDER.replace("level: L1", "level: L9", 1)
    assert [(each.line, "L9" in each.text or "L1" in each.text) for each in book.check(wrong).mistakes] == [
        (1 + wrong[: wrong.index("level: L9")].count("\n"), True)
    ]
    assert book.check("rules: [").mistakes[0].line is not None
    misspelt = SHIPPED.replace("when: battery_temp_c", "when: battery_tmp_c")
    misspelt = misspelt.replace("clear: battery_temp_c", "clear: battery_tmp_c")
    found = book.check(misspelt).mistakes
    assert len({each.line for each in found}) >= 2
    assert "did you mean battery_temp_c" in found[0].text
    assert book.check("x" * 200_001).mistakes[0].text.startswith("200,001 characters")
    bomb = "a: &a [x]\nb: &b [*a, *a]\nrules: [*b, *b]"
    assert "*a: an alias within what has an anchor" in book.check(bomb).mistakes[0].text
    many = "a: &a [x]\nrules: [" + "*a, " * 101 + "]"
    assert "more than 100 aliases" in book.check(many).mistakes[0].text
    assert book.check("rules: " + "[" * 50_000).mistakes
    with pytest.raises(InvalidInput, match=r"line \d+: rules"):
        book.propose(wrong, WHO, "why")
    assert told(rooms) == []


def test_a_proposal_is_not_at_work_and_an_activation_is_an_event_with_its_reason(
    rooms: Rooms, book: RuleBook
) -> None:
    number = book.propose(MILDER, WHO, "it fires late")
    assert (book.active(), book.at_work().number) == (0, 0)
    book.activate(number, WHO, "tried on 90 days", over=0)
    assert book.at_work().number == number
    proposed, activated = told(rooms)
    assert (proposed.what, proposed.subject_id, proposed.reason) == ("proposed", str(number), "it fires late")
    assert (activated.before, activated.after, activated.reason) == ("0", str(number), "tried on 90 days")
    assert activated.data["changes"] == [{"rule": "battery_hot", "change": "changed", "keys": ["when"]}]
    assert not activated.data["forced"]
    book.activate(0, WHO, "back")
    assert (told(rooms)[-1].before, told(rooms)[-1].after, book.active()) == (str(number), "0", 0)
    newest = book.versions()[0]
    assert (newest.number, newest.active, newest.activated_by) == (number, False, WHO.name)


def test_an_activation_is_refused_when_examples_fail_unless_it_is_forced(
    rooms: Rooms, book: RuleBook
) -> None:
    number = book.propose(FAILING, WHO, "patience")
    with pytest.raises(
        InvalidInput, match='examples fail: battery_hot, "heat that lasts, and goes": expected'
    ):
        book.activate(number, WHO, "now")
    with pytest.raises(InvalidInput, match="reason"):
        book.activate(number, WHO, " ", force=True)
    book.activate(number, WHO, "the examples are wrong", force=True)
    assert told(rooms)[-1].data["forced"]


def test_who_decided_on_something_old_is_told(book: RuleBook) -> None:
    first, second = (book.propose(MILDER, WHO, why) for why in ("a", "b"))
    book.activate(first, WHO, "a", over=0)
    with pytest.raises(Conflict, match="version 1 is at work by now, not 0"):
        book.activate(second, WHO, "b", over=0)
    with pytest.raises(Conflict, match="at work already"):
        book.activate(first, WHO, "again")
    with pytest.raises(NotFound, match="no version 9"):
        book.activate(9, WHO, "x")


def test_an_engine_takes_new_rules_and_ends_alerts_of_those_that_are_gone(
    rooms: Rooms, book: RuleBook
) -> None:
    """Given a firing alert, when its rule is taken out elsewhere, then the next tick ends it."""
    rooms.robot("R1", 0, battery_temp_c=70.0)
    rooms.robot("R1", 40, battery_temp_c=70.0)
    texts = rooms.engine.rule_texts
    assert [alert.state for alert in rooms.engine.open_alerts()] == [AlertState.FIRING]
    listener = RulesAtWork(book, rooms.engine)
    book.activate(book.propose(WITHOUT_HEAT, WHO, "no heat"), WHO, "no heat")
    for event in told(rooms):
        listener.handle(event)
    rooms.tick(50)
    assert ("battery_overheat", "resolved", "rule_removed") in rooms.history()
    assert "battery_hot" not in texts
    rooms.robot("R1", 60, battery_temp_c=70.0)
    assert rooms.engine.open_alerts() == []
    book.activate(0, WHO, "back")
    listener.handle(told(rooms)[-1])
    rooms.robot("R1", 70, battery_temp_c=70.0)
    assert len(rooms.engine.open_alerts()) == 1
    assert "battery_hot" in texts


def test_what_was_put_to_work_before_anybody_listened_is_found(rooms: Rooms, book: RuleBook) -> None:
    book.activate(book.propose(WITHOUT_HEAT, WHO, "no heat"), WHO, "no heat")
    other = Event(NOON, Subject.DEVICE, "R1", "moved", WHO, "why")
    RulesAtWork(book, rooms.engine).handle(other)
    assert "battery_hot" not in rooms.engine.rule_texts


def test_a_version_that_can_no_longer_be_used_is_named_and_version_0_judges(
    rooms: Rooms, book: RuleBook
) -> None:
    with rooms.desk.transaction() as session:
        number = add_rule_version(session, SHIPPED, "A", "why", NOON)
    book.activate(number, WHO, "why")
    assert book.trouble() is None
    with rooms.desk.transaction() as session:
        session.get_one(RuleVersionRow, number).document = SHIPPED.replace("battery_temp_c", "gone_temp_c")
    later = RuleBook(rooms.desk, rooms.clock, STANDARD_SIGNALS, load_codes(), SHIPPED)
    assert later.trouble() == f"version {number} of the rules cannot be used; version 0 judges"
    assert later.at_work().number == 0


def test_differences_are_by_rule_and_key() -> None:
    found = {each.rule: each for each in rule_changes(SHIPPED, MILDER)}
    (key,) = found["battery_hot"].keys
    assert (key.key, key.before, key.after) == ("when", "battery_temp_c >= 60", "battery_temp_c >= 58")
    assert rule_changes(SHIPPED, SHIPPED) == []
    assert [(one.rule, one.change) for one in rule_changes(SHIPPED, WITHOUT_HEAT)] == [
        ("battery_hot", Change.REMOVED)
    ]
    (added,) = rule_changes(WITHOUT_HEAT, SHIPPED)
    assert added.change is Change.ADDED
    assert ("for", None, "30s") in [(one.key, one.before, one.after) for one in added.keys]


def test_a_value_of_many_lines_is_written_as_in_a_document() -> None:
    added = rule_changes(WITHOUT_HEAT, SHIPPED)[0]
    texts = {key.key: key.after for key in added.keys}
    assert (texts["text"] or "").startswith("en: ") and "\nzh: " in (texts["text"] or "")
    assert not any('{"' in (each or "") for each in texts.values())


def test_rules_of_a_text_are_those_of_the_file() -> None:
    with pytest.raises(Mistakes, match="^mine:2: "):
        parse_rules("rules:\n  - {name: x}\n", "mine")
