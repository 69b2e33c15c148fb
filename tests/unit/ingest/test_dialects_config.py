"""The dialects file and what it is made of: ids, topic patterns, units, mappings; mistakes are named."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import ConfigError
from fleet.signals import STANDARD_SIGNALS
from fleet.wire import is_id
from ingest.dialects.config import load_dialects, parse_dialects
from ingest.dialects.ids import join_id, make_id
from ingest.dialects.topics import TopicPattern
from ingest.dialects.units import conversion
from ingest.link.subscriptions import topic_filters

JSON = "dialects: [{{type: json, name: x, topic: 'a/{{site}}/{{device}}', signals: {{{}}}}}]"


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_names_never_share_an_id(one: str, other: str) -> None:
    assert is_id(make_id(one))
    assert (make_id(one) == make_id(other)) == (one == other)
    assert make_id(make_id(one) + "x") != make_id(one)


@given(*[st.lists(st.text("ab-_/.", min_size=1, max_size=4), min_size=1, max_size=3)] * 2)
def test_two_joined_names_never_share_an_id(one: list[str], other: list[str]) -> None:
    # A level of a topic holds no slash.
    first, second = ([part.replace("/", ".") for part in parts] for parts in (one, other))
    assert is_id(join_id(first))
    assert (join_id(first) == join_id(second)) == (first == second)


def test_an_id_that_fits_stays_and_one_that_looks_made_does_not() -> None:
    assert make_id("Robot_7-a") == "Robot_7-a"
    made = make_id("Robot 7")
    assert re.fullmatch(r"Robot_7__[0-9a-f]{16}", made)
    assert make_id(made) != made
    assert make_id("events") != "events", "no site of ours is called so"


@pytest.mark.parametrize(
    ("pattern", "topic", "captured"),
    [
        ("a/{site}/+/{device}", "a/s/x/d", {"site": "s", "device": "d"}),
        ("a/{site}/{device}/#", "a/s/d/more/of/it", {"site": "s", "device": "d"}),
        ("a/{site}/{device}/#", "a/s/d", {"site": "s", "device": "d"}),
        ("a.b/{device}", "axb/d", None),
        ("a/{device}", "a/d/e", None),
    ],
)
def test_a_topic_pattern_captures_whole_levels(
    pattern: str, topic: str, captured: dict[str, str] | None
) -> None:
    assert TopicPattern(pattern, ("site", "device")).match(topic) == captured


def test_a_topic_pattern_is_a_subscription() -> None:
    assert TopicPattern("a/{site}/{device}/#", ("site", "device")).filter == "a/+/+/#"


def test_a_unit_is_not_guessed_where_small_letters_mean_another() -> None:
    assert conversion("MV", "V") is None
    assert conversion("furlong", "m") is None


@pytest.mark.parametrize(
    ("value", "theirs", "ours", "expected"),
    [
        (77, "degF", "°C", 25),
        (300, "K", "°C", 26.85),
        (25_200, "mV", "V", 25.2),
        (0.5, "ratio", "%", 50),
        (2, "h", "s", 7200),
        (50, "Hz", "rpm", 3000),
        (1_013, "hPa", "Pa", 101_300),
        (-60, "dBW", "dBm", -30),
        (10_000, "cm2", "m²", 1),
        *[(25, unit, "°C", 25) for unit in ("°C", "degC", "Celsius", "C", "℃", "Cel", "CELSIUS", "deg_C")],
        *[(77, unit, "°C", 25) for unit in ("°F", "Fahrenheit", "F", "℉", "degrees Fahrenheit", "[degF]")],
        *[(50, unit, "%", 50) for unit in ("%", "percent", "PERCENT", "pct", "％", "%EL", "/100")],
        *[(30, unit, "rpm", 30) for unit in ("rpm", "RPM", "1/min", "r/min", "min-1", "U/min", "转/分")],
        *[(5, unit, "V", 0.005) for unit in ("mV", "mv", "millivolt", "Millivolts")],
        *[(3, unit, "m²", 3) for unit in ("m²", "m2", "㎡", "sqm", "M2", "square metres")],
        *[(2, unit, "s", 120) for unit in ("min", "Min", "minutes", "MINUTE")],
        (36, "km/h", "m/s", 10),
    ],
)
def test_a_unit_becomes_the_signal_s(value: float, theirs: str, ours: str, expected: float) -> None:
    change = conversion(theirs, ours)
    assert change is not None
    assert change(value) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dialects: [{type: morse}]", "morse"),
        ("dialects: [{type: vda5050, name: a}]", "site"),
        ("dialects: [{type: vda5050, site: s, prefx: a}]", 'unknown key "prefx"; allowed: name, type'),
        ("dialects: [{type: vda5050, site: s, driving: flying}]", "'flying' is no state; allowed: off, idle"),
        ("dialects: [{type: sparkplug}, {type: sparkplug}]", "two dialects are called 'sparkplug'"),
        (JSON.format("batery_pct: soc"), "batery_pct is no signal of a robot; allowed: area_m2"),
        (
            JSON.format("battery_voltage_v: {from: v, unit: mA}"),
            "unit 'mA' cannot become 'V'; allowed: V, mV",
        ),
        (JSON.format("battery_pct: 'a..b'"), "signals.battery_pct: 'a..b' is not JMESPath"),
        (JSON.format("state: {from: m, values: {1: sweeping}}"), "'sweeping' is no state"),
        (JSON.format("battery_pct: {from: soc, scale: 0}"), "scale: 0"),
        (JSON.format("battery_pct: {from: soc, values: {low: little}}"), "'little' is not a number"),
        (JSON.format("state: {from: m, none: [0]}"), "none is for error_code"),
        ("dialects: [{type: vda5050, site: s, version: v4}]", "'v1', 'v2' or 'v3'"),
        ("dialects: [{type: homie, site: s, prefix: a/}]", "prefix"),
        (
            "dialects: [{type: sparkplug, host: a}, {type: sparkplug, name: b, groups: [g], host: b}]",
            "one host id",
        ),
        ("dialects: [{type: json, name: x, topic: 'a/{device}', signals: {floor: f}}]", "{site} in topic"),
        ("dialects: [{type: json, name: x, topic: '{site}/{device}', signals: {floor: f}}]", "plain text"),
        ("dialects: [{type: senml, name: x, topic: 'a/{site}'}]", "{device} in names"),
        (
            "dialects: [{type: json, name: x, topic: 'sweepwatch/v1/{site}/{device}', signals: {floor: f}}]",
            "is our own",
        ),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_dialects(text, STANDARD_SIGNALS, "my.yaml")
    assert said in str(caught.value)
    assert re.match(r"my\.yaml(:\d+)?: ", str(caught.value))
    assert "\n" not in str(caught.value)


def test_a_file_switches_dialects_on_and_none_speaks_our_own_alone(tmp_path: Path) -> None:
    file = tmp_path / "dialects.yaml"
    file.write_text("dialects: [{type: homie, site: lab}]", encoding="utf-8")
    assert [one.name for one in load_dialects(file, STANDARD_SIGNALS)] == ["homie"]
    assert load_dialects(None, STANDARD_SIGNALS) == ()
    of_dialects = [one for each in load_dialects(file, STANDARD_SIGNALS) for one in each.subscriptions]
    assert len(topic_filters()) + 8 == len(topic_filters(of_dialects))


def test_the_example_in_the_documentation_is_usable() -> None:
    page = Path(__file__).parents[3] / "docs" / "dialects.md"
    examples = re.findall(r"```yaml\n(dialects:.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        assert parse_dialects(example, STANDARD_SIGNALS)
