"""A broker of our own for `run`: a mosquitto found on the machine as a child, else amqtt in the process."""

import asyncio
import contextlib
import logging
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from fleet.errors import BrokerUnavailable, ConfigError, PortTaken
from sweepwatch.run.broker_doors import BrokerDoors

log = logging.getLogger(__name__)
START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 3.0
QUEUE_TIMEOUT_S = 300.0
"""mosquitto writes its queue when it ends, and reads it when it starts: a million messages take 5 s each."""
HOST = "127.0.0.1"
_PID, _CONF, _PORT = "mosquitto.pid", "mosquitto.conf", "port"
_PORTS = 65_536


class EmbeddedBroker(Protocol):
    """A running broker that ends with us."""

    url: str
    description: str
    mqtt_version: str
    """What the ingester should speak to it: "auto", or "3.1.1" where trying 5 costs time."""

    def url_of(self, name: str) -> str:
        """Return where one of our own programs comes in, with a password where it knows any."""
        ...

    def not_ready(self) -> str | None:
        """Return what is wrong with it, None when it is fine."""
        ...

    def restart(self) -> None:
        """Let it read anew who may come in; what is queued is kept. Raises BrokerUnavailable."""
        ...

    def stop(self) -> None:
        """Stop it; a persistent one keeps its sessions and queues on disk."""
        ...


