"""The list of stock is a count; and lists of parts from before there was stock are taken as they were."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk
from helpers.stock import BEARING, DEPOT, LI, PACK, VAN, StockHouse

from desk.lists.lists import Lists
from fleet.lists import ListKind
from storage.records.part_catalogue import part_of


@pytest.fixture
def house(tmp_path: Path) -> Iterator[StockHouse]:
    made = StockHouse(fresh_desk(tmp_path / "desk.db"))
    made.furnish()
    yield made
    made.desk.close()


def take(house: StockHouse, kind: ListKind, text: str) -> list[str]:
    report = Lists(house.desk, house.clock).take(kind, text.encode(), LI)
    return [
        " ".join([each.verdict, *each.changed, *(f"{one.column}: {one.reason}" for one in each.refusals)])
        for each in report.rows
    ]


def test_a_list_of_stock_is_a_count_and_repeated_it_changes_nothing(house: StockHouse) -> None:
    house.receive(DEPOT, BEARING, 3)
    text = f"part,place,on_hand\n{BEARING},{DEPOT},5\n{PACK},{VAN},2\n{BEARING},{VAN},0\n"
    assert take(house, ListKind.STOCK, text) == ["changed on_hand", "new", "new"]
    assert house.at(DEPOT, BEARING) == (5, 0) and house.at(VAN, PACK) == (2, 0)
    ledger = house.ledger()
    assert [(each.kind, each.quantity) for each in ledger] == [
        ("received", 3),
        ("counted", 2),
        ("counted", 2),
    ]
    assert set(take(house, ListKind.STOCK, text)) == {"unchanged"}
    out = "".join(Lists(house.desk, house.clock).export(ListKind.STOCK))
    assert out.splitlines()[0].endswith("place,part,on_hand")
    assert f"{DEPOT},{BEARING},5" in out
    assert set(take(house, ListKind.STOCK, out)) == {"unchanged"}
    assert house.ledger() == ledger
    house.check_sums()


def test_a_count_by_a_list_lets_go_of_what_is_not_there(house: StockHouse) -> None:
    house.receive(DEPOT, BEARING, 2)
    house.stock.reserve(house.report(), BEARING, 2, [DEPOT], LI)
    assert take(house, ListKind.STOCK, f"place,part,on_hand\n{DEPOT},{BEARING},1\n") == ["changed on_hand"]
    assert house.at(DEPOT, BEARING) == (1, 0)
    house.check_sums()


def test_what_is_wrong_in_a_list_of_stock_is_named(house: StockHouse) -> None:
    rows = (
        f"nowhere,{BEARING},1",
        f"{DEPOT},none,1",
        f"{DEPOT},{BEARING},-1",
        f"{DEPOT},,1",
        f"{DEPOT},{PACK},",
    )
    text = "\n".join(("place,part,on_hand", *rows))
    assert take(house, ListKind.STOCK, text) == [
        'refused place: there is no place "nowhere" that is used; describe it first',
        'refused part: there is no part "none" in the catalogue; describe it first',
        'refused on_hand: "-1" is none; allowed: a whole number from 0 to 100000',
        'refused part: "" is none; allowed: 1 to 64 characters without /',
        "refused on_hand: is missing: it has to be said",
    ]


def test_a_list_of_parts_from_before_leaves_what_it_does_not_know(house: StockHouse) -> None:
    old = f"code,name_en,name_zh,price,lead_days,fits\n{BEARING},,,,10,\n{PACK},,,120,20,\n"
    assert take(house, ListKind.PARTS, old) == ["unchanged", "changed price"]
    with house.desk.transaction() as session:
        found = part_of(session, PACK)
    assert (found.price, found.supplier, found.warranty_months, found.serialised) == (120, "Volt", 12, True)
    new = f"code,supplier,discontinued,replaced_by,lot\n{BEARING},Acme,yes,bearing-2,10\n"
    assert take(house, ListKind.PARTS, new) == ["changed discontinued replaced_by lot"]
