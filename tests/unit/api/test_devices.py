"""The list of devices: order, filters and pages that neither lose nor repeat a device."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from helpers.api import (
    HTML,
    NOW,
    House,
    add_device,
    add_readings,
    add_risks,
    client_of,
    furnish,
    open_house,
    raise_alert,
)
from helpers.batches import batch_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from fleet.clock import DAY_MS, HOUR_MS
from fleet.codes import load_codes
from fleet.condition import Stands, condition_of
from fleet.events import Subject
from fleet.signals import Kind
from storage.records.device_lists import count_devices, to_device
from storage.records.devices import Device, DeviceInfo, Devices, ReportedEvent
from storage.records.events import events_of
from storage.records.registering import replace_device

SORTS = ("risk", "-risk", "id", "-id", "last_seen", "-last_seen")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        furnish(made)
        yield made


@pytest.fixture(scope="module")
def client(house: House) -> TestClient:
    return client_of(house)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("bare")) as made:
        yield made


def walk(client: TestClient, path: str) -> list[dict[str, Any]]:
    """Return the items of all pages."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(path + (f"&cursor={cursor}" if cursor else "")).json()
        items += page["items"]
        cursor = page["next_cursor"]
    return items


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([None, 0.0, 0.1, 0.1 + 0.2, 0.5, 1.0]), st.sampled_from([None, NOW, NOW + 1])
        ),
        max_size=14,
    ),
    sort=st.sampled_from(SORTS),
    limit=st.integers(1, 5),
)
def test_pages_hold_every_device_once_and_nulls_come_last_in_either_order(
    bare: House, rows: list[tuple[float | None, int | None]], sort: str, limit: int
) -> None:
    with bare.desk.transaction() as session:
        session.execute(delete(Device))
    for n, (risk, last_seen) in enumerate(rows):
        add_device(bare, f"d{n}", risk=risk, last_seen=last_seen)
    items = walk(client_of(bare), f"/api/v1/devices?sort={sort}&limit={limit}")
    assert sorted(item["id"] for item in items) == sorted(f"d{n}" for n in range(len(rows)))
    keys = [item[sort.removeprefix("-")] for item in items]
    known = [key for key in keys if key is not None]
    assert keys == known + [None] * (len(keys) - len(known))
    assert known == sorted(known, reverse=sort.startswith("-"))


def test_the_list_is_sorted_by_falling_risk_unless_asked_otherwise(client: TestClient) -> None:
    items = client.get("/api/v1/devices?limit=3").json()["items"]
    assert [item["id"] for item in items][:2] == ["R0007", "R0023"]
    assert set(items[0]) >= {
        "id",
        "kind",
        "site",
        "model",
        "status",
        "last_seen",
        "risk",
        "fault",
        "battery_pct",
    }
    assert items[0]["last_seen"] == "2026-11-22T07:59:56.000Z"


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("kind=tool", lambda item: item["kind"] == "tool"),
        ("site=pudong", lambda item: item["site"] == "pudong"),
        ("model=CR-200", lambda item: item["model"] == "CR-200"),
        ("status=offline", lambda item: item["status"] == "offline"),
        ("fault=brush_jam", lambda item: item["fault"] == "brush_jam"),
        ("q=r000", lambda item: "R000" in item["id"]),
        ("kind=robot&site=xuhui", lambda item: (item["kind"], item["site"]) == ("robot", "xuhui")),
    ],
)
def test_a_filter_keeps_exactly_what_fits(client: TestClient, query: str, fits: Any) -> None:
    every = client.get("/api/v1/devices?limit=1000").json()["items"]
    found = client.get(f"/api/v1/devices?limit=1000&{query}").json()["items"]
    assert found == [item for item in every if fits(item)]
    assert 0 < len(found) < len(every)


