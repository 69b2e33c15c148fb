"""A mosquitto that is started from deploy/, and devices that try what they may and may not do there."""

import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from getpass import getuser
from pathlib import Path
from types import TracebackType
from typing import Any

import paho.mqtt.client as mqtt
from helpers.mosquitto import find_mosquitto
from helpers.running import free_port
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from access.devices.authority import Authority
from access.devices.book import ADMIN, SERVICE, SIMULATOR, Service, document
from access.devices.hashing import hashed
from fleet.broker_url import BrokerAddress, parse_broker_url
from fleet.device_doors import BrokerUser, Handed
from sweepwatch.run.broker_doors import find_plugin

SHIPPED = Path(__file__).parents[2] / "deploy" / "mosquitto.conf"
PASSWORD = "a password of the tests"
_WAIT_S = 10.0


class DeviceBroker:
    """A mosquitto with the shipped configuration, its ports and folders alone made those of a test."""

    def __init__(self, folder: Path, authority: Authority, now: int) -> None:
        plugin = find_plugin()
        assert plugin is not None, "mosquitto's dynamic security plugin is not installed"
        self.folder, self.authority = folder, authority
        self.plain, self.tls, self.certificates = free_port(), free_port(), free_port()
        issued = authority.issue_for_broker(["localhost", "127.0.0.1"], now)
        (folder / "broker.crt").write_text(issued.certificate)
        (folder / "broker.key").write_text(issued.key)
        authority.write_revoked(list, now)
        shipped = SHIPPED.read_text(encoding="utf-8")
        for before, after in {
            "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so": str(plugin),
            "/var/lib/mosquitto/": f"{folder}/",
            "/etc/mosquitto/certs/ca.crt": str(authority.certificate_file),
            "/etc/mosquitto/certs/crl.pem": str(authority.revoked_file),
            "/etc/mosquitto/certs/": f"{folder}/",
            "listener 1883 127.0.0.1": f"listener {self.plain} 127.0.0.1",
            "listener 8883": f"listener {self.tls} 127.0.0.1",
            "listener 8884": f"listener {self.certificates} 127.0.0.1",
        }.items():
            assert before in shipped
            shipped = shipped.replace(before, after)
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(f"{shipped}\nuser {getuser()}\n")
        self._process: subprocess.Popen[bytes] | None = None

    def write_book(self, users: list[BrokerUser], *, open_to_all: bool = False) -> None:
        """Write the file that the plugin starts from."""
        services = [Service(name, hashed(PASSWORD)) for name in (ADMIN, SERVICE, SIMULATOR)]
        book = document(services, users, open_to_all=open_to_all)
        (self.folder / "dynamic-security.json").write_bytes(book)

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.folder / "mosquitto.log").open("ab") as log:
            command = [find_mosquitto(), "-c", str(self._conf)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.certificates), timeout=1).close()
        except OSError:
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "mosquitto.log").read_text()
            return False
        return True

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def reload(self) -> None:
        """Let it read its certificates again."""
        assert self._process is not None
        self._process.send_signal(1)

    @property
    def control(self) -> BrokerAddress:
        """Where it is, for whoever changes its book."""
        return parse_broker_url(f"mqtt://{ADMIN}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.plain}")


@contextmanager
def running_device_broker(folder: Path, authority: Authority, now: int) -> Iterator[DeviceBroker]:
    """Run the shipped mosquitto; nobody but our programs may come in yet."""
    broker = DeviceBroker(folder, authority, now)
    broker.write_book([])
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@dataclass
class Guest:
    """A client that comes in, tries things, and tells what the broker said. Ends as a context manager."""

    port: int
    name: str | None = None
    password: str | None = None
    client_id: str = ""
    handed: Handed | None = None
    authority: Authority | None = None
    folder: Path | None = None
    will: tuple[str, bool] | None = None
    came_in: bool = field(init=False, default=False)
    refused: str = field(init=False, default="")
    out: bool = field(init=False, default=False)
    heard: list[tuple[str, bytes]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._answers: dict[int, Any] = {}
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            self.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        if self.name is not None:
            client.username_pw_set(self.name, self.password)
        if self.authority is not None:
            self._take_certificate(client)
        if self.will is not None:
            client.will_set(self.will[0], b"will", qos=1, retain=self.will[1])
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = client.on_publish = self._on_answer
        client.on_message = lambda _, __, message: self.heard.append((message.topic, message.payload))
        self.client = client
        try:
            client.connect("127.0.0.1", self.port, clean_start=True)
        except OSError as error:
            self.refused, self.out = str(error), True
            return
        client.loop_start()
        until(lambda: self.came_in or self.out)

    def _take_certificate(self, client: mqtt.Client) -> None:
        assert self.authority is not None
        context = ssl.create_default_context(cafile=str(self.authority.certificate_file))
        if self.handed is not None and self.handed.certificate:
            assert self.folder is not None
            files = self.folder / f"{self.handed.device_id}.crt", self.folder / f"{self.handed.device_id}.key"
            files[0].write_text(self.handed.certificate)
            files[1].write_text(self.handed.key)
            context.load_cert_chain(*map(str, files))
        client.tls_set_context(context)

    def _on_connect(self, _: Any, __: Any, ___: Any, code: Any, ____: Any) -> None:
        self.came_in, self.refused = not code.is_failure, str(code) if code.is_failure else ""
        self.out = code.is_failure

    def _on_disconnect(self, _: Any, __: Any, ___: Any, code: Any, ____: Any) -> None:
        self.out = True
        self.refused = self.refused or str(code)

    def _on_answer(self, _: Any, __: Any, mid: int, codes: Any, ____: Any) -> None:
        self._answers[mid] = codes

    def may_publish(self, topic: str, *, retain: bool = False) -> bool:
        """Publish at QoS 1, and tell whether the broker took it."""
        mid = self.client.publish(topic, b"{}", qos=1, retain=retain).mid
        until(lambda: mid in self._answers or self.out)
        return mid in self._answers and not self._answers[mid].is_failure

    def may_subscribe(self, topic: str) -> bool:
        """Subscribe, and tell whether the broker let us."""
        _, mid = self.client.subscribe(topic, qos=1)
        assert mid is not None
        until(lambda: mid in self._answers or self.out)
        return mid in self._answers and not any(code.is_failure for code in self._answers[mid])

    def leave(self, *, abruptly: bool = False) -> None:
        """Disconnect; abruptly: so that the will is published."""
        if abruptly:
            sock = self.client.socket()
            if sock is not None:
                sock.shutdown(2)
        else:
            self.client.disconnect()
        self.client.loop_stop()

    def __enter__(self) -> "Guest":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()


def until(holds: Callable[[], bool], seconds: float = _WAIT_S) -> None:
    """Wait until something holds; fail when it does not."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come about")
        time.sleep(0.01)
