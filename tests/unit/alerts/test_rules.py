"""Rules files: what ships is sound, and each mistake is named by file, rule, key and what is allowed."""

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from pydantic import ValidationError

from alerts.judging import rules
from alerts.judging.conditions import Condition, parse_condition
from alerts.judging.rule_file import load_rules
from alerts.judging.rules import BY_CODE, Rule
from fleet.errors import ConfigError
from fleet.faults import DEVICE_ERROR, EXTERNAL, FAULTS, UNUSUAL, is_unclear
from fleet.readings import STATE_TYPE

_GOOD: dict[str, Any] = {
    "name": "hot",
    "kind": "robot",
    "fault": "battery_overheat",
    "level": "L1",
    "when": "battery_temp_c >= 60",
    "clear": "battery_temp_c < 50",
    "for": "90s",
    "opens_ticket": True,
    "text": {"en": "Hot.", "zh": "过热。"},
}


def rules_of(folder: Path, *changes: dict[str, Any]) -> tuple[Rule, ...]:
    """Write a file with one rule for each dictionary of changes to a good one (None: key left out)."""
    path = folder / "mine.yaml"
    rules = [{k: v for k, v in (_GOOD | change).items() if v is not None} for change in changes]
    path.write_text(yaml.safe_dump({"rules": rules}), encoding="utf-8")
    return load_rules(path)


def test_the_shipped_rules_cover_the_faults_that_rules_notice() -> None:
    rules = load_rules()
    # A worn brush shows in no signal, what is unusual no rule foresees, what others or customers tell none
    # has to see.
    seen = {rule.fault for rule in rules} | {DEVICE_ERROR}
    assert seen - {BY_CODE} == {code for code in FAULTS if not is_unclear(code)} - {
        "brush_wear",
        UNUSUAL,
        EXTERNAL,
    }
    assert all(rule.level >= FAULTS[rule.fault].level for rule in rules if rule.fault in FAULTS)
    assert all(rule.examples for rule in rules)
    assert all(rule.text.en and rule.text.zh for rule in rules)


