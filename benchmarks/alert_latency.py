"""From publish to an alert on the log: `python -m benchmarks.alert_latency [--json FILE]`.

5,000 messages a second of 13 signals, QoS 1, through a real mosquitto into DuckDB, by an ingester wired as
`sweepwatch ingest` is, whose alerts are followed and told by mail. Twice a second a device tells of an
error: from handing that to the publisher's socket until another process reads the alert on the log. With a
mail server that answers, and with one that takes connections and says nothing, in turn, some rounds each. Of
each figure the median of the rounds counts: a disk that stands still for half a second once a minute, as
those of shared machines do, would else be taken for what we do. How long it stood still at most is measured
beside it, by a thread that writes a page now and then and waits for it. Exits with 1 when a must figure is
missed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any

import numpy as np

from benchmarks.harness.broker import MosquittoBroker
from benchmarks.harness.disk import slowest_sync
from benchmarks.harness.raw_publisher import RawPublisher
from benchmarks.harness.receivers import MailReceiver, mail_receiver
from benchmarks.harness.report import hand_over, percentiles
from benchmarks.harness.storm_house import desk_of, invite
from benchmarks.harness.turn_publisher import Turns, publish_turns
from fleet.clock import SystemClock
from fleet.events import Subject
from storage.records.database import DeskDatabase
from storage.records.events import events_after
from storage.records.followers import newest_told

RATE, DEVICES = 5_000, 500
MUST_ALERT_P99_MS = 500.0
MUST_ACKNOWLEDGED = 1.5
"""So many times the acknowledgement's p99 may take what it takes with a mail server that answers."""
HOW = ("answer", "hang")
_EVERY_S, _LOOK_S, _WARM_UP_S, _GIVE_UP_S = 0.5, 0.01, 5.0, 180.0
_PAUSE_S = 2.0


