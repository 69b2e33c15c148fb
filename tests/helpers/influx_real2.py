"""A real InfluxDB 2.x as a child process, where one is on the PATH: `influxd version` says which it is."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from functools import cache
from hashlib import sha256
from pathlib import Path

from helpers.running import free_port

from benchmarks.harness.influx import answers
from storage.series.influx.http import InfluxConnection
from storage.series.influx.setup import set_up
from storage.series.store_url import InfluxAddress

_PLACES = "/usr/sbin:/usr/local/bin"
_TOKEN = "a-token-of-tests"


@cache
def program_of(version: str) -> str | None:
    """Return the first influxd of a version (`1` or `2`) on the PATH, None when there is none."""
    for folder in f"{os.environ.get('PATH', '')}:{_PLACES}".split(":"):
        program = shutil.which("influxd", path=folder) if folder else None
        if program is None:
            continue
        said = subprocess.run([program, "version"], capture_output=True, text=True, check=False, timeout=60)
        if said.stdout.startswith((f"InfluxDB v{version}.", f"InfluxDB {version}.")):
            return program
    return None


class Influxd2:
    """A 2.x that can be stopped and started again on the same port with the same data; see Influxd."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        program = program_of("2")
        assert program is not None, "no InfluxDB 2.x is on the PATH"
        paths = {"bolt-path": "bolt", "engine-path": "engine", "sqlite-path": "sqlite"}
        files = [f"--{name}={folder / file}" for name, file in paths.items()]
        address = f"--http-bind-address=127.0.0.1:{self.port}"
        self._command = [program, "run", *files, address, "--reporting-disabled", "--log-level=warn"]
        self._log = folder / "influxd.log"
        self._process: subprocess.Popen[bytes] | None = None

    def address(self, bucket: str) -> InfluxAddress:
        """Where a bucket is."""
        return InfluxAddress("127.0.0.1", self.port, False, _TOKEN, "org", bucket)

    def url(self, bucket: str) -> str:
        """Return the URL of a bucket, with its token."""
        return f"influxdb://{_TOKEN}@127.0.0.1:{self.port}/org/{bucket}"

    def bucket_for(self, folder: Path) -> InfluxAddress:
        """Make the bucket that belongs to a folder, if it is not there: a fresh folder, a fresh bucket."""
        address = self.address("b" + sha256(str(folder).encode()).hexdigest()[:16])
        connection = InfluxConnection(address, compress=False)
        try:
            set_up(connection, None)
        finally:
            connection.close()
        return address

    def start(self) -> None:
        """Start influxd, wait until it answers, and set it up if it is new."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not answers(self.port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise AssertionError(f"influxd did not start: {self._log.read_text()}")
            time.sleep(0.05)
        at = f"http://127.0.0.1:{self.port}/api/v2/setup"
        with urllib.request.urlopen(at, timeout=30) as answer:
            if not json.load(answer)["allowed"]:
                return
        wanted = {"username": "tests", "password": _TOKEN, "token": _TOKEN, "org": "org", "bucket": "first"}
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(at, json.dumps(wanted).encode(), headers), timeout=30)

    def stop(self) -> None:
        """End influxd; clients see their connections close."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    close = stop
