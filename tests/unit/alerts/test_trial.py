"""Rules are tried on their own examples, through the engine that judges a fleet."""

from pathlib import Path

import pytest

from alerts.judging.rule_file import load_rules
from alerts.trial import Tried, try_examples
from fleet.codes import load_codes
from fleet.errors import ConfigError
from fleet.signals import STANDARD_SIGNALS

RULE = """
rules:
  - name: hot
    kind: robot
    fault: battery_overheat
    level: L1
    when: battery_temp_c >= 60
    clear: battery_temp_c < 52
    for: 30s
    opens_ticket: true
    text: {en: Hot., zh: 过热。}
    examples:
"""


def tried(folder: Path, *examples: str) -> list[Tried]:
    path = folder / "mine.yaml"
    path.write_text(RULE + "".join(f"      - {one}\n" for one in examples), encoding="utf-8")
    return list(try_examples(load_rules(path), STANDARD_SIGNALS, load_codes()))


def test_every_shipped_rule_has_examples_and_does_what_they_say() -> None:
    rules = load_rules()
    assert [rule.name for rule in rules if not rule.examples] == []
    came = list(try_examples(rules, STANDARD_SIGNALS, load_codes()))
    assert len(came) >= len(rules)
    assert [(each.rule.name, each.example.name, each.states) for each in came if not each.holds] == []


def test_each_example_begins_anew(tmp_path: Path) -> None:
    given = "given: [{at: 0s, battery_temp_c: 61}, {at: 30s, battery_temp_c: 61}]"
    hot = f"{{name: hot, {given}, then: [pending, firing]}}"
    cold = "{name: cold, given: [{at: 0s, battery_temp_c: 20}], then: []}"
    assert [each.holds for each in tried(tmp_path, hot, cold, hot)] == [True, True, True]


def test_an_example_that_does_not_come_so_says_what_came(tmp_path: Path) -> None:
    [each] = tried(tmp_path, "{name: x, given: [{at: 0s, battery_temp_c: 61}], then: [firing]}")
    assert (each.holds, each.states) == (False, ("pending",))


def test_an_example_may_name_the_fault(tmp_path: Path) -> None:
    given = "given: [{at: 0s, battery_temp_c: 61}], then: [pending]"
    right, wrong = tried(
        tmp_path,
        f"{{name: x, {given}, fault: battery_overheat}}",
        f"{{name: y, {given}, fault: brush_jam}}",
    )
    assert (right.holds, wrong.holds) == (True, False)


@pytest.mark.parametrize(
    ("example", "says"),
    [
        ("{name: x, given: [], then: []}", "examples.x.given"),
        ("{name: x, given: [{at: 9s}, {at: 1s}], then: []}", "never goes back"),
        ("{name: x, given: [{at: soon}], then: []}", "is no duration"),
        ("{name: x, given: [{at: 0s, battery_temp_c: hot}], then: []}", "does not fit"),
        ("{name: x, given: [{at: 0s, state: flying}], then: []}", "does not fit"),
        ("{name: x, given: [{at: 0s, status: gone}], then: []}", "'online' or 'offline'"),
        ("{name: x, given: [{at: 0s}], then: [fired]}", "'pending', 'firing'"),
    ],
)
def test_an_example_that_cannot_be_is_refused(tmp_path: Path, example: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        tried(tmp_path, example)
