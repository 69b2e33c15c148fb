"""From publish to durable and to acknowledged: `python -m benchmarks.latency [--json FILE]`.

At 1,000 and at 10,000 messages a second of 13 signals, QoS 1, through a real mosquitto into DuckDB, by an
ingester wired as `sweepwatch ingest` is. Published: just before the packet is handed to the publisher's
socket, which waits for nobody. Durable: when the store's write returned. Acknowledged: when the PUBACK's
bytes had been handed to the ingester's socket; the broker reads them a moment later. All on one clock. The
first seconds are left out: code and caches are cold. Exits with 1 when a message was lost, or was
acknowledged before it was durable.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.harness.broker import MosquittoBroker
from benchmarks.harness.turn_publisher import Turns, publish_turns

RATES = (1_000, 10_000)
DEVICES = 500
PERCENTILES = {"p50": 50.0, "p99": 99.0, "p99_9": 99.9}
_WARM_UP_S = 3
_GIVE_UP_S = 180.0


def measure(rate: int, seconds: int, folder: Path) -> dict[str, Any]:
    """Return the latencies at one rate, in milliseconds."""
    folder.mkdir()
    times = folder / "published.npy"
    turns = Turns(DEVICES, 1, 0, rate * (seconds + _WARM_UP_S) // DEVICES, rate=rate, times=times)
    with MosquittoBroker(folder) as broker, (folder / "log").open("wb") as log:
        arguments = [f"mqtt://127.0.0.1:{broker.port}", str(folder), str(DEVICES), str(turns.messages)]
        ingester = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.harness.stamping_ingester", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
        )
        with ingester:
            try:
                assert ingester.stdout is not None  # it is a pipe
                if b"ready" not in ingester.stdout.readline():
                    raise RuntimeError(
                        f"the ingester did not start: {(folder / 'log').read_text(encoding='utf-8')}"
                    )
                publisher = publish_turns(turns, broker.port)
                publisher.join(_GIVE_UP_S)
                publisher.kill()
                ingester.wait(_GIVE_UP_S)
            finally:
                ingester.kill()
    with np.load(folder / "stamps.npz") as stamps:
        return figures(rate, np.load(times), stamps["durable"], stamps["acknowledged"])


def figures(
    rate: int,
    published: npt.NDArray[np.int64],
    durable: npt.NDArray[np.int64],
    acknowledged: npt.NDArray[np.int64],
) -> dict[str, Any]:
    """Return what the stamps (ns, 0 where it did not happen) say; shape of each: (messages,)."""
    both = (durable > 0) & (acknowledged > 0)
    counts = both & (published >= published[0] + _WARM_UP_S * 1_000_000_000)
    due = published[0] + np.arange(published.size) * (1_000_000_000 / rate)
    found: dict[str, Any] = {
        "messages_per_second": rate,
        "messages": int(counts.sum()),
        "lost": int((~both).sum()),
        "acknowledged_before_durable": int((acknowledged[both] < durable[both]).sum()),
        "publisher_late_ms_p99": round(float(np.percentile((published - due)[counts], 99)) / 1e6, 2),
        "load_average": round(os.getloadavg()[0], 2),
    }
    for name, stamps in (("durable", durable), ("acknowledged", acknowledged)):
        took = (stamps - published)[counts] / 1e6
        found[f"publish_to_{name}_ms"] = {
            label: round(float(np.percentile(took, share)), 2) for label, share in PERCENTILES.items()
        }
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=20, help="at each rate (20)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sweepwatch-latency-") as folder:
        Path(folder).chmod(0o755)  # the broker runs as a user of its own
        found = [measure(rate, asked.seconds, Path(folder) / str(rate)) for rate in RATES]
    text = json.dumps({"rates": found}, indent=2)
    print(text)
    if asked.json:
        asked.json.write_text(text + "\n", encoding="utf-8")
    return 1 if any(each["lost"] or each["acknowledged_before_durable"] for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
