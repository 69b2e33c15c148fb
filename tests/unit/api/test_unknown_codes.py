"""Error codes that nobody explained are listed with how many told them, so that somebody can."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.api import NOW, House, add_device, client_of, open_house

from fleet.alerts import Alert, AlertState
from fleet.codes import load_codes
from fleet.faults import DEVICE_ERROR, Level
from fleet.grants import Permission
from fleet.principals import rule
from storage.records.alerts import insert_alert
from sweepwatch.commands.codes import list_unknown_codes
from sweepwatch.settings.settings import Settings


def tell(house: House, device: str, *codes: str, text: str = "") -> None:
    evidence = {"source": "device", "code": codes[-1], "codes": list(codes), "ts": NOW}
    if text:
        evidence["meaning"] = {"en": text, "zh": text}
    alert = Alert(
        id="",
        device_id=device,
        fault=DEVICE_ERROR,
        rule="reports_code",
        level=Level.L3,
        state=AlertState.FIRING,
        since=NOW,
        reason="first",
        opens_ticket=True,
        evidence=evidence,
    )
    with house.desk.transaction() as session:
        assert insert_alert(session, alert, rule("reports_code"), NOW) is not None


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        for number, site in ((1, "pudong"), (2, "pudong"), (3, "jingan")):
            add_device(made, f"R{number}", site=site, model="ZX-9")
        tell(made, "R1", "E7", "E8", text="the lid is open")
        tell(made, "R2", "E8")
        tell(made, "R3", "E7")
        yield made


def test_codes_are_counted_by_model_and_those_of_most_devices_come_first(house: House) -> None:
    items = client_of(house).get("/api/v1/alerts/unknown-codes").json()["items"]
    assert [(one["model"], one["code"], one["devices"], one["alerts"]) for one in items] == [
        ("ZX-9", "E7", 2, 2),
        ("ZX-9", "E8", 2, 2),
    ]
    assert items[1]["said"] == "the lid is open"
    assert items[0]["last"] == "2026-11-22T08:00:00.000Z"


def test_another_sites_codes_are_not_told(house: House) -> None:
    there = client_of(house, Permission.FLEET_READ, sites=frozenset({"jingan"}))
    assert [one["code"] for one in there.get("/api/v1/alerts/unknown-codes").json()["items"]] == ["E7"]


def test_a_file_that_explains_a_code_takes_it_off_the_list(house: House, tmp_path: Path) -> None:
    file = tmp_path / "zx.yaml"
    file.write_text(
        "models: [ZX-*]\ncodes:\n  - {code: E7, fault: none, text: {en: Lid., zh: 盖子。}}\n",
        encoding="utf-8",
    )
    services = house.app.state.services
    house.app.state.services = replace(services, codes=load_codes(file))
    items = client_of(house).get("/api/v1/alerts/unknown-codes").json()["items"]
    assert [one["code"] for one in items] == ["E8"]


def test_the_command_lists_them_beside_a_running_installation(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    [file] = list(tmp_path.rglob("*.sqlite"))[:1]
    settings = Settings(desk={"url": f"sqlite:///{file}"})
    list_unknown_codes(settings, True, said.append)
    assert [one["code"] for one in json.loads(said[0])] == ["E7", "E8"]
    list_unknown_codes(settings, False, said.append)
    assert "ZX-9" in capsys.readouterr().out