def test_a_search_takes_wildcards_as_they_are(client: TestClient) -> None:
    assert client.get("/api/v1/devices", params={"q": "%"}).json()["items"] == []


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("order=risk", "order: unknown; allowed: limit, cursor, sort, kind"),
        ("sort=battery", "sort: Input should be 'risk', '-risk'"),
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("limit=1001", "limit: Input should be less than or equal to 1000"),
        ("kind=drone", "kind: Input should be 'robot', 'tool' or 'wristband'"),
        ("fault=rust", "fault: no fault of the catalogue; allowed: battery_wear"),
        ("cursor=zzz", "cursor: not one of ours"),
        ("cursor=W10", "cursor: not one of ours"),
        ("cursor=eyJhIjoxfQ", "cursor: not one of ours"),
    ],
)
def test_what_is_not_valid_is_named_with_what_is_allowed(client: TestClient, query: str, says: str) -> None:
    answer = client.get(f"/api/v1/devices?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(says)


def test_a_cursor_of_another_query_is_refused(client: TestClient) -> None:
    cursor = client.get("/api/v1/devices?limit=2").json()["next_cursor"]
    answer = client.get(f"/api/v1/devices?limit=2&site=pudong&cursor={cursor}")
    assert answer.status_code == 422
    assert "another query" in answer.json()["detail"]


def test_a_device_shows_its_newest_values(client: TestClient, house: House) -> None:
    shown = client.get("/api/v1/devices/R0007").json()
    assert shown["latest"]["state"]["value"] in ("cleaning", "charging")
    assert shown["latest"]["battery_pct"]["ts"] == "2026-11-22T07:50:00.000Z"
    assert shown["stale"] is False


def test_a_device_silent_for_a_day_is_stale(bare: House) -> None:
    add_device(bare, "old", newest_ts=NOW - DAY_MS - 1)
    assert client_of(bare).get("/api/v1/devices/old").json()["stale"] is True


@pytest.mark.parametrize("path", ["", "/telemetry", "/risks", "/risks/latest"])
def test_an_unknown_device_is_a_404_that_names_it(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/devices/R%2FX{path}" if not path else f"/api/v1/devices/nobody{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_risks_come_with_their_drivers_the_highest_first(client: TestClient) -> None:
    items = client.get("/api/v1/devices/R0007/risks/latest").json()["items"]
    assert [item["fault"] for item in items] == ["brush_jam", "filter_clog", "battery_wear"]
    assert items[0]["drivers"][0]["signal"] == "brush_current_a"


def test_remaining_life_is_told_in_days_and_run_hours_for_wear_alone(client: TestClient) -> None:
    items = client.get("/api/v1/devices/R0007/risks/latest").json()["items"]
    life = {item["fault"]: item["life"] for item in items}
    assert life["battery_wear"] == {
        "days": {"p10": 5.2, "p50": 12.4, "p90": 21.0},
        "run_hours": {"p10": 26.0, "p50": 60.3, "p90": 104.0},
    }
    assert life["brush_jam"] is None
    assert items[0]["confidence"] == "normal"


def test_a_device_tells_what_its_wearing_parts_have_left(client: TestClient) -> None:
    device = client.get("/api/v1/devices/R0007").json()
    assert list(device["life"]) == ["battery_wear"]
    assert device["life"]["battery_wear"]["days"]["p50"] == 12.4


def test_the_history_of_risks_pages_without_loss(client: TestClient) -> None:
    path = "/api/v1/devices/R0007/risks?start=2026-11-15T00:00:00Z&end=2026-11-23"
    whole = client.get(f"{path}&limit=1000").json()["items"]
    assert len(whole) == 7 * 4 * 3
    assert walk(client, f"{path}&limit=5") == whole
    only = client.get(f"{path}&limit=1000&fault=brush_jam").json()["items"]
    assert only == [item for item in whole if item["fault"] == "brush_jam"]


def test_the_history_of_risks_can_be_thinned_to_the_last_of_each_interval(client: TestClient) -> None:
    path = "/api/v1/devices/R0007/risks?start=2026-11-15T09:00:00Z&end=2026-11-23&fault=brush_jam"
    whole = client.get(f"{path}&limit=1000").json()["items"]
    daily = client.get(f"{path}&every=1d").json()["items"]
    last = {item["ts"][:10]: item["risk"] for item in whole}
    assert {item["ts"]: item["risk"] for item in daily} == {
        f"{day}T00:00:00.000Z": risk for day, risk in last.items()
    }
    assert walk(client, f"{path}&every=1d&limit=3") == daily
    assert client.get(f"{path}&every=soon").status_code == 422


def test_a_made_up_cursor_of_risks_is_refused(client: TestClient) -> None:
    path = "/api/v1/devices/R0007/risks"
    cursor = client.get(f"{path}?limit=1").json()["next_cursor"]
    digest = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]
    made_up = urlsafe_b64encode(json.dumps([digest, "a", 1, None, {}]).encode()).decode()
    assert client.get(f"{path}?limit=1&cursor={made_up}").status_code == 422


def test_every_signal_and_fault_is_listed(client: TestClient) -> None:
    signals = client.get("/api/v1/signals").json()["items"]
    faults = client.get("/api/v1/faults").json()["items"]
    assert next(s for s in signals if s["name"] == "brush_current_a")["label"]["zh"] == "滚刷电流"
    assert next(f for f in faults if f["code"] == "brush_jam")["part"] == "brush-bearing"


def test_a_house_without_devices_gives_an_empty_list(tmp_path: Path) -> None:
    with open_house(tmp_path) as empty:
        assert client_of(empty).get("/api/v1/devices").json() == {"items": [], "next_cursor": None}


def test_the_desk_says_which_model_a_device_is_and_that_stands(bare: House) -> None:
    add_device(bare, "M1", model="unknown")
    client = client_of(bare)
    answer = client.patch("/api/v1/devices/M1", json={"model": "CR-200", "who": "li.wei"})
    assert (answer.status_code, answer.json()["model"]) == (200, "CR-200")
    Devices(bare.desk).record_info([DeviceInfo("M1", "CR-300")])
    assert client.get("/api/v1/devices/M1").json()["model"] == "CR-200"
    with bare.desk.transaction() as session:
        (event,) = events_of(session, Subject.DEVICE, "M1")
    assert (event.what, event.principal.name, event.data["after"]) == ("model", "li.wei", "CR-200")
    assert client.patch("/api/v1/devices/M1", json={"model": None}).json()["model"] == "unknown"
    Devices(bare.desk).record_info([DeviceInfo("M1", "CR-300")])
    assert client.get("/api/v1/devices/M1").json()["model"] == "CR-300"


def test_events_of_a_device_come_in_pages_the_newest_first(bare: House) -> None:
    """Several of one moment stand in both halves of no page; another device's are not among them."""
    for device in ("E1", "E2"):
        add_device(bare, device)
    told = [ReportedEvent("E1", NOW + n // 3, f"code{n}", {"n": n}, NOW + 9) for n in range(7)]
    Devices(bare.desk).record_events([*told, ReportedEvent("E2", NOW, "error", {"error_code": "M31"}, NOW)])
    client = client_of(bare)
    seen, cursor = [], ""
    while True:
        page = client.get(f"/api/v1/devices/E1/events?limit=2{cursor}").json()
        seen += [item["detail"]["n"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [6, 5, 4, 3, 2, 1, 0]
    (other,) = client.get("/api/v1/devices/E2/events").json()["items"]
    assert (other["code"], other["detail"]) == ("error", {"error_code": "M31"})
    assert client.get(f"/api/v1/devices/E2/events?limit=2{cursor}").status_code == 422, (
        "another list's cursor"
    )
    assert client.get("/api/v1/devices/nobody/events").status_code == 404
    page = client.get("/devices/E2?lang=en", headers={"accept": "text/html"}).text
    assert "M31" in page


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "status": st.sampled_from(["online", "offline", "unknown"]),
                "last_seen": st.sampled_from([None, NOW, NOW - HOUR_MS + 1, NOW - HOUR_MS, NOW - DAY_MS]),
                "state": st.sampled_from([None, "error", "cleaning", "off"]),
                "state_ts": st.sampled_from([None, NOW - 5, NOW - 9]),
                "error_code": st.sampled_from([None, "", "M31"]),
                "error_ts": st.sampled_from([None, NOW - 9, NOW - 5]),
            }
        ),
        max_size=12,
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lists_tell_devices_apart_as_each_ones_condition_does(
    bare: House, rows: list[dict[str, Any]]
) -> None:
    with bare.desk.transaction() as session:
        session.execute(delete(Device))
    for number, row in enumerate(rows):
        add_device(bare, f"D{number:02d}", **row)
    client = client_of(bare)
    found: dict[str, str] = {}
    for stands in Stands:
        items = client.get(f"/api/v1/devices?stands={stands}&limit=100").json()["items"]
        found |= {item["id"]: stands for item in items}
    with bare.desk.transaction() as session:
        devices = [to_device(row) for row in session.scalars(select(Device))]
        counts = count_devices(session, 0.5, NOW)
    told = {device.id: condition_of(device, load_codes(), NOW).stands for device in devices}
    assert found == told
    standing = list(told.values())
    assert (counts.working, counts.stuck) == (standing.count(Stands.WORKING), standing.count(Stands.STUCK))


def test_a_device_whose_worker_calls_for_help_is_not_counted_as_working(bare: House) -> None:
    add_device(bare, "W1", kind="wristband")
    add_device(bare, "W2", kind="wristband")
    bare.alerts.observe(batch_of([{"device_id": "W1", "ts": NOW, "sos": True}], Kind.WRISTBAND))
    client = client_of(bare)
    assert client.get("/api/v1/devices/W1").json()["condition"]["word"] == "alarm"
    for stands, device in (("reports", "W1"), ("working", "W2")):
        items = client.get(f"/api/v1/devices?stands={stands}&kind=wristband").json()["items"]
        assert [item["id"] for item in items] == [device]
    page = client.get("/?lang=zh", headers={"accept": "text/html"}).text
    assert "警报：工人求助" in page


def test_times_are_those_of_the_installations_zone_and_say_so(tmp_path: Path) -> None:
    """8 in the morning UTC is 4 in the afternoon in Shanghai and 3 at night in New York."""
    shown = {"Asia/Shanghai": "22 Nov 16:00", "America/New_York": "22 Nov 03:00", "UTC": "22 Nov 08:00"}
    for place, (zone, time) in enumerate(shown.items()):
        with open_house(tmp_path / str(place), server={"time_zone": zone}) as house:
            add_device(house, "R1", last_seen=NOW)
            page = client_of(house).get("/devices/R1?lang=en", headers={"accept": "text/html"}).text
            assert time in page, zone
            assert client_of(house).get("/api/v1/devices/R1").json()["last_seen"].endswith("Z")


def test_pages_about_one_site_have_its_clock_and_say_so(tmp_path: Path) -> None:
    zones = {"time_zone": "Asia/Shanghai", "site_time_zones": {"jfk": "America/New_York"}}
    with open_house(tmp_path, server=zones) as house:
        for device, site in (("R1", "pudong"), ("R2", "jfk")):
            add_device(house, device, site=site, last_seen=NOW, risk=0.9, risk_ts=NOW)
            raise_alert(house, device, "brush_jam", 0.9)
            add_readings(house, device, days=0.25)
        client = client_of(house)

        def page(path: str) -> str:
            text: str = client.get(path, params={"lang": "en"}, headers={"accept": "text/html"}).text
            return text

        for paths, time, zone in (
            (("/devices/R1", "/tickets/1", "/", "/tickets"), "22 Nov 16:00 CST", "Asia/Shanghai"),
            (("/devices/R2", "/tickets/2"), "22 Nov 03:00 EST", "America/New_York"),
        ):
            for path in paths:
                assert time in page(path), path
                assert f"All times are those of {zone}." in page(path), path
        for device, hours in (("R1", ("16:00", "14:00")), ("R2", ("03:00", "01:00"))):
            drawn = client.get(f"/devices/{device}/charts/battery_pct.svg?range=6h").text
            assert any(f">{hour}<" in drawn for hour in hours), device


@pytest.mark.parametrize(
    ("device", "body", "status"),
    [
        ("nobody", {"model": "x"}, 404),
        ("M2", {"model": ""}, 422),
        ("M2", {"model": "a\x00"}, 422),
        ("M2", {}, 422),
    ],
)
def test_a_model_that_is_none_is_refused(bare: House, device: str, body: dict[str, Any], status: int) -> None:
    assert client_of(bare).patch(f"/api/v1/devices/{device}", json=body).status_code == status


@pytest.mark.parametrize("text", [{}, {"message": "brush stuck"}])
def test_pages_show_an_error_that_no_catalogue_knows(tmp_path: Path, text: dict[str, str]) -> None:
    with open_house(tmp_path) as house:
        add_device(house, "R1", newest_ts=NOW)
        told = ReportedEvent("R1", NOW, "error", {"error_code": "E78", **text}, NOW)
        house.alerts.observe_events([told])
        client = client_of(house)
        (ticket,) = client.get("/api/v1/tickets?device=R1").json()["items"]
        for path in ("/", "/alerts", "/devices/R1", f"/tickets/{ticket['id']}", "/tickets"):
            for language in ("en", "zh"):
                page = client.get(f"{path}?lang={language}", headers={"accept": "text/html"})
                assert page.status_code == 200, (path, page.text)
        assert "E78" in client.get("/alerts").text


def test_what_a_device_sent_before_it_was_replaced_is_not_the_new_ones(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        add_device(house, "R1")
        add_readings(house, "R1", days=0.1)
        add_risks(house, "R1", {"brush_jam": 0.9}, days=1)
        client = client_of(house)
        assert client.get("/api/v1/devices/R1").json()["latest"]
        with house.desk.transaction() as session:
            replace_device(session, "R1", "SW-2", house.clock.now_ms() + 1)
        assert client.get("/api/v1/devices/R1").json()["latest"] == {}
        page = client.get("/devices/R1?lang=en", headers=HTML).text
        assert "91 %" not in page
        assert "/charts/battery_pct.svg" not in page
