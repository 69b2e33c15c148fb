"""Who is away when, and for whom contractors work, on both databases."""

import pytest
from helpers.desk_rooms import NOON
from helpers.postgres import ready_desk, ready_url
from sqlalchemy.exc import IntegrityError

from fleet.absences import Absence
from fleet.clock import DAY_MS, HOUR_MS
from fleet.engineers import Engineer
from fleet.errors import NotFound
from storage.records.absences import absences_from, add_absence, end_absence
from storage.records.database import DeskDatabase
from storage.records.engineers import engineer_of, engineer_of_account, keep_engineer

__all__ = ["ready_desk", "ready_url"]


def test_an_absence_is_kept_until_it_is_over_or_ended(ready_desk: DeskDatabase) -> None:
    with ready_desk.transaction() as session:
        for name in ("chen", "mia"):
            keep_engineer(session, Engineer(name, name))
        kept = add_absence(session, Absence("chen", NOON, NOON + DAY_MS, NOON, "Li"))
        add_absence(session, Absence("mia", NOON + HOUR_MS, NOON + 2 * HOUR_MS, NOON))
    with ready_desk.transaction() as session:
        assert [each.engineer for each in absences_from(session, NOON)] == ["chen", "mia"]
        assert [each.engineer for each in absences_from(session, NOON + 2 * HOUR_MS)] == ["chen"]
        assert absences_from(session, NOON, "mia")[0].made_by == ""
        ended = end_absence(session, "chen", kept.id, NOON + HOUR_MS)
        assert ended.until == NOON + HOUR_MS
        assert end_absence(session, "chen", kept.id, NOON + 5 * HOUR_MS).until == NOON + HOUR_MS
        with pytest.raises(NotFound):
            end_absence(session, "mia", kept.id, NOON)
    with ready_desk.transaction() as session:
        assert [each.engineer for each in absences_from(session, NOON + HOUR_MS)] == ["mia"]


def test_the_database_refuses_one_that_ends_before_it_begins(ready_desk: DeskDatabase) -> None:
    with ready_desk.transaction() as session:
        keep_engineer(session, Engineer("chen", "Chen"))
    with ready_desk.transaction() as session, pytest.raises(IntegrityError):
        add_absence(session, Absence("chen", NOON, NOON, NOON))
    with ready_desk.transaction() as session:
        assert absences_from(session, 0) == []


def test_an_employer_is_kept_and_nobody_is_found_for_an_account_of_none(ready_desk: DeskDatabase) -> None:
    with ready_desk.transaction() as session:
        keep_engineer(session, Engineer("zoe", "Zoe", employer="Acme"))
    with ready_desk.transaction() as session:
        assert engineer_of(session, "zoe").employer == "Acme"
        assert engineer_of_account(session, 7) is None
