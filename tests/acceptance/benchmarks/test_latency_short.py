"""The benchmark of latency, a second of it: it stands before methods of ours, which may move away from it."""

from pathlib import Path

from benchmarks.latency import measure


def test_every_message_is_durable_before_it_is_acknowledged(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # the broker runs as a user of its own
    found = measure(500, 1, tmp_path / "latency")
    assert found["messages"] >= 400
    assert found["lost"] == 0
    assert found["acknowledged_before_durable"] == 0
    assert 0 < found["publish_to_durable_ms"]["p50"] <= found["publish_to_acknowledged_ms"]["p50"]
