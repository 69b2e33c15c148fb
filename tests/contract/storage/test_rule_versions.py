"""Versions of rules, on SQLite and PostgreSQL: one is at work, whoever activates at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from fleet.errors import Conflict, NotFound
from fleet.principals import schedule
from storage.records.database import DeskDatabase
from storage.records.rule_versions import (
    activate_rule_version,
    active_number,
    add_rule_version,
    rule_document,
    rule_versions,
)

NOW = 1_795_334_400_000
WHO = schedule("tests")


def test_the_newest_activation_is_at_work_and_the_shipped_one_before_any(desk: DeskDatabase) -> None:
    with desk.transaction() as session:
        assert active_number(session) == 0
        first, second = (add_rule_version(session, f"rules {n}", "A", f"why {n}", NOW + n) for n in (1, 2))
    for at, number in enumerate((second, first, 0, second, 0)):
        with desk.transaction() as session:
            activate_rule_version(session, number, WHO, NOW + 10 + at)
        with desk.transaction() as session:
            assert active_number(session) == number
    with desk.transaction() as session:
        found = rule_versions(session, 10)
        assert [each.number for each in found] == [second, first, 0]
        assert [each.active for each in found] == [False, False, True]
        assert (found[0].made_at, found[0].note, found[0].activated_at) == (NOW + 2, "why 2", NOW + 13)
        assert rule_document(session, first) == "rules 1"


def test_what_is_not_there_cannot_be_had_or_activated(desk: DeskDatabase) -> None:
    with desk.transaction() as session:
        with pytest.raises(NotFound, match="no version 7"):
            rule_document(session, 7)
        with pytest.raises(NotFound, match="no version 0"):
            rule_document(session, 0)
        with pytest.raises(NotFound, match="no version 7"):
            activate_rule_version(session, 7, WHO, NOW)


def test_of_two_who_activate_at_once_none_is_half_at_work(desk: DeskDatabase) -> None:
    """Each succeeds or is told of the other; then one version has the last turn."""
    with desk.transaction() as session:
        numbers = [add_rule_version(session, "rules", "A", "why", NOW) for _ in range(4)]
    ready = Barrier(len(numbers))

    def activate(number: int) -> bool:
        ready.wait(10)
        try:
            with desk.transaction() as session:
                activate_rule_version(session, number, WHO, NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(len(numbers)) as pool:
        won = [number for number, done in zip(numbers, pool.map(activate, numbers), strict=True) if done]
    with desk.transaction() as session:
        assert active_number(session) in won
        assert sum(each.active for each in rule_versions(session, 10)) == 1
