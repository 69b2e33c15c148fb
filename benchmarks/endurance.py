"""Does memory stay flat? `python -m benchmarks.endurance [--messages 5000000] [--qos 0|1] [--json FILE]`.

Millions of messages of 13 signals, from 1,000 devices, go through a real mosquitto into DuckDB as fast as it
goes; `sweepwatch ingest` as it is shipped takes them, and its resident memory is read every second. What
counts is the level: the median over each tenth of the messages. From the second tenth on (by then every
bounded cache, pool and buffer has been used) memory may grow by no more than a tenth of its level at that
point, and 64 MB more for what one group of commits holds at a moment: a leak of 30 bytes a message is seen in
5 million. Exits with 1 when it grows by more, or when a message is lost.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.harness.broker import MosquittoBroker
from benchmarks.harness.ingester import Ingester, adds_up
from benchmarks.harness.process_usage import cpu_s, peak_rss_mb, rss_mb
from benchmarks.harness.turn_publisher import Turns, publish_turns

DEVICES = 1_000
GROWTH_SHARE, GROWTH_MB = 0.1, 64.0
_TENTHS = 10
_START_S = 120.0
_STALL_S = 60.0
_SAMPLE_S = 1.0


@dataclass(frozen=True)
class Sample:
    """Memory at one moment: seconds since the start, readings accounted for, MB."""

    seconds: float
    received: int
    rss_mb: float


@dataclass(frozen=True)
class Outcome:
    """What came of it; `growth_mb` is the last tenth's level less the second's, the slope is its rate."""

    qos: int
    messages: int
    messages_per_second: int
    cpu_us_per_message: float
    rss_after_tenth_mb: float
    rss_at_end_mb: float
    growth_mb: float
    allowed_growth_mb: float
    slope_mb_per_million: float
    peak_rss_mb: float
    store_mb: float
    lost: int
    ledger_adds_up: bool
    load_average: float
    tenths_mb: list[float]

    @property
    def holds(self) -> bool:
        """Whether memory was flat and nothing was lost."""
        return self.growth_mb <= self.allowed_growth_mb and not self.lost and self.ledger_adds_up


def measure(turns: Turns, folder: Path) -> Outcome:
    """Return what came of one run."""
    with MosquittoBroker(folder) as broker:
        ingester = Ingester(folder / "data", f"mqtt://127.0.0.1:{broker.port}")
        ingester.start()
        try:
            ingester.wait_connected(_START_S)
            before = cpu_s(ingester.pid)
            publisher = publish_turns(turns, broker.port)
            try:
                samples, ledger = _watch(ingester, turns.messages)
            finally:
                publisher.join(_START_S)
                publisher.kill()
            cost = cpu_s(ingester.pid) - before
            peak = peak_rss_mb(ingester.pid)
            ingester.stop()
        finally:
            ingester.kill()
    tenths = levels(samples, turns.messages)
    begun = next(sample for sample in samples if sample.received)
    growth = tenths[-1] - tenths[1]
    stored = (folder / "data" / "telemetry.duckdb").stat().st_size / 1024**2
    return Outcome(
        qos=turns.qos,
        messages=turns.messages,
        messages_per_second=round(
            (samples[-1].received - begun.received) / (samples[-1].seconds - begun.seconds)
        ),
        cpu_us_per_message=round(cost / turns.messages * 1e6, 2),
        rss_after_tenth_mb=tenths[1],
        rss_at_end_mb=tenths[-1],
        growth_mb=round(growth, 1),
        allowed_growth_mb=round(GROWTH_SHARE * tenths[1] + GROWTH_MB, 1),
        slope_mb_per_million=round(growth / (turns.messages * (_TENTHS - 2) / _TENTHS) * 1e6, 2),
        peak_rss_mb=round(peak, 1),
        store_mb=round(stored, 1),
        lost=turns.messages - ledger["written"],
        ledger_adds_up=adds_up(ledger),
        load_average=round(os.getloadavg()[0], 2),
        tenths_mb=tenths,
    )


def _watch(ingester: Ingester, messages: int) -> tuple[list[Sample], dict[str, int]]:
    """Sample memory until everything is accounted for, or nothing has moved for long."""
    begun = moved = time.monotonic()
    samples = [Sample(0.0, 0, rss_mb(ingester.pid))]
    ledger = dict.fromkeys(("received", "written", "duplicate", "quarantined"), 0)
    while samples[-1].received < messages and time.monotonic() < moved + _STALL_S:
        time.sleep(_SAMPLE_S)
        ledger = ingester.ledger() or ledger
        now = time.monotonic()
        if ledger["received"] > samples[-1].received:
            moved = now
        samples.append(Sample(now - begun, ledger["received"], rss_mb(ingester.pid)))
    return samples, ledger


def levels(samples: Sequence[Sample], messages: int) -> list[float]:
    """Return the median memory over each tenth of the messages, MB; one without a sample has the last's."""
    found: list[float] = []
    for tenth in range(_TENTHS):
        low, high = messages * tenth / _TENTHS, messages * (tenth + 1) / _TENTHS
        inside = [sample.rss_mb for sample in samples if low < sample.received <= high]
        found.append(round(statistics.median(inside), 1) if inside else (found or [samples[0].rss_mb])[-1])
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=5_000_000, help="in all (5000000)")
    parser.add_argument("--qos", type=int, choices=(0, 1), default=1, help="of publisher and subscriber (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sweepwatch-endurance-") as folder:
        Path(folder).chmod(0o755)  # the broker runs as a user of its own
        outcome = measure(Turns(DEVICES, asked.qos, 0, asked.messages // DEVICES), Path(folder))
    text = json.dumps(asdict(outcome), indent=2)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")
    return 0 if outcome.holds else 1


if __name__ == "__main__":
    sys.exit(main())
