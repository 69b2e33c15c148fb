"""Customers, engineers and parts are kept alike in SQLite and PostgreSQL, one by one and by lists."""

from dataclasses import replace
from datetime import date

import pytest
from helpers.postgres import ready_desk, ready_url

from desk.lists.lists import Lists
from fleet.clock import ManualClock
from fleet.customers import Contract, Customer, PlanName
from fleet.engineers import Certificate, Engineer, Stars
from fleet.errors import Conflict
from fleet.lists import ListKind, Verdict
from fleet.principals import schedule
from fleet.sites import Site
from fleet.text import Text
from storage.records.customers import (
    contracts_of,
    customer_of,
    find_customers,
    keep_contract,
    keep_customer,
    known_terms,
)
from storage.records.database import DeskDatabase
from storage.records.engineers import engineer_of, engineers, keep_engineer, keep_stars
from storage.records.paging import Asked
from storage.records.sites import describe_site

__all__ = ["ready_desk", "ready_url"]
HOTEL = Customer("hotel", Text("Hotel", "酒店"), plan=PlanName.GOLD)


def test_what_is_kept_is_read_again_and_lists_agree_with_it(ready_desk: DeskDatabase) -> None:
    desk = ready_desk
    contract = Contract(
        "K", "hotel", PlanName.PREMIUM, date(2026, 1, 1), sites=frozenset({"hall"}), price=0.1
    )
    certificate = Certificate("Electrician", "electrical", "E-1", None, date(2027, 1, 1))
    shifts = {"mon": ("08:00-12:00",)}
    engineer = Engineer("e1", "Li", certificates=(certificate,), shifts=shifts, home=(31.2, 121.4))
    with desk.transaction() as session:
        describe_site(session, Site("hall", customer="hotel", region="east"))
        keep_customer(session, HOTEL)
        keep_contract(session, contract)
        keep_engineer(session, engineer)
        keep_stars(session, "e1", Stars(4.5, 7))
    lists = Lists(desk, ManualClock(1_800_000_000_000))
    for kind in (ListKind.CUSTOMERS, ListKind.CONTRACTS, ListKind.ENGINEERS, ListKind.SITES):
        content = "".join(lists.export(kind)).encode()
        assert lists.take(kind, content, schedule("tests")).counts[Verdict.UNCHANGED] == 1
    changed = lists.take(ListKind.ENGINEERS, b"id,van\ne1,van-3\n", schedule("tests"))
    assert changed.counts[Verdict.CHANGED] == 1
    with desk.transaction() as session:
        assert customer_of(session, "hotel") == replace(HOTEL, version=1)
        assert contracts_of(session, "hotel") == [replace(contract, version=1)]
        found = engineer_of(session, "e1")
        assert found == replace(engineer, van="van-3", stars=Stars(4.5, 7), version=2)
        assert known_terms(session).sites == {"hall": "hotel"}
        assert [each.id for each in engineers(session, frozenset({"hall"}))] == ["e1"]
        page = find_customers(session, Asked("id", 10, None, ""), frozenset({"hall"}), "酒")
        assert [each.id for each in page.rows] == ["hotel"]


def test_a_description_of_another_version_is_refused(ready_desk: DeskDatabase) -> None:
    desk = ready_desk
    with desk.transaction() as session:
        assert keep_customer(session, HOTEL, 0).version == 1
        assert keep_customer(session, HOTEL, 1).changed == ()
        assert keep_customer(session, replace(HOTEL, notes="x"), 1).changed == ("notes",)
        with pytest.raises(Conflict, match="changed by someone else"):
            keep_customer(session, HOTEL, 1)
