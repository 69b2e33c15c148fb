"""MQTT connections of simulated devices, all driven by one loop without a thread of their own.

paho's documented external loop: `socket`, `loop_read`, `loop_write`, `loop_misc`.
"""

import random
import selectors
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from fleet.broker_url import BrokerAddress, parse_broker_url
from fleet.errors import ConfigError

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
_KEEPALIVE_S = 60
_CONNECT_TIMEOUT_S = 2.0
_CONNACK_TIMEOUT_S = 2.0
_MAX_OUTSTANDING = 400
"""Unacknowledged messages of one connection, above which its devices keep their readings to themselves."""
_UNSUPPORTED_PROTOCOL = 132
_CONNECTS_AT_ONCE = 25
_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 30.0

Message = tuple[str, bytes, bool]
"""Topic, payload, retain."""


def parse_tcp_url(url: str) -> BrokerAddress:
    """Take a broker URL apart. Raises ConfigError; WebSocket is not for simulated devices."""
    address = parse_broker_url(url)
    if address.websocket:
        raise ConfigError(f"broker: simulated devices take mqtt:// or mqtts://, not {address.scheme}://")
    return address


class Connection:
    """One connection, for one device or, as a gateway, for several. All messages go at QoS 1."""

    def __init__(self, client_id: str, will: Message, devices: list[int]) -> None:
        self.client_id = client_id
        self.will = will
        self.devices = devices
        """What it carries, as its owner numbers it."""
        self.client: mqtt.Client | None = None
        self.protocol = V5
        self.connected = False
        self.since = 0.0
        self.waiting: dict[int, int] = {}
        """How many readings each unacknowledged message holds, by its message id."""

    @property
    def ready(self) -> bool:
        """Whether it takes another message now."""
        return self.connected and len(self.waiting) < _MAX_OUTSTANDING

    def publish(self, message: Message, readings: int) -> None:
        """Hand a message to the broker; it counts as sent when it is acknowledged, over reconnections too."""
        assert self.client is not None
        topic, payload, retain = message
        info = self.client.publish(topic, payload, qos=1, retain=retain)
        if info.rc in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            self.waiting[info.mid] = readings

    def listen(self, topics: list[str]) -> None:
        """Ask the broker for what is published on these topics."""
        assert self.client is not None
        self.client.subscribe([(topic, 1) for topic in topics])


