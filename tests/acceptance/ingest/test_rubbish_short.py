"""The benchmarks of fuzzed messages and of a device that sends rubbish, in short."""

import json
from pathlib import Path

import pytest

from benchmarks import fuzz, rubbish
from benchmarks.harness.commits import CommitPath
from fleet.clock import ManualClock, SystemClock


def test_twenty_thousand_spoiled_messages_are_all_accounted_for(tmp_path: Path) -> None:
    """Through every dialect: no commit fails, each message has an outcome, the store has what was written."""
    file = tmp_path / "figures.json"
    code = fuzz.main(["--messages", "20000", "--seed", "7", "--json", str(file)])
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert (code, figures["wrong"], figures["accounted"]) == (0, [], 20_000)
    assert figures["received"] == figures["written"] + figures["duplicate"] + figures["quarantined"]
    assert min(figures["written"], figures["duplicate"], figures["quarantined"]) > 1_000
    assert len(figures["by_reason"]) > 12


def test_a_run_that_takes_too_long_says_how_far_it_came(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    assert fuzz.main(["--messages", "2000", "--minutes", "0", "--json", str(file)]) == 1
    (line,) = json.loads(file.read_text(encoding="utf-8"))["wrong"]
    assert "of 2000 messages in 0 minutes" in line


@pytest.mark.parametrize("name", [*rubbish.KINDS, rubbish.TOGETHER])
def test_rubbish_of_each_kind_leaves_the_good_readings_of_its_batch_stored(tmp_path: Path, name: str) -> None:
    """What the benchmark measures is what it says: the rubbish is refused or harmless, all others stored."""
    plan = rubbish.Plan(commits=2, batch=200, devices=50, rubbish=3)
    clock = ManualClock(SystemClock().now_ms())
    fleet = rubbish.Fleet(plan, clock)
    with CommitPath(tmp_path, clock) as path:
        for _ in range(plan.commits):
            path.commit(fleet.among(fleet.good(), name))
        ledger = path.ledger()
        tops = path.store.newest(rubbish.GOOD_KIND)
    assert sum(ledger.messages.values()) == plan.commits * (plan.batch + plan.rubbish)
    assert ledger.written + ledger.duplicate >= plan.commits * plan.batch
    assert sum(device.startswith("G") for device in tops) == plan.devices
