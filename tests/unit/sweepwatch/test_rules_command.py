"""`sweepwatch rules`: rules are looked at and tried without an installation."""

import json
from pathlib import Path

import pytest

from alerts.judging import rules as module
from alerts.judging.rule_file import load_rules
from fleet.errors import NotFound
from sweepwatch.commands.rules import ExamplesFailed, check_rules, list_rules, show_rule, try_rules
from sweepwatch.settings.settings import Settings

SHIPPED = Path(module.__file__).with_name("rules.yaml")


def few_rules(folder: Path, **changes: str) -> Path:
    """Return a file of the first two shipped rules; all of them are tried by tests/unit/alerts/test_trial."""
    text = SHIPPED.read_text(encoding="utf-8")
    text = text[: text.index("  - name: reports_code")]
    for before, after in changes.items():
        text = text.replace(f"for: {before[1:]}", f"for: {after}")
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_ships_can_be_used_and_does_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    check_rules(Settings(), None, said.append)
    try_rules(Settings(), few_rules(tmp_path), said.append)
    assert said[0] == f"{len(load_rules())} rules can be used."
    assert "battery_hot: 2 of 2 examples hold" in said
    list_rules(Settings(), None, False, said.append)
    assert "battery_temp_c >= 60" in capsys.readouterr().out


def test_a_rule_is_shown_with_its_examples() -> None:
    said: list[str] = []
    show_rule(Settings(), "robot_offline", None, False, said.append)
    assert "when: offline" in said
    assert "  1m: offline" in said
    with pytest.raises(NotFound, match="did you mean robot_offline"):
        show_rule(Settings(), "robot_ofline", None, False, said.append)
    list_rules(Settings(), None, True, said.append)
    assert {one["name"] for one in json.loads(said[-1])} >= {"battery_hot", "worker_sos"}


def test_a_failing_example_is_named_with_what_came(tmp_path: Path) -> None:
    path = few_rules(tmp_path, _30s="30m")
    said: list[str] = []
    with pytest.raises(ExamplesFailed, match="expected pending, firing, resolved; came pending, resolved"):
        try_rules(Settings(), path, said.append)
    assert "battery_hot: 1 of 2 examples hold" in said