def find_mosquitto() -> Path | None:
    """Return the path of mosquitto; Debian puts it where an ordinary user's PATH does not look."""
    found = shutil.which(
        "mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    )
    return Path(found) if found else None


def start_broker(
    choice: str,
    port: int,
    folder: Path,
    say: Callable[[str], None] = log.warning,
    doors: BrokerDoors | None = None,
) -> EmbeddedBroker:
    """Start `choice` ("auto", "mosquitto", "amqtt") on `port`, its data in `folder`.

    `doors` say who comes in; without them, and at amqtt, everybody on this machine does.

    Port 0 is the one of the last start, so that devices find it again; at the first start, a free one. Where
    that one is taken by now, `say` is told, and another is used from then on.
    Raises ConfigError when mosquitto is asked for and not there, PortTaken, BrokerUnavailable when it ends.
    """
    program = find_mosquitto()
    if choice == "mosquitto" and program is None:
        raise ConfigError(
            "broker.embedded = 'mosquitto', but no mosquitto is installed; allowed here: auto, amqtt"
        )
    _end_orphan(folder / _PID, folder / _CONF)  # it may hold the port
    if port:
        _check_free(port)
    chosen = port or _kept_port(folder / _PORT, say)
    if choice == "amqtt" or program is None:
        return AmqttBroker(chosen)
    return MosquittoBroker(program, chosen, folder, doors)


def _kept_port(file: Path, say: Callable[[str], None]) -> int:
    """Return the port that was chosen at an earlier start if it is free, else a new one, which is kept."""
    kept = 0
    with contextlib.suppress(OSError, ValueError):
        kept = int(file.read_text(encoding="utf-8"))
    if 0 < kept < _PORTS:
        try:
            _check_free(kept)
        except PortTaken:
            port = _free_port()
            say(f"Port {kept}, where the broker was before, is taken by another program: it is {port} now.")
        else:
            return kept
    else:
        port = _free_port()
    file.write_text(f"{port}\n", encoding="utf-8")
    return port


class MosquittoBroker:
    """A mosquitto child: persistent, in a process group of its own, so that Ctrl-C reaches us first."""

    mqtt_version = "auto"

    def __init__(self, program: Path, port: int, folder: Path, doors: BrokerDoors | None = None) -> None:
        self.url = f"mqtt://{HOST}:{port}"
        self.description = f"mosquitto on port {port}, sessions kept in {folder}"
        if doors is not None:
            self.description += f"; {doors.description}"
        self._program, self._port, self._folder, self._doors = program, port, folder, doors
        self._log = folder / "mosquitto.log"
        self._pid = folder / _PID
        self._child = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        config = self._folder / _CONF
        doors = None if self._doors is None else self._doors.prepare(self._port)
        config.write_text(mosquitto_config(self._port, self._folder, doors), encoding="utf-8")
        with self._log.open("a", encoding="utf-8") as output:
            self._child = subprocess.Popen(
                [self._program, "-c", config], stdout=output, stderr=output, start_new_session=True
            )
        self._pid.write_text(f"{self._child.pid}\n", encoding="utf-8")
        self._await_start(self._port)
        if self._doors is not None:
            self._doors.started()
        return self._child

    def url_of(self, name: str) -> str:
        """Return where one of our own programs comes in."""
        return self.url if self._doors is None else self._doors.url_of(name, self._port)

    def restart(self) -> None:
        """End it and start it with a new book; it keeps sessions and queues. Raises BrokerUnavailable."""
        self._child.terminate()
        try:
            self._child.wait(QUEUE_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise BrokerUnavailable("mosquitto does not end, and so cannot start anew") from error
        self._start()

    def _await_start(self, port: int) -> None:
        deadline = time.monotonic() + QUEUE_TIMEOUT_S
        while not _accepts(port):
            if self._child.poll() is not None or time.monotonic() > deadline:
                self._child.kill()
                self._child.wait()
                self._pid.unlink(missing_ok=True)
                lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
                raise BrokerUnavailable(
                    f"mosquitto did not start: {lines[-1] if lines else 'it said nothing'}"
                )
            time.sleep(0.02)

    def not_ready(self) -> str | None:
        """Return what is wrong with it, None when it is fine."""
        code = self._child.poll()
        return None if code is None else f"mosquitto ended with code {code}; see {self._log}"

    def stop(self) -> None:
        """End it; it writes its sessions and queues to disk, for as long as that takes.

        A long queue takes longer than we may: then it ends after us, and whoever starts next waits for it.
        """
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                # Never SIGKILL: the queue is what devices were promised to be kept.
                log.warning("mosquitto %d is still writing its queue, and ends when it has", self._child.pid)
                return
        self._pid.unlink(missing_ok=True)


def mosquitto_config(port: int, folder: Path, doors: str | None = None) -> str:
    """Return the configuration of the child: the shipped limits, its folder, and who comes in where.

    Without `doors` everybody does, on loopback.
    """
    doors = doors or f"listener {port} {HOST}\nallow_anonymous true\n"
    limits = files("sweepwatch.run").joinpath("mosquitto-limits.conf").read_text(encoding="utf-8")
    # Started by root, mosquitto would become the user `mosquitto`, who may not write into our folder.
    user = pwd.getpwuid(os.getuid()).pw_name
    return (
        f"{limits}\n{doors}user {user}\n"
        f"persistence_location {folder}/\nlog_dest stderr\nlog_type error\nlog_type warning\n"
    )


def _end_orphan(pid_file: Path, config: Path) -> None:
    """End the child of a predecessor, or wait until it has written its queue; only if it is really ours.

    Raises BrokerUnavailable when it does not end: two of them must not share a folder.
    """
    try:
        pid = int(pid_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if not _runs(pid, config):
        return
    log.warning("ending mosquitto %d, left behind by an earlier run", pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + QUEUE_TIMEOUT_S
    while _runs(pid, config):
        if time.monotonic() > deadline:
            raise BrokerUnavailable(f"mosquitto {pid} of an earlier run does not end; end it to go on")
        time.sleep(0.02)


def send_to_child(folder: Path, number: signal.Signals) -> None:
    """Send a signal to the mosquitto of this folder, where it runs. Raises OSError where it may not be."""
    try:
        pid = int((folder / _PID).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if _runs(pid, folder / _CONF):
        os.kill(pid, number)


def _runs(pid: int, config: Path) -> bool:
    """Tell whether a process is a mosquitto of ours that has not ended."""
    try:
        return os.fsencode(config) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


class AmqttBroker:
    """amqtt in a thread of this process: MQTT 3.1.1 only, and no session survives a restart."""

    mqtt_version = "3.1.1"

    def __init__(self, port: int) -> None:
        self.url = f"mqtt://{HOST}:{port}"
        self.description = (
            f"amqtt on port {port}: it keeps no session on disk, so what devices send during a "
            "restart is lost; install mosquitto to keep it"
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="amqtt", daemon=True)
        self._thread.start()
        try:
            self._broker = asyncio.run_coroutine_threadsafe(self._start(port), self._loop).result(
                START_TIMEOUT_S
            )
        except Exception as error:
            self._end_loop()
            raise BrokerUnavailable(f"amqtt did not start: {error}") from error

    def _run_loop(self) -> None:
        # The thread closes its loop itself: on a busy machine it ends later than it is waited for.
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    @staticmethod
    async def _start(port: int) -> Any:
        from amqtt.broker import Broker  # imported here: half a second that mosquitto's users need not wait

        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
                },
            }
        )
        await broker.start()
        return broker

    def not_ready(self) -> str | None:
        """Return what is wrong with it, None when it is fine."""
        return None if self._thread.is_alive() else "amqtt ended"

    def url_of(self, _name: str) -> str:
        """Return where everybody comes in."""
        return self.url

    def restart(self) -> None:
        """Do nothing: it lets in everybody."""

    def stop(self) -> None:
        """Stop it and its thread."""
        with contextlib.suppress(Exception):  # whatever it says now, the process ends
            asyncio.run_coroutine_threadsafe(shut_down_amqtt(self._broker), self._loop).result(STOP_TIMEOUT_S)
        self._end_loop()

    def _end_loop(self) -> None:
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(end_tasks(), self._loop).result(STOP_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT_S)


async def shut_down_amqtt(broker: Any) -> None:
    """Shut an amqtt broker down and end the tasks that it leaves behind, which else are reported later."""
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await broker.shutdown()
    finally:
        await end_tasks()


async def end_tasks() -> None:
    """Cancel every task of this loop; one that is only collected later complains about it, anywhere."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTaken(
                f"port {port} for the broker is taken; give another, or 0 for any free one"
            ) from error


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=0.5):
            return True
    except OSError:
        return False
