"""`sweepwatch ingest` as a process of its own: started, asked for its ledger, killed, started again."""

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

from benchmarks.harness.broker import free_port

PROGRAM = (sys.executable, "-c", "from sweepwatch.cli import main; main()")
OUTCOMES = ("received", "written", "duplicate", "quarantined")
_TICK_S = 0.1
_ASKED = "name[]=sweepwatch_ingest_connected&name[]=sweepwatch_ingest_readings_total"
"""It is asked ten times a second: what the desk counts for others would be a part of the cost."""


class Ingester:
    """One ingester with its data in `folder`; `store` is a store's URL, None: DuckDB in that folder."""

    def __init__(
        self, folder: Path, broker_url: str, store: str | None = None, more: Sequence[str] = ()
    ) -> None:
        self.port = free_port()
        self.log = folder.parent / f"{folder.name}.log"
        self._command = [
            *(*PROGRAM, "ingest", "--broker", broker_url, "--data", str(folder)),
            *("--metrics-port", str(self.port), *more),
            *(("--store", store) if store else ()),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the process that runs."""
        assert self._process is not None, "it was not started"
        return self._process.pid

    def start(self) -> None:
        """Start it; returns at once."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)

    @property
    def ended(self) -> bool:
        """Whether it is not running."""
        return self._process is None or self._process.poll() is not None

    def ledger(self) -> dict[str, int] | None:
        """Return the ledger of the process; None while it is not subscribed at the broker."""
        text = self._metrics()
        if not re.search(r"^sweepwatch_ingest_connected 1\.0$", text, re.MULTILINE):
            return None
        found = re.findall(r'^sweepwatch_ingest_readings_total\{outcome="(\w+)"\} (\S+)$', text, re.MULTILINE)
        return {outcome: int(float(value)) for outcome, value in found}

    def _metrics(self) -> str:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/metrics?{_ASKED}", timeout=2
            ) as answer:
                text: str = answer.read().decode()
                return text
        except (OSError, HTTPException):
            return ""

    def wait_connected(self, timeout_s: float) -> float:
        """Wait until it has subscribed; return the seconds that took. Raises RuntimeError."""
        begun = time.monotonic()
        while time.monotonic() < begun + timeout_s and not self.ended:
            if self.ledger() is not None:
                return time.monotonic() - begun
            time.sleep(_TICK_S)
        what = "ended" if self.ended else f"did not subscribe within {timeout_s:.0f} s"
        raise RuntimeError(f"the ingester {what}: {self.said()}")

    def said(self) -> str:
        """Return the last lines of what it said."""
        lines = (
            self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.exists() else []
        )
        return " | ".join(lines[-3:])

    def kill(self) -> None:
        """End it with SIGKILL; harmless where it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, timeout_s: float = 60.0) -> None:
        """End it in order."""
        assert self._process is not None, "it was not started"
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout_s)


def adds_up(ledger: dict[str, int]) -> bool:
    """Tell whether everything received is accounted for."""
    return ledger["received"] == ledger["written"] + ledger["duplicate"] + ledger["quarantined"]
