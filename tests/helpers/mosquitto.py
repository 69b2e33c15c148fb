"""A real mosquitto as a child process, with its data in a folder of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from pathlib import Path

import pytest
from helpers.running import free_port

_CONF = """\
listener {port} 127.0.0.1
allow_anonymous true
user {user}
persistence true
persistence_location {folder}/
autosave_interval 1
max_inflight_messages 1000
max_queued_messages 0
max_queued_bytes 268435456
{extra}
"""


def find_mosquitto() -> str:
    """Return the program; without it skip the test, or fail it in CI."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("mosquitto is not installed: apt-get install mosquitto")
        pytest.skip("mosquitto is not installed")
    return program


class Mosquitto:
    """A mosquitto that can be stopped and started again on the same port with the same data."""

    def __init__(self, folder: Path, extra: str = "") -> None:
        self._program = find_mosquitto()
        self.port = free_port()
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(_CONF.format(port=self.port, folder=folder, extra=extra, user=getuser()))
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", str(self._conf)], stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.stop()
                    raise AssertionError(f"mosquitto did not start: {self._log.read_text()}") from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End it; it writes its sessions to disk."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


@contextmanager
def running_mosquitto(folder: Path, extra: str = "") -> Iterator[Mosquitto]:
    """Run a mosquitto with its data in `folder`; `extra` is added to its configuration."""
    broker = Mosquitto(folder, extra)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
