"""The three programs that are compared, each a process of its own that can be asked what it used."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from urllib.request import urlopen

import duckdb
import polars as pl

from benchmarks.harness.broker import free_port
from benchmarks.harness.process_usage import cpu_s, peak_rss_mb
from fleet.signals import Kind
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection
from storage.series.store_url import InfluxAddress

FILTER = "sweepwatch/v1/+/+/+/telemetry"
_TICK_S = 0.05
_GIVE_UP_S = 120.0
_GIVE_UP_S_A_MESSAGE = 0.002  # a server behind the subscriber may take 50 µs of CPU for each, and its share
_MARK = b"\x1e"
_SUB_FORMAT = "%t\x1e%p"


class Subscriber:
    """A process that takes messages; a context in which it runs and is subscribed."""

    def __init__(self, port: int, folder: Path, qos: int) -> None:
        self.port = port
        self.folder = folder
        self.qos = qos
        folder.mkdir()
        self._process: subprocess.Popen[bytes]

    def command(self) -> list[str]:
        """Return how the program is started."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Tell whether it has subscribed."""
        raise NotImplementedError

    def taken(self) -> int:
        """Return how many messages it has dealt with, in whatever way it says so."""
        raise NotImplementedError

    def counted(self) -> tuple[int, int]:
        """Return how many readings it has, and how many distinct ones; asked when it has ended."""
        raise NotImplementedError

    def __enter__(self) -> "Subscriber":
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self._process = subprocess.Popen(self.command(), stdout=out, stderr=err)
        deadline = time.monotonic() + 30
        while not self.ready():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self._process.kill()
                raise RuntimeError(f"not started: {(self.folder / 'err').read_text(encoding='utf-8')}")
            time.sleep(_TICK_S)
        time.sleep(0.5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(20)

    def cpu_s(self) -> float:
        """Return the user and system time that the process has used."""
        return cpu_s(self._process.pid)

    def peak_rss_mb(self) -> float:
        """Return the most memory that the process has held."""
        return peak_rss_mb(self._process.pid)

    tick_s = _TICK_S
    quiet_s = 10.0

    def wait_for(self, messages: int) -> float:
        """Wait until it has taken so many messages; return the seconds from the first to the last.

        Ends early when nothing has come for `quiet_s`: what is missing is lost.
        """
        begun = ended = 0.0
        last = 0
        deadline = time.monotonic() + _GIVE_UP_S + messages * _GIVE_UP_S_A_MESSAGE
        while time.monotonic() < deadline:
            count, now = self.taken(), time.monotonic()
            if count > last:
                begun, ended, last = begun or now - _TICK_S, now, count
            if count >= messages or (begun and now - ended > self.quiet_s):
                break
            time.sleep(self.tick_s)
        return max(ended - begun, _TICK_S)


class Ours(Subscriber):
    """`sweepwatch ingest` into DuckDB, as it is shipped; it says what it wrote through /metrics."""

    tick_s = 0.4  # each look at /metrics costs the process that is measured

    def command(self) -> list[str]:
        """Return how the program is started."""
        self._metrics = free_port()
        url = f"mqtt://127.0.0.1:{self.port}"
        options = ["--broker", url, "--data", str(self.folder / "data"), "--metrics-port", str(self._metrics)]
        return [str(Path(sys.executable).parent / "sweepwatch"), "ingest", *options]

    def ready(self) -> bool:
        """Tell whether it has subscribed."""
        return self._metric("sweepwatch_ingest_connected") == 1

    def taken(self) -> int:
        """Return how many messages it has dealt with."""
        return int(self._metric("sweepwatch_ingest_messages_total"))

    def _metric(self, name: str) -> float:
        try:
            with urlopen(f"http://127.0.0.1:{self._metrics}/metrics?name[]={name}", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return 0
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def counted(self) -> tuple[int, int]:
        """Return how many readings it has, and how many distinct ones."""
        (file,) = (self.folder / "data").glob("*.duckdb")
        with duckdb.connect(str(file), read_only=True) as store:
            row = store.execute("SELECT count(*), count(DISTINCT (device_id, ts)) FROM robot").fetchone()
        assert row is not None
        return int(row[0]), int(row[1])


class OursToInflux(Ours):
    """`sweepwatch ingest` into a bucket of an InfluxDB that runs already: its time does not count."""

    tick_s = 1.5  # influxd makes the run long, and each look costs as much as hundreds of messages
    quiet_s = 60.0  # one commit is up to 20,000 rows

    def __init__(self, port: int, folder: Path, qos: int, bucket: InfluxAddress) -> None:
        super().__init__(port, folder, qos)
        self._bucket = bucket

    def command(self) -> list[str]:
        """Return how the program is started."""
        return [*super().command(), "--store", str(self._bucket)]

    def counted(self) -> tuple[int, int]:
        """Return how many readings InfluxDB has, and how many distinct ones."""
        connection = InfluxConnection(self._bucket, compress=False, timeout_s=300)
        try:
            where = influxql.times(influxql.FIRST_MS, influxql.LAST_MS)
            query = influxql.grouped(Kind.ROBOT, ["received"], where, "device, site")
            found = influxql.read_csv(connection.csv(query), {"received": pl.Float64()})
        finally:
            connection.close()
        stored = influxql.with_tags(found, "device")
        return stored.height, stored.select("device", "time").n_unique()


class _Printing(Subscriber):
    """A program that prints one line a message: topic and payload."""

    def taken(self) -> int:
        """Return how many messages it has dealt with."""
        self._lines = getattr(self, "_lines", 0)
        self._read_to = getattr(self, "_read_to", 0)
        with (self.folder / "out").open("rb") as out:
            out.seek(self._read_to)
            text = out.read()
        self._read_to += len(text)
        self._lines += text.count(_MARK)
        return self._lines

    def counted(self) -> tuple[int, int]:
        """Return how many readings it has, and how many distinct ones."""
        seen = list(self._keys())
        return len(seen), len(set(seen))

    def _keys(self) -> Iterator[int]:
        with (self.folder / "out").open("rb") as out:
            for line in out:
                if _MARK in line:
                    yield hash(line)


class Floor(_Printing):
    """`mosquitto_sub`, which prints what it gets into a file."""

    def command(self) -> list[str]:
        """Return how the program is started."""
        program = shutil.which("mosquitto_sub")
        if program is None:
            raise RuntimeError("this benchmark needs Debian's package mosquitto-clients")
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-i", "bench-floor", "-V", "5"]
        session = ["-c", "-x", "60"] if self.qos else []
        return [program, *where, *session, "-q", str(self.qos), "-t", FILTER, "-F", _SUB_FORMAT]

    def ready(self) -> bool:
        """Tell whether it has subscribed."""
        return self._process.poll() is None and time.monotonic() > self._since + 0.5

    def __enter__(self) -> "Subscriber":
        self._since = time.monotonic()
        return super().__enter__()


class Paho(_Printing):
    """paho's own loop, with a callback that writes the message into a file."""

    def command(self) -> list[str]:
        """Return how the program is started."""
        return [sys.executable, "-m", "benchmarks.harness.paho_loop", str(self.port), str(self.qos), FILTER]

    def ready(self) -> bool:
        """Tell whether it has subscribed."""
        return b"ready" in (self.folder / "out").read_bytes()
