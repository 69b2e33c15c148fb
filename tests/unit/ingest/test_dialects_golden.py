"""Golden folders: what messages of each dialect become; and whole captures, where they are at hand.

`tests/golden/CASE/` holds `dialects.yaml`, `input.jsonl` (a message a line, as captured) and `expected.json`.
"""

import json
from pathlib import Path

import pytest
from helpers.captures import balance, capture, decode, decoder, read_messages, told, wanted

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/dialects.yaml"))
SPARKPLUG = "dialects: [{type: sparkplug, signals: {drive_rpm: motor/rpm}}]"
VDA = "dialects: [{type: vda5050, interface: vda, site: hall}]"
HOMIE = "dialects: [{type: homie, site: lab, signals: {battery_pct: status/battery}}]"
VALETUDO = "dialects: [{type: valetudo, site: home}]"


@pytest.mark.parametrize("case", CASES)
def test_a_golden_folder_becomes_what_it_expects(case: str) -> None:
    folder = GOLDEN / case
    config = (folder / "dialects.yaml").read_text(encoding="utf-8")
    out = decode(config, read_messages(folder / "input.jsonl"))
    assert told(out) == json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    received, accounted = balance(out)
    assert received == accounted


@pytest.mark.parametrize(
    ("name", "config", "readings"),
    [
        ("sparkplug-b", SPARKPLUG, 6),
        ("vda5050", VDA, 47),
        ("homie4", HOMIE, 6),
        ("valetudo", VALETUDO, 75),
    ],
)
def test_a_whole_capture_is_read_without_a_refusal(name: str, config: str, readings: int) -> None:
    out = decode(config, capture(name))
    assert balance(out) == (readings, readings)
    assert out.refused == []
    assert list(out.news.statuses.values()) == ["offline"]


@pytest.mark.parametrize(
    ("name", "config"),
    [("sparkplug-b", SPARKPLUG), ("vda5050", VDA), ("homie4", HOMIE), ("valetudo", VALETUDO)],
)
def test_one_message_at_a_time_gives_the_same_as_all_at_once(name: str, config: str) -> None:
    messages = wanted(config, capture(name))
    at_once = told(decode(config, messages))
    one_by_one = decoder(config)
    rows = [row for message in messages for row in told(one_by_one.decode([message]))["rows"]]
    assert rows == at_once["rows"]


def test_valetudo_commands_copies_and_old_events_are_no_telemetry() -> None:
    """No reading comes of `/set`, of Home Assistant's copies in minutes, of old events, of a fan preset."""
    for message in wanted(VALETUDO, capture("valetudo")):
        assert not message.topic.endswith("/set")
        if any(name in message.topic for name in ("/hass/", "ValetudoEvents", "FanSpeed", "map-data-hass")):
            assert told(decode(VALETUDO, [message]))["rows"] == []


def test_valetudo_states_are_those_that_the_robot_went_through() -> None:
    rows = told(decode(VALETUDO, capture("valetudo")))["rows"]
    states = [row["state"] for row in rows if "state" in row]
    changes = [state for at, state in enumerate(states) if at == 0 or states[at - 1] != state]
    assert changes == [
        *("docked", "cleaning", "error", "cleaning", "paused", "idle", "returning", "charging", "docked"),
    ]


def test_valetudo_positions_are_metres_on_the_map() -> None:
    rows = told(decode(VALETUDO, capture("valetudo")))["rows"]
    places = [(row["x_m"], row["y_m"]) for row in rows if "x_m" in row]
    assert len(places) == 19
    assert places[:2] == [(10.5, 10.5), (12.47, 11.76)]
