"""The simulated year, in short: a few robots and weeks, all four policies, the same faults for each."""

import json
from pathlib import Path

import pytest

from benchmarks import service
from benchmarks.year.figures import NAMES


def test_four_policies_live_through_the_same_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--robots", "40", "--days", "16", "--run-in", "6", "--seeds", "1"]
    told = tmp_path / "service.json"
    service.main([*size, "--runs", str(tmp_path), "--json", str(told)])
    capsys.readouterr()
    found = json.loads(told.read_text(encoding="utf-8"))
    assert found["seeds"] == [0]
    assert set(found["policies"]) == {"a", "b", "c", "d"}
    assert set(found["gains"]) == {"dispatch", "parts", "foresight"}
    for policy, figures in found["policies"].items():
        assert set(figures) == set(NAMES)
        assert figures["wait_h"]["mean"] >= 0
        beside = found["runs"][policy]["0"]["beside"]
        assert beside["visits"] > 10
        assert beside["cases"] > 10
    waits = {policy: figures["wait_h"]["mean"] for policy, figures in found["policies"].items()}
    assert waits["b"] < waits["a"]
