"""The crash benchmark in short: kills of the ingester, a restart of the broker, a disk without room."""

import json
from pathlib import Path

from helpers.mosquitto import find_mosquitto

from benchmarks import crash


def test_nothing_is_lost_or_stored_twice(tmp_path: Path) -> None:
    """Two kills, one with a restart of the broker, one while the disk is full; the ledger adds up."""
    find_mosquitto()
    result = tmp_path / "result.json"
    asked = ["--kills", "1", "--restart-broker-every", "1", "--disk-full", "2", "--rate", "1000"]
    code = crash.main([*asked, "--json", str(result)])
    found = json.loads(result.read_text(encoding="utf-8"))
    assert (found["kills"], found["broker_restarts"]) == (2, 1)
    assert found["published"] == found["stored"] > 2_000
    assert (found["lost"], found["duplicated"], found["wrong"], found["held_by_broker"]) == (0, 0, 0, 0)
    assert found["ledger_adds_up"]
    assert code == 0
