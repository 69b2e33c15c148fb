"""The service report: what people wrote stays text, in both languages, on both papers, the same each time."""

import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.api import House, add_device, client_of, open_house, raise_alert

from api.report import typeset
from fleet.customers import Customer
from fleet.feedback import PartUsed, Visit
from fleet.principals import person
from fleet.sites import Site
from fleet.text import Text
from fleet.tickets import TicketState as T
from storage.records.customers import keep_customer
from storage.records.sites import describe_site

LI = person("Li Wei")
HOSTILE = (
    '#panic("no") #import "/etc/passwd": * #read("service.py") *b* _i_ $x^2$ `c` <l> @r // x\n= head\n'
    + "w" * 900
    + "\nשלום العربية 😀 \u202eevil\u202c {{7*7}} \\u{1F600} <script>alert(1)</script>"
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        site = Site("pudong", Text("Pudong #1", "浦东"), "east", HOSTILE[:60], "900 *Qihang* Rd")
        with made.desk.transaction() as session:
            describe_site(session, site)
            keep_customer(session, Customer(site.customer, Text(f"Qihang {HOSTILE[:60]}", "启航集团")))
        add_device(made, "R1", site="pudong", model="CR-200", serial="SN-1", risk=0.9, fault="filter_clog")
        raise_alert(made, "R1", "filter_clog", 0.9)
        made.tickets.report("R1", "brush_jam", person("#front.desk"), HOSTILE[:900])
        for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
            made.tickets.change_state(1, state, LI, "x")
        remark = (HOSTILE + "长" * 900)[:2000]
        visit = Visit(1, 0, "", None, 45, (PartUsed("main-brush", 2, "#x"),), remark, None, "*Wang*")
        made.app.state.services.closing.visits.write(visit, LI)
        made.tickets.change_state(1, T.REPAIRED, LI, "x", confirmed=["filter_clog"])
        yield made


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("paper", ["a4", "phone"])
def test_it_is_a_pdf_the_same_each_time_whatever_people_wrote(
    house: House, language: str, paper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_with: list[dict[str, Any]] = []
    monkeypatch.setattr("api.report.service.typeset", _noting(set_with))
    address = f"/api/v1/tickets/1/report.pdf?lang={language}&paper={paper}"
    first = client_of(house).get(address)
    house.clock.ms += 60_000
    again = client_of(house).get(address)
    assert first.status_code == 200, first.text
    assert first.headers["content-type"] == "application/pdf"
    assert first.content[:5] == b"%PDF-"
    assert first.content == again.content, "it carries the time of the case's last change"
    (report, *_) = set_with
    assert report["remark"].startswith(HOSTILE[:200])
    assert ("维修服务报告" if language == "zh" else "Service report") in report["words"]["title"]
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", _plain(first.content))
    widths = {round(float(width) / 72 * 25.4) for width, _ in boxes}
    assert widths == {210 if paper == "a4" else 105, 90}, "the label is a page of its own"


def _noting(seen: list[dict[str, Any]]) -> Any:
    def noted(report: dict[str, Any], at: int) -> bytes:
        seen.append(report)
        return typeset.typeset(report, at)

    return noted


def _plain(pdf: bytes) -> bytes:
    """Return a PDF with its compressed objects opened."""
    found = [pdf]
    for each in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(each))
        except zlib.error:
            continue
    return b"\n".join(found)


def test_what_it_says_is_what_is_known(house: House) -> None:
    from api.report.service import Writer, reported

    with house.desk.transaction() as session:
        found = reported(session, 1, None)
    written = Writer(house.app.state.services, "en").report(found, "a4")
    facts = dict(map(tuple, [*written["facts"], *written["places"]]))
    assert (facts["Device"], facts["Serial number"], facts["Site"]) == ("R1", "SN-1", "Pudong #1")
    assert facts["Customer"].startswith("Qihang #panic"), "by name, where it has one"
    assert written["found"] == "Filter clogged"
    assert [each["state"] for each in written["suspicions"]] == ["Confirmed", "Not found"]
    assert written["suspicions"][0]["why"][0] == "The model saw a risk of 90 %:"
    assert written["parts"] == [["2", "#x", "Main brush"]]
    assert {row[-1] for row in written["clocks"]} == {"kept"}
    assert written["label"]["address"].endswith("/tickets/1")


def test_a_case_before_its_repair_has_one_as_well(house: House) -> None:
    add_device(house, "R2", site="nowhere-described")
    number = house.tickets.report("R2", "water_leak", LI, "water")
    client = client_of(house)
    assert client.get(f"/api/v1/tickets/{number}/report.pdf").status_code == 200
    assert client.get(f"/tickets/{number}/report.pdf?lang=zh&paper=phone").status_code == 200
    assert client.get(f"/api/v1/tickets/{number}/report.pdf?lang=xx").status_code == 422
    assert client.get("/api/v1/tickets/99/report.pdf").status_code == 404


def test_it_names_what_was_left_for_a_follow_up_visit_and_where_that_came_from(house: House) -> None:
    from api.report.service import Writer, reported

    add_device(house, "R3", site="pudong")
    first = house.tickets.report("R3", "brush_jam", LI, "it squeals")
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        house.tickets.change_state(first, state, LI, "x")
    house.tickets.change_state(first, T.REPAIRED, LI, "x", confirmed=["brush_jam"], deferred=["filter_clog"])

    def says(number: int, language: str) -> dict[str, Any]:
        with house.desk.transaction() as session:
            found = reported(session, number, None)
        return Writer(house.app.state.services, language).report(found, "a4")  # type: ignore[arg-type]

    assert says(first, "en")["found"] == "Brush jamming\nSeen, mended on a follow-up visit: Filter clogged"
    house.tickets.change_state(first, T.CONFIRMED, LI, "x")
    second = first + 1
    assert says(first, "zh")["found"].endswith(f"已发现，后续上门处理：滤网堵塞 (#{second})")
    (suspicion,) = says(second, "en")["suspicions"]
    assert suspicion["why"] == [f"Seen at an earlier visit (#{first}), and left for this one."]
    assert client_of(house).get(f"/api/v1/tickets/{first}/report.pdf").status_code == 200