def measure(how: str, seconds: int, folder: Path) -> dict[str, Any]:
    """Return the latencies of a round with a mail server that answers, or hangs, in milliseconds."""
    folder.mkdir()
    times = folder / "published.npy"
    turns = Turns(DEVICES, 1, 0, RATE * seconds // DEVICES, rate=RATE, times=times)
    with MosquittoBroker(folder) as broker, mail_receiver(how=how) as mail, _desk(folder) as desk:
        with (
            _ingesting(folder, broker.port, turns, mail),
            closing(RawPublisher(broker.port, "errors")) as by,
            slowest_sync(folder) as disk,
        ):
            load = publish_turns(turns, broker.port)
            time.sleep(_WARM_UP_S)
            with _seen(desk) as seen:
                told = _tell_of_errors(by, seconds - _WARM_UP_S - _PAUSE_S)
                load.join(_GIVE_UP_S)
            load.kill()
        mails = len(mail.raw)
    return {
        "errors": len(told),
        "waited_ms": [(seen[name] - at) * 1000 for name, at in told.items() if name in seen],
        "acknowledged_ms": _acknowledged(folder, times),
        "mails": mails,
        "slowest_sync_ms": disk(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def together(how: str, rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what rounds of one kind came to: each figure in the rounds' median."""
    alerts = [percentiles(each["waited_ms"]) for each in rounds]
    p99s = [each["acknowledged_ms"]["p99"] for each in rounds]
    return {
        "mail_server": how,
        "errors": sum(each["errors"] for each in rounds),
        "alerts": sum(len(each["waited_ms"]) for each in rounds),
        "publish_to_alert_ms": {
            "p50": median(each["p50"] for each in alerts),
            "p99": median(each["p99"] for each in alerts),
            "max": max(each["max"] for each in alerts),
            "p99_of_rounds": [each["p99"] for each in alerts],
        },
        "publish_to_acknowledged_ms": {
            "p50": median(each["acknowledged_ms"]["p50"] for each in rounds),
            "p99": median(p99s),
            "p99_of_rounds": p99s,
            "lost": sum(each["acknowledged_ms"]["lost"] for each in rounds),
        },
        "mails": sum(each["mails"] for each in rounds),
        "slowest_sync_ms": [each["slowest_sync_ms"] for each in rounds],
        "load_average": [each["load_average"] for each in rounds],
    }


@contextmanager
def _desk(folder: Path) -> Iterator[DeskDatabase]:
    data = folder / "data"
    data.mkdir()
    with closing(desk_of(data)) as desk:
        invite(desk, [])
        yield desk


@contextmanager
def _ingesting(folder: Path, port: int, turns: Turns, mail: MailReceiver) -> Iterator[None]:
    """Run the ingester until it has acknowledged all readings."""
    command = [sys.executable, "-m", "benchmarks.harness.stamping_ingester", f"mqtt://127.0.0.1:{port}"]
    command += [str(folder), str(turns.devices), str(turns.messages), str(mail.port)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as ingester,
    ):
        try:
            assert ingester.stdout is not None  # it is a pipe
            if b"ready" not in ingester.stdout.readline():
                raise RuntimeError(f"it did not start: {(folder / 'log').read_text(encoding='utf-8')}")
            yield
            ingester.wait(_GIVE_UP_S)
        finally:
            ingester.kill()


def _tell_of_errors(sender: RawPublisher, seconds: float) -> dict[str, float]:
    """Let one device after another tell of an error; return when that was handed over, epoch seconds."""
    told: dict[str, float] = {}
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        sender.take_acknowledgements()
        name = f"E{len(told):05d}"
        body = {"ts": SystemClock().now_ms(), "code": "error", "detail": {"error_code": "M21"}}
        told[name] = time.time()
        sender.send([(f"sweepwatch/v1/hall{len(told) % 50}/robot/{name}/event", json.dumps(body).encode())])
        time.sleep(_EVERY_S)
    while sender.in_flight:
        sender.take_acknowledgements()
    return told


@contextmanager
def _seen(desk: DeskDatabase) -> Iterator[dict[str, float]]:
    """Follow the log as another process would: when each device's first alert was there, epoch seconds."""
    seen: dict[str, float] = {}
    ending = Event()

    def look() -> None:
        cursor = 0
        while not ending.wait(_LOOK_S):
            if newest_told(desk) == cursor:  # the cheap question: who looks on must not take what is measured
                continue
            with desk.transaction() as session:
                found = events_after(session, cursor, 1_000)
            now = time.time()
            for event in found:
                cursor = event.id
                if event.subject is Subject.ALERT:
                    seen.setdefault(str(event.data.get("device_id")), now)

    thread = Thread(target=look)
    thread.start()
    try:
        yield seen
        time.sleep(_PAUSE_S)
    finally:
        ending.set()
        thread.join()


def _acknowledged(folder: Path, times: Path) -> dict[str, float]:
    published = np.load(times)
    with np.load(folder / "stamps.npz") as stamps:
        acknowledged = stamps["acknowledged"]
    counts = (acknowledged > 0) & (published >= published[0] + _WARM_UP_S * 1e9)
    return percentiles(((acknowledged - published)[counts] / 1e6).tolist()) | {
        "lost": float((acknowledged == 0).sum())
    }


def missed(answers: dict[str, Any], hangs: dict[str, Any]) -> list[str]:
    """Name the figures that were missed."""
    usual, then = (each["publish_to_acknowledged_ms"]["p99"] for each in (answers, hangs))
    musts = {
        f"publish_to_alert_ms, mail server {each['mail_server']}s": each["alerts"] == each["errors"]
        and each["publish_to_alert_ms"]["p99"] <= MUST_ALERT_P99_MS
        for each in (answers, hangs)
    }
    musts["publish_to_acknowledged_ms"] = then <= MUST_ACKNOWLEDGED * usual
    return [name for name, reached in musts.items() if not reached]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=67, help="how long a round lasts (67)")
    parser.add_argument("--rounds", type=int, default=3, help="how many of each kind (3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sweepwatch-alerts-") as folder:
        Path(folder).chmod(0o755)  # the broker runs as a user of its own
        rounds = {how: list[dict[str, Any]]() for how in HOW}
        for number in range(asked.rounds):
            for how in HOW:
                rounds[how].append(measure(how, asked.seconds, Path(folder) / f"{how}-{number}"))
    answers, hangs = (together(how, rounds[how]) for how in HOW)
    found = {"messages_per_second": RATE, "must_p99_ms": MUST_ALERT_P99_MS, "runs": [answers, hangs]}
    return hand_over(found, missed(answers, hangs), asked.json)


if __name__ == "__main__":
    sys.exit(main())
