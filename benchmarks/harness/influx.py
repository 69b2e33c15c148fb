"""An InfluxDB of a benchmark's own: Debian's influxd, behind the alias that gives it `/api/v2/write`."""

import http.client
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from benchmarks.harness.broker import free_port
from storage.series.influx.http import InfluxConnection
from storage.series.influx.setup import set_up
from storage.series.store_url import InfluxAddress

_CONF = """\
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[logging]
  level = "warn"
"""
_START_TIMEOUT_S = 30.0


def configure(folder: Path, port: int) -> Path:
    """Write the settings of an influxd on a port of 127.0.0.1 with its data in `folder`; return the file."""
    conf = folder / "influxdb.conf"
    conf.write_text(_CONF.format(port=port, folder=folder), encoding="utf-8")
    return conf


def answers(port: int) -> bool:
    """Tell whether an influxd answers there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 204
    except OSError:
        return False
    finally:
        connection.close()


class InfluxServer:
    """Runs while the context lasts. Raises RuntimeError when influxd is missing or does not start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "influxd"

    def __enter__(self) -> "InfluxServer":
        program = shutil.which("influxd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            raise RuntimeError("this benchmark needs Debian's package influxdb")
        self._folder.mkdir()
        port = free_port()
        conf = configure(self._folder, port)
        self._command, self._own_port = [program, "-config", str(conf)], port
        self._launch()
        try:
            self._wait_for(port)
            self._alias = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.harness.influx_alias", str(port)],
                stdout=subprocess.PIPE,
                text=True,
            )
        except BaseException:
            self._influxd.kill()
            self._influxd.wait()
            raise
        assert self._alias.stdout is not None  # it is a pipe
        self._port = int(self._alias.stdout.readline())
        return self

    def _launch(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._influxd = subprocess.Popen(self._command, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        """The process id of influxd."""
        return self._influxd.pid

    def stop(self) -> None:
        """End influxd alone; who asks for it sees the connection close, until `start`."""
        self._influxd.terminate()
        self._influxd.wait(30)

    def start(self) -> None:
        """Start influxd again, with the same data at the same address."""
        self._launch()
        self._wait_for(self._own_port)

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline and self._influxd.poll() is None:
            if answers(port):
                return
            time.sleep(0.05)
        raise RuntimeError(f"influxd did not start: {(self._folder / 'log').read_text(encoding='utf-8')}")

    def bucket(self, name: str) -> InfluxAddress:
        """Return the address of a bucket, which is made."""
        address = InfluxAddress("127.0.0.1", self._port, False, "", "bench", name)
        connection = InfluxConnection(address, compress=False)
        try:
            set_up(connection, None)
        finally:
            connection.close()
        return address

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._alias, self._influxd):
            process.terminate()
            process.wait(30)
        if self._alias.stdout is not None:
            self._alias.stdout.close()
