"""Lists go out and come in: each row is judged by itself, and what is repeated changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk

from desk.lists.lists import Lists
from fleet.clock import ManualClock
from fleet.lists import ListKind, Verdict
from fleet.principals import person
from storage.records.customers import customer_of
from storage.records.database import DeskDatabase
from storage.records.events import events_after

ADA = person("Ada")
CUSTOMERS = ListKind.CUSTOMERS


class House:
    """A desk with its lists."""

    def __init__(self, desk: DeskDatabase) -> None:
        self.desk = desk
        self.lists = Lists(desk, ManualClock(1_800_000_000_000))

    def take(self, kind: ListKind, text: str | bytes, **how: bool) -> list[str]:
        """Take a list; return a word and a reason for each row."""
        content = text.encode() if isinstance(text, str) else text
        report = self.lists.take(kind, content, ADA, **how)
        return [
            " ".join([each.verdict, *each.changed, *(f"{one.column}: {one.reason}" for one in each.refusals)])
            for each in report.rows
        ]

    def out(self, kind: ListKind) -> str:
        return "".join(self.lists.export(kind))

    def events(self) -> int:
        with self.desk.transaction() as session:
            return len(events_after(session, 0, 100_000))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    path = tmp_path / "desk.db"
    desk = fresh_desk(path)
    yield House(desk)
    desk.close()


FILES = {
    ListKind.CUSTOMERS: "id,name_en,name_zh,tier,plan,contact_phone,visits,notes,active\n"
    'hotel,Hotel,酒店,A,gold,+86 21 5555,before_8; weekends,"two\nlines; =1+1",yes\n'
    "mall,Mall,商场,c,Basic,,,,no\n",
    ListKind.SITES: "id,customer,lat,lon,zone,region\nhall,hotel,-31.2,121.4,Asia/Shanghai,east\n",
    ListKind.CONTRACTS: "number,customer,plan,begins,ends,sites,includes,price\n"
    "C-1,hotel,premium,2026/1/5,2027-01-04,hall,parts; labour,1200.5\n",
    ListKind.ENGINEERS: "id,name,region,skills,certificates,training,shifts,home_lat,home_lon,leader\n"
    "e1,Li Wei,east,mechanical;electrical,Electrician|electrical|E-1|2025-01-01|2027-01-01,"
    "2026-03-01|Battery safety|8,mon 08:00-12:00 13:00-17:00,31.2,121.4,e2\n"
    "e2,Wang Fang,east,,,,,,,\n",
    ListKind.PARTS: "code,name_en,price,lead_days,fits\nbattery-pack,Battery,120,14,CR-200; CR 300\n",
    ListKind.DEVICES: "id,kind,site,model,serial,purchased,warranty_until\n"
    "R1,robot,hall,CR-200,S1,2026-01-05,2028-01-04\nT1,tool,hall,,,,\n",
}


def test_what_goes_out_comes_in_again_and_changes_nothing(house: House) -> None:
    for kind, text in FILES.items():
        assert house.take(kind, text) == ["new"] * len(house.lists.look(kind, text.encode()).rows)
    events = house.events()
    assert events == 9
    for kind, text in FILES.items():
        assert set(house.take(kind, house.out(kind))) == {"unchanged"}
        assert set(house.take(kind, text)) == {"unchanged"}
    assert house.events() == events
    with house.desk.transaction() as session:
        assert customer_of(session, "hotel").version == 1


def test_a_dry_run_says_what_would_be_and_changes_nothing(house: House) -> None:
    report = house.lists.look(CUSTOMERS, FILES[CUSTOMERS].encode())
    assert (report.taken, report.counts[Verdict.NEW]) == (False, 2)
    assert [each.line for each in report.rows] == [2, 4], "a cell with a line break takes two lines"
    assert house.events() == 0


def test_each_row_is_judged_by_itself(house: House) -> None:
    house.take(CUSTOMERS, FILES[CUSTOMERS])
    said = house.take(
        CUSTOMERS,
        "plan,id,tier\ngold,hotel,B\nbasic,mall,C\nsilver,inn,D\npremium,spa,A\nbasic,spa,B\nbasic,,A\ngold,a/b,A\nx\n",
    )
    assert said == [
        "changed tier",
        "unchanged",
        'refused tier: "D" is none; allowed: A, B, C plan: "silver" is none; allowed: basic, gold, premium',
        "new",
        'refused id: "spa" stands in line 5 already',
        'refused id: "" is none; allowed: 1 to 64 characters without /',
        'refused id: "a/b" is none; allowed: 1 to 64 characters without /',
        "refused : it has 1 cells; the header has 3",
    ]
    with house.desk.transaction() as session:
        hotel = customer_of(session, "hotel")
    assert (hotel.version, hotel.name.zh, hotel.tier) == (2, "酒店", "B"), "columns left out stay"


def test_all_or_nothing_keeps_none_where_one_is_refused(house: House) -> None:
    text = "id,tier\nhotel,A\ninn,D\n"
    assert house.take(CUSTOMERS, text, all_or_nothing=True)[0] == "new"
    assert house.events() == 0
    assert not house.lists.take(CUSTOMERS, text.encode(), ADA, all_or_nothing=True).taken
    assert house.take(CUSTOMERS, "id,tier\nhotel,A\n", all_or_nothing=True) == ["new"]
    assert house.events() == 1


def test_a_header_alone_is_a_list_of_nothing(house: House) -> None:
    assert house.take(CUSTOMERS, "id,tier\n") == []


def test_no_cell_that_goes_out_is_a_formula(house: House) -> None:
    house.take(CUSTOMERS, 'id,name_en,contact_phone\nx,"=HYPERLINK(""http://a"")",+86 1\n-y,@a,-1 23\n')
    out = house.out(CUSTOMERS)
    assert "'=HYPERLINK" in out and "'+86 1" in out and "'-y" in out and "'@a" in out
    assert set(house.take(CUSTOMERS, out)) == {"unchanged"}


def test_a_device_keeps_its_kind_its_site_and_its_own_word(house: House) -> None:
    house.take(ListKind.DEVICES, FILES[ListKind.DEVICES])
    said = house.take(
        ListKind.DEVICES,
        "id,kind,site,model,warranty_until\nR1,tool,tower,,2028-01-04\nT1,tool,hall,,2029-1-1\nR2,robot,events,,\nR3,,,,\n",
    )
    assert said == [
        "refused kind: it is a robot; what a device is stays: register another "
        'site: it is at "hall"; move it first: its credential is for there',
        "changed warranty_until",
        "refused site: no device can be at events; choose another",
        "refused kind: is missing: it has to be said site: is missing: it has to be said",
    ]


def test_rows_may_need_what_is_not_there(house: House) -> None:
    assert house.take(
        ListKind.CONTRACTS, "number,customer,plan,begins,ends\nC,nobody,gold,2026-02-30,\n"
    ) == ['refused begins: "2026-02-30" is no date; allowed: 2026-01-05 or 2026/1/5']
    assert house.take(
        ListKind.CONTRACTS, "number,customer,plan,begins,ends\nC,nobody,gold,2026-02-03,2026-01-01\n"
    ) == [
        'refused customer: there is no customer "nobody"; describe it first '
        "ends: 2026-01-01 is before it begins (2026-02-03); allowed: that day or later"
    ]
    said = house.take(
        ListKind.ENGINEERS,
        "id,name,leader,account,skills\na,A,b,,\nb,B,a,,\nc,C,x,,\nd,D,,7,\ne,E,,,welding\n",
    )
    assert said[0] == 'refused leader: "b" is led by "a"; choose another'
    assert said[2] == 'refused leader: there is no engineer "x"; describe them first'
    assert said[3] == "refused account: there is no person 7"
    assert said[4].startswith('refused skills: "welding" is none; allowed: consumable, electrical')
