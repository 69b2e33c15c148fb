"""CPU per message from the socket to the durable store, against programs that only receive.

`python -m benchmarks.ingest --messages 200000 --qos 1 [--store duckdb|influxdb] [--runs 5] [--json FILE]`

Starts a mosquitto of its own, and in each run lets three subscribers take the same messages, one after the
other: `sweepwatch ingest` as it is shipped (alert rules and all), `mosquitto_sub` (the floor: a C program
that prints what it gets), and paho's own loop. CPU is user + system of the subscriber's process as the system
counts it, less what it had used when it was subscribed. With `--store influxdb` an influxd is started beside
it, and neither its time nor that of the alias before it counts; a run ends when InfluxDB has every row.
Exits with 1 when a median misses what it must reach.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.harness.broker import MosquittoBroker
from benchmarks.harness.influx import InfluxServer
from benchmarks.harness.publisher import Load, publish
from benchmarks.harness.subscribers import Floor, Ours, OursToInflux, Paho, Subscriber

MUST_RATIO = {"duckdb": {0: 1.3, 1: 0.9}, "influxdb": {0: 1.7, 1: 1.1}}
MUST_RATE = {"duckdb": {0: 60_000, 1: 30_000}, "influxdb": {}}
"""influxd spends 40 to 50 µs of CPU a row itself: how fast it goes says nothing about us."""


@dataclass(frozen=True)
class Run:
    """What one subscriber took in one run."""

    cpu_us_per_message: float
    messages_per_second: float
    peak_rss_mb: float
    lost: int
    duplicated: int


def measure(subscriber: Subscriber, load: Load, broker: MosquittoBroker) -> Run:
    """Let one subscriber take one load; return what it cost."""
    with subscriber:
        before = subscriber.cpu_s()
        publisher = publish(load, broker.port)
        try:
            seconds = subscriber.wait_for(load.messages)
        finally:
            publisher.join()
        cost = subscriber.cpu_s() - before
        peak = subscriber.peak_rss_mb()
    received, distinct = subscriber.counted()
    return Run(
        cpu_us_per_message=cost / load.messages * 1e6,
        messages_per_second=load.messages / seconds,
        peak_rss_mb=peak,
        lost=load.messages - distinct,
        duplicated=received - distinct,
    )


def run_all(options: argparse.Namespace, folder: Path) -> dict[str, list[Run]]:
    """Return the runs of each subscriber; they take turns, so that a slow moment meets all of them."""
    runs: dict[str, list[Run]] = {"ours": [], "floor": [], "paho": []}
    with ExitStack() as running:
        influx = running.enter_context(InfluxServer(folder)) if options.store == "influxdb" else None
        load = Load(options.messages, options.qos, options.devices)
        for number in range(options.runs):
            for name in ("ours", "floor") if options.no_paho else ("ours", "floor", "paho"):
                here = folder / f"{name}-{number}"
                here.mkdir()
                # A broker each: it would keep for a session what it sends to the others.
                with MosquittoBroker(here) as broker:
                    run = measure(_subscriber(name, broker, influx, here, options.qos), load, broker)
                runs[name].append(run)
                print(
                    f"run {number + 1} {name:6} {run.cpu_us_per_message:6.1f} µs a message, "
                    f"{run.messages_per_second:7.0f}/s, {run.peak_rss_mb:4.0f} MB, lost {run.lost}, "
                    f"twice {run.duplicated}, load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
    return runs


def _subscriber(
    name: str, broker: MosquittoBroker, influx: InfluxServer | None, folder: Path, qos: int
) -> Subscriber:
    if name == "ours":
        files = folder / "ours"
        if influx is None:
            return Ours(broker.port, files, qos)
        return OursToInflux(broker.port, files, qos, influx.bucket(folder.name))
    program = Floor if name == "floor" else Paho
    return program(broker.port, folder / name, qos)


def result(runs: dict[str, list[Run]], options: argparse.Namespace) -> dict[str, object]:
    """Return the medians under the names that scripts rely on, and every run beside them."""

    def median(name: str, field: str) -> float:
        return statistics.median(getattr(run, field) for run in runs[name])

    ratios = [
        ours.cpu_us_per_message / floor.cpu_us_per_message
        for ours, floor in zip(runs["ours"], runs["floor"], strict=True)
    ]
    return {
        "store": options.store,
        "qos": options.qos,
        "messages": options.messages,
        "devices": options.devices,
        "cpu_us_per_message": round(median("ours", "cpu_us_per_message"), 2),
        "floor_cpu_us_per_message": round(median("floor", "cpu_us_per_message"), 2),
        "paho_cpu_us_per_message": round(median("paho", "cpu_us_per_message"), 2) if runs["paho"] else None,
        "ratio_to_floor": round(statistics.median(ratios), 3),
        "messages_per_second": round(median("ours", "messages_per_second")),
        "peak_rss_mb": round(max(run.peak_rss_mb for run in runs["ours"]), 1),
        "lost": sum(run.lost for run in runs["ours"]),
        "duplicated": sum(run.duplicated for run in runs["ours"]),
        "load_average": os.getloadavg()[0],
        "must": {
            "ratio_to_floor": MUST_RATIO[options.store][options.qos],
            "messages_per_second": MUST_RATE[options.store].get(options.qos),
        },
        "runs": {name: [asdict(run) for run in each] for name, each in runs.items()},
    }


def missed(figures: dict[str, object], store: str, qos: int) -> list[str]:
    """Return the figures that must be better; the rate counts only on a machine that does nothing else."""
    wrong = []
    must = MUST_RATIO[store][qos]
    if figures["ratio_to_floor"] > must:  # type: ignore[operator]  # a float
        wrong.append(f"ratio_to_floor {figures['ratio_to_floor']} is over {must}")
    wrong += [f"{name}: {figures[name]} readings" for name in ("lost", "duplicated") if figures[name]]
    return wrong


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=200_000, help="messages a run (200000)")
    parser.add_argument("--qos", type=int, choices=(0, 1), default=1, help="of publisher and subscriber (1)")
    parser.add_argument("--store", choices=tuple(MUST_RATIO), default="duckdb", help="what we write to")
    parser.add_argument("--devices", type=int, default=1_000, help="devices that publish in turn (1000)")
    parser.add_argument("--runs", type=int, default=5, help="paired runs, of which the median counts (5)")
    parser.add_argument("--no-paho", action="store_true", help="leave out paho's own loop")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = result(run_all(options, Path(folder)), options)
    shown = {name: value for name, value in figures.items() if name != "runs"}
    print(json.dumps(shown, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    wrong = missed(figures, options.store, options.qos)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
