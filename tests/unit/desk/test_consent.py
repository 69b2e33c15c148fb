"""A visit that we propose: who pays for it, what the customer says by a link, and who sets out without."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from helpers.api import HTML, NOW, House, add_device, anonymous, client_of, open_house, raise_alert

from desk.tickets.opener import TicketOpener
from fleet.clock import DAY_MS
from fleet.consent import Coverage, coverage
from fleet.customers import Contract, Customer, Included, PlanName
from fleet.principals import person
from fleet.sites import Site
from fleet.tickets import TicketState as T
from storage.records.customers import keep_contract, keep_customer
from storage.records.events import events_after
from storage.records.sites import describe_site

LI = person("li")
DAY = date(2026, 11, 22)
CONTRACT = Contract("C-1", "acme", PlanName.GOLD, date(2026, 1, 1), includes=frozenset({Included.LABOUR}))


class Proposed:
    """A house with a case that a model opened, and a browser that nobody knows."""

    def __init__(self, house: House) -> None:
        self.house, self.api, self.browser = house, client_of(house), anonymous(house, HTML)
        add_device(house, "R1", site="pudong", risk=0.9, fault="brush_jam", risk_ts=NOW)
        raise_alert(house, "R1", "brush_jam", 0.9)
        house.tickets.change_state(1, T.ACCEPTED, LI, "")

    def belongs(self, *contracts: Contract) -> None:
        """Let the site be of a customer with these contracts."""
        with self.house.desk.transaction() as session:
            keep_customer(session, Customer("acme"))
            describe_site(session, Site("pudong", customer="acme", lat=31.2, lon=121.5))
            for each in contracts:
                keep_contract(session, each)

    def ask(self) -> str:
        """Return the path of a new link."""
        made = self.api.post("/api/v1/tickets/1/consent-link", json={"offer": "Labour 180 CNY"})
        assert made.status_code == 201, made.text
        return str(made.json()["link"][made.json()["link"].index("/c/") :])

    def say(self, path: str, answer: str = "yes", **more: str) -> Any:
        return self.browser.post(path, data={"answer": answer, **more}, follow_redirects=False)

    def standing(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get("/api/v1/tickets/1/consent").json()
        return found

    def unplanned(self) -> str:
        """Return why nobody is to go there for now."""
        return str(self.api.get("/api/v1/tickets/1/suggestions").json()["unplanned"])

    def set_out(self, reason: str = "") -> Any:
        body = {"state": "en_route", "reason": reason}
        return self.api.patch("/api/v1/tickets/1", json=body)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Proposed]:
    with open_house(tmp_path) as house:
        yield Proposed(house)


@pytest.mark.parametrize(
    ("customer", "warranty", "contracts", "who"),
    [
        (False, None, (), Coverage.UNKNOWN),
        (True, None, (), Coverage.CUSTOMER),
        (True, "2026-11-21", (), Coverage.CUSTOMER),
        (True, "2026-11-22", (), Coverage.WARRANTY),
        (True, None, (CONTRACT,), Coverage.CONTRACT),
        (True, None, (Contract("C-2", "acme", PlanName.GOLD, date(2027, 1, 1)),), Coverage.CUSTOMER),
    ],
)
def test_who_pays_for_a_visit(
    customer: bool, warranty: str | None, contracts: tuple[Contract, ...], who: Coverage
) -> None:
    assert coverage(customer, warranty, contracts, DAY) is who


def test_nobody_is_held_up_where_it_is_not_known_who_pays(case: Proposed) -> None:
    assert case.standing() | {"pays": None} == dict.fromkeys(case.standing()) | {"proposed": True}
    assert case.set_out().status_code == 200


def test_where_the_customer_pays_nobody_sets_out_unasked_but_for_a_reason(
    case: Proposed,
) -> None:
    case.belongs()
    refused = case.set_out()
    assert (refused.status_code, "has not consented" in refused.json()["detail"]) == (422, True)
    path = case.ask()
    assert case.set_out().status_code == 422, "asked is not answered"
    page = case.browser.get(path)
    assert page.status_code == 200
    for part in ("Labour 180 CNY", "R1", "Brush jamming", "Brush current 63 %"):
        assert part in page.text, part
    assert case.say(path, remark="mornings").status_code == 303
    said = case.standing()
    assert (said["answer"], said["by"], said["remark"], said["pays"]) == (
        "yes",
        "customer",
        "mornings",
        "customer",
    )
    assert "mornings" not in case.browser.get(path).text
    shown = case.api.get("/tickets/1", headers=HTML).text
    assert "mornings" in shown and "Yes, please come" in shown
    assert case.set_out().status_code == 200


def test_a_customer_who_says_no_is_visited_for_a_reason_alone(case: Proposed) -> None:
    case.belongs(CONTRACT)
    assert case.standing()["pays"] == "contract"
    path = case.ask()
    assert case.say(path, "no").status_code == 303
    refused = case.set_out()
    assert (refused.status_code, "does not want" in refused.json()["detail"]) == (422, True)
    assert case.say(path, "yes").status_code == 303, "until somebody sets out they may think again"
    assert case.say(path, "no").status_code == 303
    assert case.set_out("it smokes").status_code == 200


@pytest.mark.parametrize("ask", ["get", "head", "options"])
@pytest.mark.parametrize("headers", [{}, {"Sec-Purpose": "prefetch"}])
def test_to_look_records_nothing(case: Proposed, ask: str, headers: dict[str, str]) -> None:
    path = case.ask()
    case.browser.request(ask.upper(), f"{path}?answer=no", headers=headers)
    case.browser.request(ask.upper(), path, headers=headers)
    assert case.standing()["answer"] is None


def test_forged_expired_replaced_and_late_links_record_nothing_and_leak_nothing(case: Proposed) -> None:
    first, path = case.ask(), case.ask()
    for bad in (first, path[:-1] + ("-" if path[-1] != "-" else "_"), "/c/" + "x" * 32, "/c/" + "9" * 300):
        shown, posted = case.browser.get(bad), case.say(bad, "no")
        assert (shown.status_code, posted.status_code) == (404, 404), bad
        assert "R1" not in shown.text + posted.text and "180" not in shown.text + posted.text
    assert case.say(path, "perhaps").status_code == 422
    case.house.clock.ms += 14 * DAY_MS
    assert (case.browser.get(path).status_code, case.say(path).status_code) == (404, 404)
    case.house.clock.ms -= 14 * DAY_MS
    assert case.standing()["answer"] is None
    assert case.set_out().status_code == 200
    late = case.say(path, "no")
    assert late.status_code == 404 and "arranged" in late.text
    assert case.standing()["answer"] is None


def test_what_a_customer_asked_for_needs_no_consent(case: Proposed) -> None:
    case.belongs()
    add_device(case.house, "R2", site="pudong")
    number = case.house.tickets.report("R2", "brush_jam", LI, "it squeals")
    answer = case.api.post(f"/api/v1/tickets/{number}/consent-link", json={"offer": "free"})
    assert (answer.status_code, "asked for it" in answer.json()["detail"]) == (409, True)
    assert 'id="consent"' not in case.api.get(f"/tickets/{number}", headers=HTML).text
    case.house.tickets.change_state(number, T.ACCEPTED, LI, "")
    assert case.house.tickets.change_state(number, T.EN_ROUTE, LI, "").state is T.EN_ROUTE


def test_staff_writes_down_what_they_were_told_and_the_link_page_speaks_chinese(case: Proposed) -> None:
    case.belongs()
    said = case.api.post(
        "/api/v1/tickets/1/consent", json={"answer": "yes", "remark": "by phone", "who": "Li"}
    )
    assert (said.status_code, said.json()["by"]) == (200, "Li")
    assert "您同意吗" in case.browser.get(f"{case.ask()}?lang=zh").text
    assert case.standing()["answer"] is None, "asked anew, what was said before is gone"


def test_nobody_goes_round_the_question_by_another_state(case: Proposed) -> None:
    case.belongs()
    for state in ("waiting_part", "waiting_customer"):
        case.house.tickets.change_state(1, T(state), LI, "")
        refused = case.api.patch("/api/v1/tickets/1", json={"state": "repairing", "reason": ""})
        assert (refused.status_code, "has not consented" in refused.json()["detail"]) == (422, True)
    assert case.say(case.ask()).status_code == 303
    done = case.api.patch("/api/v1/tickets/1", json={"state": "repairing", "reason": ""})
    assert done.status_code == 200


def test_who_reports_what_we_had_seen_has_asked_for_the_visit(case: Proposed) -> None:
    case.belongs()
    case.api.post("/api/v1/tickets/1/consent", json={"answer": "no"})
    assert (case.standing()["proposed"], case.unplanned()) == (True, "no_consent")
    said = {"device": "R1", "words": "it squeals"}
    assert case.api.post("/api/v1/hooks/reports", json=said).status_code in (200, 201)
    assert (case.standing()["proposed"], case.unplanned()) == (False, "")
    asked = case.api.post("/api/v1/tickets/1/consent-link", json={"offer": "Labour 180 CNY"})
    assert (asked.status_code, "its customer asked for it" in asked.json()["detail"]) == (409, True)
    assert case.set_out().status_code == 200


def test_an_answered_link_shows_what_it_is_about_no_longer_than_it_is_good_for(case: Proposed) -> None:
    path = case.ask()
    assert case.say(path).status_code == 303
    case.house.tickets.change_state(1, T.EN_ROUTE, LI, "")
    assert case.browser.get(path).status_code == 200, "that it came may be seen"
    case.house.clock.ms += 14 * DAY_MS
    page = case.browser.get(path)
    assert (page.status_code, "R1" in page.text) == (404, False)


def test_what_is_to_be_done_goes_with_the_device_and_the_word_of_who_had_it_before_is_gone(
    case: Proposed,
) -> None:
    case.belongs()
    path = case.ask()
    assert case.say(path).status_code == 303
    moved = case.api.post("/api/v1/devices/R1/move", json={"site": "hongqiao", "reason": "sold"})
    assert moved.status_code in (200, 204), moved.text
    opener = TicketOpener(case.house.desk, case.house.tickets)
    for _ in range(2):  # at least once
        with case.house.desk.transaction() as session:
            for event in events_after(session, 0, 1000):
                opener.handle(event)
    found = case.api.get("/api/v1/tickets/1").json()
    assert (found["site"], found["state"]) == ("hongqiao", "accepted")
    assert [each["what"] for each in found["events"]].count("site") == 1
    assert case.standing()["answer"] is None
    assert case.browser.get(path).status_code == 404
    assert "pudong → hongqiao" in case.api.get("/tickets/1", headers=HTML).text
