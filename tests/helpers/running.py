"""Runs the product as a user does: a process of its own, asked over HTTP, stopped by a signal."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from helpers.way_in import token_for

from sweepwatch.run.stopping import STOP_AT_MOST_S

ROOT = Path(__file__).parents[2]
# Long, for machines that are busy with other things: what is measured is measured elsewhere.
PATIENCE_S = 400.0
_OPEN = ("/healthz", "/readyz", "/metrics")
"""What nobody needs a token for, of `run` and `serve` or of the ports of `ingest` and `score`."""
PROGRAM = [sys.executable, "-c", "from sweepwatch.cli import main; main()"]


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(server: HTTPServer) -> Iterator[None]:
    """Answer requests in a thread while the context lasts, then close the server."""
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SWEEPWATCH_")}
    return kept | {"PYTHONPATH": str(ROOT)} | more


def sweepwatch(*arguments: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        cwd=cwd,
        env=environment(**more),
    )


class Running:
    """One `sweepwatch` process; a context manager that never leaves it behind."""

    def __init__(self, *arguments: str, log: Path, port: int, **more: str) -> None:
        self.port = port
        self._arguments, self._more = arguments, more
        self._token: str | None = None
        self._log = log.open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=environment(**more),
            start_new_session=True,
        )

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._log.close()

    @property
    def output(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text(encoding="utf-8")

    def get(self, path: str) -> Any:
        """Return the JSON (or text) at a path, whatever its status; it comes in by a token of its own."""
        if self._token is None and not path.startswith(_OPEN):
            self._token = token_for(self._arguments, self._more)
        status, body = self._read(path)
        if status == 401:
            self._token = token_for(self._arguments, self._more)
            body = self._read(path)[1]
        try:
            return json.loads(body)
        except ValueError:
            return body

    def _read(self, path: str) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def items(self, path: str) -> list[dict[str, Any]]:
        """Return all items of a list, page by page."""
        found: list[dict[str, Any]] = []
        joint, cursor = "&" if "?" in path else "?", ""
        while True:
            page = self.get(f"{path}{joint}limit=500{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def wait_for(self, what: str, done: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Ask again until `done`; fail with the process's output when it ends or takes too long."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"ended while waiting for {what}:\n{self.output}"
            try:
                if done():
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(0.2)
        raise AssertionError(f"no {what} within {patience_s} s:\n{self.output}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and return its exit code; one that is not 0 shows what it said, in a failed test."""
        self.process.send_signal(number)
        code = self.process.wait(STOP_AT_MOST_S + 15)
        if code:
            sys.stderr.write(self.output)
        return code
