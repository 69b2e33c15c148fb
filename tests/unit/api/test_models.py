"""The API and the console say which models are in use, how good they are, and whom to visit."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.api import NOW, House, add_device, add_risks, client_of, open_house
from helpers.models import trained
from sqlalchemy import update

from fleet.faults import FAULTS
from fleet.findings import DRIFT, ModelFinding
from fleet.principals import person
from fleet.text import Text
from models.learning.settings import Costs
from storage.records.devices import Device
from storage.records.model_cards import ModelCard, note_trial

FAULT = "brush_jam"
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("models")) as made:
        yield made


@pytest.fixture(scope="module")
def models(house: House) -> tuple[ModelCard, ModelCard]:
    """Register a champion and a challenger of one fault."""
    saved = []
    for number in (1, 2):
        result, details = trained(FAULT, number)
        saved.append(house.models.save(FAULT, result.classifier, result.threshold, NOW - 3 + number, details))
    text = {"en": "too early: 2 failures", "zh": "为时尚早"}
    trial = {"champion": saved[0].id, "at": NOW, "verdict": "too_early", "text": text, "comparison": None}
    note_trial(house.desk, saved[1].id, trial)
    return saved[0], saved[1]


@pytest.fixture(scope="module")
def client(house: House, models: tuple[ModelCard, ModelCard]) -> TestClient:
    for device, risks in {
        "R1": {"battery_wear": 0.9, FAULT: 0.6},
        "R2": {"battery_wear": 0.7},
        "R3": {FAULT: 0.5},
        "R4": {"battery_wear": 0.02},
    }.items():
        add_device(house, device, risk=max(risks.values()), fault="battery_wear", risk_ts=NOW)
        add_risks(house, device, risks)
    return client_of(house)


def test_the_list_has_those_in_use_first_with_figures_and_trial(
    client: TestClient, models: tuple[ModelCard, ModelCard]
) -> None:
    items = client.get("/api/v1/models").json()["items"]
    assert [(item["id"], item["state"]) for item in items] == [
        (models[0].id, "champion"),
        (models[1].id, "challenger"),
    ]
    assert 0.5 < items[0]["metrics"]["roc_auc"] <= 1
    assert items[1]["trial"]["verdict"] == "too_early"
    assert client.get("/api/v1/models?state=challenger&fault=brush_jam").json()["items"] == items[1:]
    assert client.get("/api/v1/models?fault=nonsense").status_code == 422


def test_a_card_says_what_a_model_learned_from_and_what_was_done_to_it(
    client: TestClient, models: tuple[ModelCard, ModelCard]
) -> None:
    shown = client.get(f"/api/v1/models/{models[0].id}").json()
    details = shown["details"]
    assert set(details["metrics_by_device_model"]) == {"CR-200", "CR-350"}
    assert sum(point["rows"] for point in details["calibration"]) == details["rows_held_out"]
    costs, fault = Costs(), FAULTS[FAULT]
    own = {"trip": costs.trip(fault), "failure": costs.failure(fault), "unfounded": costs.unfounded}
    assert details["costs"] == own | {"act": costs.act(fault), "wait": costs.wait(fault)}
    assert sum(details["importance"].values()) == pytest.approx(1, abs=0.01)
    assert details["versions"]["scikit-learn"]
    assert [event["after"] for event in shown["events"]] == ["champion"]
    assert client.get("/api/v1/models/none").status_code == 404


def test_pages_of_models_speak_both_languages_and_draw_their_charts(
    house: House, client: TestClient, models: tuple[ModelCard, ModelCard]
) -> None:
    drifted = Text("The inputs have drifted", "输入发生漂移")
    house.alerts.observe_models([ModelFinding(FAULT, models[0].id, DRIFT, 0.5, True, NOW, drifted, {})])
    page = client.get("/models?lang=en", headers=HTML).text
    assert "Challenger" in page
    assert "too early: 2 failures" in page
    assert "The inputs have drifted" in page
    assert "为时尚早" in client.get("/models?lang=zh", headers=HTML).text
    own = f"/models/{models[0].id}"
    assert "Saved against never acting" in client.get(f"{own}?lang=en", headers=HTML).text
    for chart in ("calibration", "costs"):
        svg = client.get(f"{own}/charts/{chart}.svg?lang=zh")
        assert svg.status_code == 200
        assert svg.text.startswith("<svg")
    assert "阈值" in client.get(f"{own}/charts/costs.svg?lang=zh").text
    assert client.get("/models/none", headers=HTML).status_code == 404


def test_an_alert_about_a_model_leads_to_the_models_and_not_to_a_device(client: TestClient) -> None:
    page = client.get("/alerts?lang=en", headers=HTML).text
    assert "Model for “Brush jamming”" in page
    assert 'href="/devices/*"' not in page
    (alert,) = client.get("/api/v1/alerts?device=*").json()["items"]
    assert (alert["rule"], alert["level"], alert["state"]) == ("model", "L3", "firing")


def test_visits_are_ranked_by_the_cost_that_they_avoid_within_the_budget(client: TestClient) -> None:
    plan = client.get("/api/v1/visits?budget=1").json()
    assert [item["device_id"] for item in plan["items"]] == ["R1"]
    assert plan["worthwhile"] == 2
    assert [fault["fault"] for fault in plan["items"][0]["faults"]] == ["battery_wear", FAULT]
    assert [item["device_id"] for item in plan["calls"]] == ["R3"]
    costs = Costs()
    saved = 0.9 * costs.failure(FAULTS["battery_wear"]) + 0.6 * costs.failure(FAULTS[FAULT])
    gained = saved - costs.visit - costs.unfounded * 0.1 * 0.4
    assert plan["items"][0]["avoided"] == pytest.approx(gained)
    more = client.get("/api/v1/visits?budget=9").json()
    assert [item["device_id"] for item in more["items"]] == ["R1", "R2"]
    assert client.get("/api/v1/visits?budget=-1").status_code == 422
    assert client.get("/api/v1/visits?site=nowhere").json()["items"] == []


def test_the_page_of_visits_shows_the_same(client: TestClient) -> None:
    page = client.get("/visits?budget=1&lang=en", headers=HTML).text
    assert "1 of 2 visits that would pay" in page
    assert "/devices/R1" in page
    assert "安排上门" in client.get("/visits?lang=zh", headers=HTML).text


def test_what_has_an_open_ticket_is_shown_with_it_and_not_planned_again(
    house: House, client: TestClient
) -> None:
    assert client.get("/api/v1/visits").json()["ticketed"] == 0
    assert "Has a ticket already" not in client.get("/visits?lang=en", headers=HTML).text
    for device in ("R2", "R4"):
        house.tickets.report(device, "wheel_slip", person("front.desk"), "it slips on the ramp")
    plan = client.get("/api/v1/visits").json()
    assert [item["device_id"] for item in plan["items"]] == ["R1"]
    assert plan["ticketed"] == 1, "at R4 a visit would not pay"
    assert [(item["device_id"], item["ticket"]) for item in plan["under_way"]] == [("R2", 1)]
    assert plan["under_way"][0]["faults"], "one visit mends all: what pays there is not only the ticket's"
    page = client.get("/visits?lang=en", headers=HTML).text
    assert '<a href="/tickets/1">#1</a>' in page
    assert "/devices/R4" not in page
    with house.desk.transaction() as session:
        session.execute(update(Device).where(Device.id == "R4").values(state="error", error_code="M11"))
    page = client.get("/visits?lang=en", headers=HTML).text
    assert "/devices/R4" in page, "it stands still: no model needs to say that it is to be visited"
    assert "stuck: M11" in page
    assert "已有工单" in client.get("/visits?lang=zh", headers=HTML).text


def test_money_has_a_currency(client: TestClient) -> None:
    assert client.get("/api/v1/visits").json()["currency"] == "EUR"
    assert re.search(r'<td class="num"[^>]*>€\d+</td>', client.get("/visits?lang=en", headers=HTML).text)


def test_a_file_that_was_damaged_is_told_without_decoding_it(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        result, details = trained(FAULT)
        card = house.models.save(FAULT, result.classifier, result.threshold, NOW, details)
        client = client_of(house)
        assert client.get(f"/api/v1/models/{card.id}").json()["problem"] is None
        (tmp_path / "models" / card.path).write_bytes(b"other")
        assert "SHA-256 differs" in client.get(f"/api/v1/models/{card.id}").json()["problem"]