def test_a_users_file_replaces_the_shipped_one(tmp_path: Path) -> None:
    (rule,) = rules_of(tmp_path, {})
    assert (rule.name, rule.for_ms, rule.shown.value) == ("hot", 90_000, 60.0)
    with pytest.raises(ValidationError, match="frozen"):
        rule.name = "cold"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, r"rules\.hot: unknown key .colour.; allowed: name, kind, .*opens_ticket, text"),
        ({"level": "L9"}, r"rules\.hot\.level: .*'L1', 'L2' or 'L3'"),
        ({"level": None}, r"rules\.hot\.level: is missing"),
        ({"kind": "boat"}, r"rules\.hot\.kind: .*'robot', 'tool' or 'wristband'"),
        (
            {"fault": "worker_sos"},
            r"rules\.hot\.fault: 'worker_sos' is no fault of a robot; allowed: battery_wear,",
        ),
        ({"for": "soon"}, r"rules\.hot\.for: .soon. is no duration; .* 90s or 30m"),
        ({"for": 90}, r"rules\.hot\.for: .90. is no duration"),
        (
            {"when": "battery_temp_c is hot or so"},
            r"rules\.hot\.when: .* is no condition; write `signal >= number`",
        ),
        ({"when": "battery_temp_c == 60"}, r"rules\.hot\.when: .* is no condition"),
        ({"when": "battery_temp_c is 60"}, r"rules\.hot\.when: .* compares wrongly"),
        (
            {"when": "warp_drive >= 60"},
            r"rules\.hot\.when: 'warp_drive' is no signal of a robot; allowed: batt",
        ),
        ({"when": "sos is true"}, r"rules\.hot\.when: 'sos' is no signal of a robot"),
        (
            {"when": "battery_temp_c >= 600"},
            r"rules\.hot\.when: battery_temp_c >= 600: allowed: -30 to 90 °C",
        ),
        ({"when": "battery_temp_c is true", "clear": None}, r"rules\.hot\.when: battery_temp_c is a number"),
        (
            {"when": "state is flying", "clear": None},
            r"rules\.hot\.when: 'flying' is no state; allowed: off, idle",
        ),
        ({"when": "error_code is true", "clear": None}, r"rules\.hot\.when: error_code is text"),
        ({"when": "error_code >= 3", "clear": None}, r"rules\.hot\.when: error_code is no number"),
        ({"when": 'error_code matches "M("', "clear": None}, r"rules\.hot\.when: 'M\(' is no regular"),
        (
            {"when": "error_code is M31, M32", "clear": None},
            r"rules\.hot\.when: .*`error_code is one of M31, M32`",
        ),
        (
            {"when": 'error_code matches "(?=M)3"', "clear": None},
            r"is no regular expression: look-around, [^\n]* is not supported$",
        ),
        ({"when": "state matches err", "clear": None}, r"rules\.hot\.when: state is one of a few"),
        (
            {"when": 'error_code is "12"', "clear": 'error_code matches "1."'},
            r"rules\.hot\.clear: a value could",
        ),
        ({"when": "event low", "clear": "battery_temp_c < 50"}, r"rules\.hot: an event's alert is ended"),
        ({"clear": "event cool"}, r"rules\.hot: `clear: event ...` belongs to"),
        ({"fault": "by_code"}, r"rules\.hot: fault by_code goes with state, error_code or events"),
        (
            {"fault": "by_code", "when": "state is error"},
            r"rules\.hot: with fault by_code .* leave out `clear`",
        ),
        (
            {"clear": "battery_temp_c < 70"},
            r"rules\.hot\.clear: a value could satisfy both `when` and `clear`",
        ),
        ({"clear": "battery_temp_c <= 60"}, r"rules\.hot\.clear: a value could satisfy both"),
        ({"clear": "dustbin_pct < 5"}, r"rules\.hot\.clear: a value could satisfy both"),
        ({"clear": "warp_drive < 5"}, r"rules\.hot\.clear: 'warp_drive' is no signal"),
        ({"absent": "30m"}, r"rules\.hot: `absent` belongs to `when: offline`"),
        ({"when": "offline", "clear": None}, r"rules\.hot: `when: offline` needs `absent`"),
        ({"when": "offline", "absent": "9m"}, r"rules\.hot: .* leave out `clear`"),
        ({"name": "risk"}, r"rules\.risk\.name: 'risk' is kept for alerts of models"),
        ({"name": "Hot!"}, r"rules\.Hot!\.name: .* is no name; allowed: small letters"),
        ({"opens_ticket": "perhaps"}, r"rules\.hot\.opens_ticket: here stands true or false"),
        ({"text": {"en": "Hot."}}, r"rules\.hot\.text\.zh: is missing"),
    ],
)
def test_a_mistake_in_a_rule_is_one_line_with_its_place_and_what_is_allowed(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        rules_of(tmp_path, change)
    assert re.match(rf"{re.escape(str(tmp_path / 'mine.yaml'))}:\d+: ", str(caught.value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "line", "meant"),
    [
        ("when: battery_tmp_c >= 60", 6, "battery_temp_c"),
        ("fault: batery_overheat", 4, "battery_overheat"),
        ("open_ticket: true", 2, "opens_ticket"),
        ("when: state is eror", 6, "error"),
        ("examples: [{name: x, given: [{at: 0s, batery_temp_c: 9}], then: []}]", 10, "battery_temp_c"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_nearest_word(
    tmp_path: Path, change: str, line: int, meant: str
) -> None:
    lines = [
        "rules:",
        "  - name: hot",
        "    kind: robot",
        "    fault: battery_overheat",
        "    level: L1",
        "    when: battery_temp_c >= 60",
        "    opens_ticket: true",
        "    text: {en: Hot., zh: 过热。}",
        "    for: 30s",
    ]
    key = change.partition(":")[0]
    changed = [f"    {change}" if one.strip().startswith(f"{key}:") else one for one in lines]
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join(changed if changed != lines else [*lines, f"    {change}"]), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"mine\.yaml:{line}: .*did you mean {meant}\?"):
        load_rules(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: [", "not valid YAML"),
        ("", "here stands `key: value`, a line each, not nothing"),
        ("rules: []", "rules: must not be empty"),
        ("rules: 5", r"rules: .*a list"),
        ("sules: []", "unknown key .sules.; allowed: rules"),
        ("rules: [7]", r"rules\.0: here stands `key: value`, a line each, not a number"),
    ],
)
def test_a_file_that_is_no_rules_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_rules(path)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_rules(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_rules(tmp_path / "bytes.yaml")


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rules\.hot\.name: used twice"):
        rules_of(tmp_path, {}, {"fault": "brush_jam"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("battery_pct >= 50", [True, True, False, None]),
        ("battery_pct > 50", [False, True, False, None]),
        ("battery_pct <= 50", [True, False, True, None]),
        ("battery_pct < 50", [False, False, True, None]),
        ("worn is true", [True, False, None, True]),
        ("worn is false", [False, True, None, False]),
        ("state is idle", [True, False, None, False]),
        ("battery_pct >= 50 and worn is true", [True, False, False, None]),
    ],
)
def test_a_condition_is_true_false_or_unknown_where_a_signal_is_missing(
    text: str, expected: list[bool | None]
) -> None:
    frame = pl.DataFrame(
        {
            "battery_pct": [50.0, 51.0, 49.0, None],
            "worn": [True, False, None, True],
            "state": ["idle", "off", None, "error"],
        }
    )
    frame = frame.with_columns(pl.all().name.suffix(" held"))
    assert frame.select(parse_condition(text).expression).to_series().to_list() == expected


_TEXTS = [None, "", "M31", "M32", "m31", "12"]


@pytest.mark.parametrize(
    ("condition", "holding"),
    [
        ("error_code is M31", ["M31"]),
        ('error_code is not ""', ["M31", "M32", "m31", "12"]),
        ("error_code is not M31", ["", "M32", "m31", "12"]),
        ('error_code is one of M31, "12"', ["M31", "12"]),
        ('error_code matches "M3."', ["M31", "M32"]),
        ('error_code is "12"', ["12"]),
        ("state is not error and error_code is M31", ["M31"]),
    ],
)
def test_text_is_compared_as_it_reads(condition: str, holding: list[str]) -> None:
    frame = pl.DataFrame(
        {"error_code": _TEXTS, "state": pl.Series(["idle"] * len(_TEXTS), dtype=pl.Enum(["idle", "error"]))}
    )
    parsed = parse_condition(condition)
    assert isinstance(parsed, Condition)
    frame = frame.with_columns(pl.all().name.suffix(" held"))
    assert frame.filter(parsed.expression)["error_code"].to_list() == holding


def test_a_state_is_one_of_several() -> None:
    parsed = parse_condition("state is one of error, paused")
    assert isinstance(parsed, Condition)
    states = pl.Series("state", ["idle", "error", "paused", None], dtype=STATE_TYPE)
    assert states.to_frame().select(held=parsed.expression)["held"].to_list() == [False, True, True, None]


def test_a_file_of_the_first_version_calls_absence_silent(tmp_path: Path) -> None:
    shipped = Path(rules.__file__).with_name("rules.yaml").read_text(encoding="utf-8")
    older = tmp_path / "rules.yaml"
    older.write_text(shipped.replace("    absent: 30m", "    silent: 30m"), encoding="utf-8")
    assert load_rules(older) == load_rules()
