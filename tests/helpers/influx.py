"""A real InfluxDB as a child process: Debian's 1.6.7, behind an alias that gives it `/api/v2/write`."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Thread

import pytest
from helpers.influx2 import Influx2
from helpers.influx_real2 import Influxd2, program_of
from helpers.running import free_port, serving

from benchmarks.harness.influx import answers, configure
from benchmarks.harness.influx_alias import alias_server
from storage.series.influx.http import InfluxConnection
from storage.series.influx.setup import set_up
from storage.series.store_url import InfluxAddress


def find_influxd() -> str:
    """Return the program; without it skip the test, or fail it in CI."""
    program = program_of("1")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("influxd is not installed: apt-get install influxdb")
        pytest.skip("influxd is not installed")
    return program


class Influxd:
    """An influxd that can be stopped and started again on the same port with the same data."""

    def __init__(self, folder: Path) -> None:
        self._program = find_influxd()
        self.port = free_port()
        self._conf = configure(folder, self.port)
        self._log = folder / "influxd.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._alias = alias_server(self.port)
        self._aliasing = Thread(target=self._alias.serve_forever, args=(0.05,), daemon=True)

    def address(self, bucket: str) -> InfluxAddress:
        """Where a bucket is, as a client of 1.8, 2 or 3 sees it."""
        return InfluxAddress("127.0.0.1", self._alias.server_port, False, "", "org", bucket)

    def url(self, bucket: str) -> str:
        """Return the URL of a bucket."""
        return str(self.address(bucket))

    def bucket_for(self, folder: Path) -> InfluxAddress:
        """Make the bucket that belongs to a folder, if it is not there: a fresh folder, a fresh bucket."""
        address = self.address("b" + sha256(str(folder).encode()).hexdigest()[:16])
        connection = InfluxConnection(address, compress=False)
        try:
            set_up(connection, None)
        finally:
            connection.close()
        return address

    def open_alias(self) -> None:
        """Listen for clients; influxd itself need not run."""
        self._aliasing.start()

    def start(self) -> None:
        """Start influxd and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-config", str(self._conf)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + 20
        while not answers(self.port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise AssertionError(f"influxd did not start: {self._log.read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End influxd; clients see their connections close."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def close(self) -> None:
        """End everything."""
        self.stop()
        self._alias.shutdown()
        self._alias.server_close()
        self._aliasing.join(5)


@contextmanager
def running_influxd(folder: Path) -> Iterator[Influxd]:
    """Run an influxd with its data in `folder`."""
    server = Influxd(folder)
    server.open_alias()
    try:
        server.start()
        yield server
    finally:
        server.close()


SERVERS = ["1", "2"] if program_of("2") else ["1"]
"""The versions of real servers that tests run against: 2.x where it is on the PATH."""


@contextmanager
def running_server(version: str, folder: Path) -> Iterator[Influxd | Influxd2]:
    """Run a real server of a version with its data in `folder`."""
    if version == "1":
        with running_influxd(folder) as first:
            yield first
        return
    server = Influxd2(folder)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session", params=SERVERS)
def influxd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Influxd | Influxd2]:
    """Each real server that there is."""
    with running_server(request.param, tmp_path_factory.mktemp("influxd")) as server:
        yield server


@pytest.fixture(scope="session")
def influxd_1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """Run Debian's 1.6.7."""
    with running_influxd(tmp_path_factory.mktemp("influxd1")) as server:
        yield server


@contextmanager
def running_influx2(server: Influxd) -> Iterator[Influx2]:
    """Answer as an InfluxDB 2.9.1 in front of a running influxd."""
    double = Influx2(server.port)
    with serving(double.http):
        double.begin()
        yield double
        double.close()


@pytest.fixture(scope="session")
def influxd_2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd | Influxd2]:
    """Run a real 2.x; ask for it only where SERVERS has it."""
    with running_server("2", tmp_path_factory.mktemp("influxd2")) as server:
        yield server


@pytest.fixture
def influx2(influxd_1: Influxd) -> Iterator[Influx2]:
    """Run the double of 2.9.1."""
    with running_influx2(influxd_1) as double:
        yield double
