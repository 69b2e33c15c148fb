"""The connection over which commands go out, and on which their copies come back.

The client subscribes to what it publishes itself. Its session outlives the connection, so that the broker
keeps the copies of what a process published that was killed before it could note so.
"""

import select
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

import orjson
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from fleet.broker_url import BrokerAddress
from fleet.commands import DueCommand
from fleet.errors import BrokerUnavailable
from fleet.wire import COMMAND_COPIES, COMMAND_MARKERS, topic_of

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
CLIENT_ID = "sweepwatch-commands"
"""One for all processes of an installation: whoever connects takes over the session of the one before."""
_KEEPALIVE_S = 30
_ANSWER_S = 3.0
_CONNECT_S = 5.0
_FOR_EVER = 0xFFFF_FFFF
_NEVER_RETAINED = 2


class ProtocolRefused(BrokerUnavailable):
    """The broker does not speak this version of MQTT."""


class Link:
    """One connection to the broker, driven by the thread that uses it; not used again after an error.

    `copies` are the ids of commands whose copy came back, `markers` the marks that did. A copy is kept by the
    broker until `release`.
    """

    def __init__(self, address: BrokerAddress, protocol: MQTTProtocolVersion) -> None:
        self._address = address
        self._protocol = protocol
        self._held: dict[str, list[int]] = {}
        self._lost: str | None = None
        self._code: ReasonCode | None = None
        self._subscribed: Sequence[ReasonCode] | None = None
        self._wake_read, self._wake_write = socket.socketpair()
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)
        self._client = self._new_client()
        self.copies: set[str] = set()
        self.markers: set[str] = set()

    def open(self) -> None:
        """Connect, take over the session, subscribe. Raises BrokerUnavailable."""
        try:
            self._connect()
        except (OSError, ValueError) as error:
            raise BrokerUnavailable(f"broker {self._address}: {error}") from error
        try:
            answered = self.until(lambda: self._code is not None, _ANSWER_S)
        except BrokerUnavailable as error:
            if (
                self._code is None
            ):  # closed without a word: a broker that does not know this version may do so
                raise ProtocolRefused(str(error)) from error
            raise
        if not answered:
            raise ProtocolRefused(f"broker {self._address}: no answer to CONNECT")
        assert self._code is not None  # it is answered
        if self._code.is_failure:
            kind = ProtocolRefused if "protocol version" in str(self._code).lower() else BrokerUnavailable
            raise kind(f"broker {self._address} refuses us: {self._code}")
        self._subscribe()

    def mark(self, text: str) -> None:
        """Publish a mark, which comes back behind all that was published before it."""
        self._client.publish(COMMAND_MARKERS, text.encode(), qos=1)

    def send(self, command: DueCommand, now: int) -> None:
        """Publish a command to its device."""
        topic = topic_of(command.site, command.kind, command.device_id, "cmd")
        payload = orjson.dumps(
            {
                "id": command.id,
                "command": command.command,
                "params": command.params,
                "expires": command.expires_at,
            }
        )
        properties = None
        if self._protocol is V5:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it so
            properties.CorrelationData = command.id.encode()
            properties.ResponseTopic = f"{topic}/reply"
            # Rounded up: our own copy must not end before the command does.
            properties.MessageExpiryInterval = max(1, -((now - command.expires_at) // 1000))
        self._client.publish(topic, payload, qos=1, properties=properties)

    def until(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Read and write until `done`; False when the time is out. Raises BrokerUnavailable."""
        deadline = monotonic() + timeout_s
        while not done():
            left = deadline - monotonic()
            if left <= 0:
                return False
            self.drive(left)
        return True

    def drive(self, timeout_s: float) -> None:
        """Read and write once, waiting for it at most so long. Raises BrokerUnavailable."""
        sock = self._client.socket()
        if sock is not None and self._lost is None:
            pending = bool(getattr(sock, "pending", int)())
            writers = [sock] if self._client.want_write() else []
            ready, writable, _ = select.select(
                [sock, self._wake_read], writers, [], 0 if pending else timeout_s
            )
            if self._wake_read in ready:
                self._wake_read.recv(4096)
            if pending or sock in ready:
                self._client.loop_read()
            if writable and self._client.socket() is not None:
                self._client.loop_write()
            self._client.loop_misc()
        if self._lost is not None or self._client.socket() is None:
            raise BrokerUnavailable(f"broker {self._address}: {self._lost or 'connection lost'}")

    def wake(self) -> None:
        """End the wait of `drive`, from another thread."""
        with suppress(OSError):
            self._wake_write.send(b"\0")

    def release(self, names: Sequence[str]) -> None:
        """Let the broker forget the copies of these commands and marks."""
        for name in names:
            for mid in self._held.pop(name, ()):
                self._client.ack(mid, 1)

    def close(self) -> None:
        """End the connection; the session stays."""
        with suppress(OSError, ValueError):
            if self._lost is None and self._client.socket() is not None:
                self._client.disconnect()
                self._client.loop_write()
        sock = self._client.socket()
        for each in (sock, self._wake_read, self._wake_write):
            if each is not None:
                each.close()

    def _new_client(self) -> mqtt.Client:
        address = self._address
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=CLIENT_ID,
            clean_session=False if self._protocol is V311 else None,
            protocol=self._protocol,
            transport="websockets" if address.websocket else "tcp",
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if address.websocket:
            client.ws_set_options(path=address.path)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            client.tls_set()
        client.connect_timeout = _CONNECT_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _connect(self) -> None:
        where = (self._address.host, self._address.port, _KEEPALIVE_S)
        if self._protocol is V5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it so
            properties.SessionExpiryInterval = _FOR_EVER
            self._client.connect(*where, clean_start=False, properties=properties)
        else:
            self._client.connect(*where)

    def _subscribe(self) -> None:
        filters = (COMMAND_COPIES, COMMAND_MARKERS)
        if self._protocol is V5:
            options = SubscribeOptions(qos=1, retainHandling=_NEVER_RETAINED)
            self._client.subscribe([(each, options) for each in filters])
        else:
            self._client.subscribe([(each, 1) for each in filters])
        if not self.until(lambda: self._subscribed is not None, _ANSWER_S):
            raise BrokerUnavailable(f"broker {self._address}: no answer to SUBSCRIBE")
        refused = [one for one, code in zip(filters, self._subscribed or (), strict=False) if code.is_failure]
        if refused:
            raise BrokerUnavailable(
                f"broker {self._address} refuses {', '.join(refused)} to the client {CLIENT_ID}"
            )

    def _on_connect(
        self, _: mqtt.Client, __: Any, ___: mqtt.ConnectFlags, code: ReasonCode, ____: Properties | None
    ) -> None:
        self._code = code

    def _on_subscribe(
        self, _: mqtt.Client, __: Any, ___: int, codes: list[ReasonCode], ____: Properties | None
    ) -> None:
        self._subscribed = codes

    def _on_disconnect(
        self, _: mqtt.Client, __: Any, ___: mqtt.DisconnectFlags, code: ReasonCode, ____: Properties | None
    ) -> None:
        self._lost = f"connection lost ({code})"

    def _on_message(self, client: mqtt.Client, _: Any, message: mqtt.MQTTMessage) -> None:
        if message.topic == COMMAND_MARKERS:
            name = message.payload.decode(errors="replace")
            self.markers.add(name)
        else:
            name = _id_of(bytes(message.payload))
            self.copies.add(name)
        if name and message.qos:
            self._held.setdefault(name, []).append(message.mid)
        elif message.qos:
            client.ack(message.mid, message.qos)


def _id_of(payload: bytes) -> str:
    """Return the id of a command's copy; empty for what is none of ours."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ""
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