class Connections:
    """All connections to one broker: opened, driven and, when lost, opened again with back-off and jitter.

    `on_up` is called for a connection whenever it is up (again), `on_acknowledged` with the number of
    readings in each acknowledged message, `on_message` with the topic and payload of what came.
    """

    def __init__(
        self,
        address: BrokerAddress,
        connections: list[Connection],
        on_up: Callable[[Connection], None],
        on_acknowledged: Callable[[int], None],
        ca_file: Path | None = None,
        on_message: Callable[[str, bytes], None] = lambda _topic, _payload: None,
    ) -> None:
        self._address = address
        self._connections = connections
        self._on_up = on_up
        self._on_acknowledged = on_acknowledged
        self._on_message = on_message
        self._ca_file = ca_file
        self._protocol = V5
        self._selector = selectors.DefaultSelector()
        self._registered: dict[int, tuple[Connection, int]] = {}
        self._failures = 0
        self._next_attempt = 0.0
        self._next_misc = 0.0
        self._jitter = random.Random()
        self.problem: str | None = None
        """Why the broker cannot be reached, or None."""

    @property
    def up(self) -> int:
        """How many connections are up."""
        return sum(connection.connected for connection in self._connections)

    @property
    def outstanding(self) -> int:
        """How many messages are not acknowledged yet."""
        return sum(len(connection.waiting) for connection in self._connections)

    def drive(self, timeout_s: float) -> None:
        """Open what is to be opened, then read and write for up to `timeout_s`."""
        self._open_some()
        self._follow_writes()
        for key, mask in self._selector.select(timeout_s):
            client = key.data.client
            if client is None:
                continue
            if mask & selectors.EVENT_READ:
                client.loop_read()
            if mask & selectors.EVENT_WRITE and client.socket() is not None:
                client.loop_write()
        if monotonic() >= self._next_misc:
            self._next_misc = monotonic() + 1
            self._look_after()

    def _open_some(self) -> None:
        if monotonic() < self._next_attempt:
            return
        down = (each for each in self._connections if each.client is None or each.client.socket() is None)
        for connection, _ in zip(down, range(_CONNECTS_AT_ONCE), strict=False):
            try:
                self._open(connection)
            except OSError as error:
                self._back_off(f"{self._address.host}:{self._address.port}: {error}")
                return

    def _open(self, connection: Connection) -> None:
        client = connection.client
        if client is None or not connection.waiting:
            # Nothing is in flight: a new client, so that another protocol version may be tried.
            connection.protocol = self._protocol
            client = connection.client = self._client(connection)
        connection.since = monotonic()
        client.connect(self._address.host, self._address.port, _KEEPALIVE_S)

    def _client(self, connection: Connection) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=connection.client_id,
            protocol=self._protocol,
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        if self._address.username is not None:
            client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            client.tls_set(ca_certs=None if self._ca_file is None else str(self._ca_file))
        topic, payload, retain = connection.will
        client.will_set(topic, payload, qos=1, retain=retain)
        client.max_inflight_messages_set(_MAX_OUTSTANDING)

        def connected(_c: mqtt.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
            self._answered(connection, reason)

        def disconnected(_c: mqtt.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
            self._lost(connection, str(reason))

        def published(_c: mqtt.Client, _u: Any, mid: int, _r: Any, _p: Any) -> None:
            self._on_acknowledged(connection.waiting.pop(mid, 0))

        def opened(_c: mqtt.Client, _u: Any, sock: Any) -> None:
            self._registered[sock.fileno()] = (connection, selectors.EVENT_READ)
            self._selector.register(sock, selectors.EVENT_READ, connection)

        def closed(_c: mqtt.Client, _u: Any, sock: Any) -> None:
            if self._registered.pop(sock.fileno(), None) is not None:
                self._selector.unregister(sock)

        client.on_connect = connected
        client.on_disconnect = disconnected
        client.on_publish = published
        client.on_message = self._heard
        client.on_socket_open = opened
        client.on_socket_close = closed
        # With this set paho queues what it has to send, and the selector says when it can be written.
        client.on_socket_register_write = lambda _c, _u, _s: None
        return client

    def _heard(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        if not message.retain:  # nobody keeps a command for whoever comes
            self._on_message(message.topic, bytes(message.payload))

    def _answered(self, connection: Connection, reason: Any) -> None:
        if reason.is_failure:
            if reason.value == _UNSUPPORTED_PROTOCOL:
                self._avoid(connection.protocol)
            self._back_off(f"the broker refuses the connection: {reason}")
            return
        connection.connected = True
        self._failures, self.problem = 0, None
        self._on_up(connection)

    def _lost(self, connection: Connection, reason: str) -> None:
        if not connection.connected:
            # A broker that does not know MQTT 5 may hang up instead of saying so.
            self._avoid(connection.protocol)
        connection.connected = False
        self._back_off(f"connection lost: {reason}")

    def _avoid(self, protocol: MQTTProtocolVersion) -> None:
        self._protocol = V311 if protocol is V5 else V5

    def _back_off(self, problem: str) -> None:
        self.problem = problem
        if monotonic() >= self._next_attempt:
            full = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(self._failures, 10))
            self._next_attempt = monotonic() + full * self._jitter.uniform(0.5, 1.0)
            self._failures += 1

    def _follow_writes(self) -> None:
        for number, (connection, watched) in list(self._registered.items()):
            client = connection.client
            sock = None if client is None else client.socket()
            if client is None or sock is None:
                continue
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.want_write() else 0)
            if wanted != watched:
                self._selector.modify(sock, wanted, connection)
                self._registered[number] = (connection, wanted)

    def _look_after(self) -> None:
        for connection in self._open_ones():
            client = connection.client
            assert client is not None
            client.loop_misc()
            late = monotonic() - connection.since > _CONNACK_TIMEOUT_S
            if late and not connection.connected and client.socket() is not None:
                self._hang_up(connection)

    def _open_ones(self) -> Iterator[Connection]:
        return (
            each for each in self._connections if each.client is not None and each.client.socket() is not None
        )

    def _hang_up(self, connection: Connection) -> None:
        assert connection.client is not None
        sock: Any = connection.client.socket()
        if sock is not None:
            # paho sees the end of the stream and cleans up, its callbacks included.
            sock.shutdown(socket.SHUT_RDWR)
            connection.client.loop_read()

    def close(self, timeout_s: float) -> None:
        """Wait for acknowledgements for up to `timeout_s`, then say goodbye on every connection."""
        end = monotonic() + timeout_s
        while self.outstanding and self.up and monotonic() < end:
            self.drive(0.05)
        for connection in list(self._open_ones()):
            assert connection.client is not None
            connection.connected = False
            connection.client.on_disconnect = None
            connection.client.disconnect()
            if connection.client.socket() is not None:
                connection.client.loop_write()
        while any(True for _ in self._open_ones()) and monotonic() < end:
            for key, _mask in self._selector.select(0.05):
                if key.data.client is not None:
                    key.data.client.loop_read()
        for connection in list(self._open_ones()):
            self._hang_up(connection)
        self._selector.close()
