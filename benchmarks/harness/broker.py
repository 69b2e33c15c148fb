"""A mosquitto of a benchmark's own, on a free port of 127.0.0.1, with the limits that we ship."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

LIMITS = Path(__file__).parent.parent.parent / "sweepwatch" / "run" / "mosquitto-limits.conf"


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MosquittoBroker:
    """Runs while the context lasts. Raises RuntimeError when mosquitto is missing or does not start.

    `more` is added to its configuration, where the last line of a setting counts.
    """

    def __init__(self, folder: Path, more: str = "") -> None:
        self._folder = folder / "mosquitto"
        self._more = more
        self.port = free_port()

    def __enter__(self) -> "MosquittoBroker":
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            raise RuntimeError("this benchmark needs Debian's package mosquitto")
        self._folder.mkdir()
        # mosquitto gives up its rights when root starts it, and must write here all the same.
        self._folder.chmod(0o777)
        limits = LIMITS.read_text(encoding="utf-8")
        config = self._folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nlog_dest none\n{limits}"
            f"persistence_location {self._folder}/\nset_tcp_nodelay true\n{self._more}",
            encoding="utf-8",
        )
        self._process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        self._process.kill()
        raise RuntimeError("mosquitto did not start")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(20)
