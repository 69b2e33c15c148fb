"""Publishes what happened on the broker: each event of the log, at least once, in order, at QoS 1."""

import logging
from collections.abc import Sequence
from threading import Event as Flag
from threading import Lock
from time import monotonic
from typing import Any
from uuid import uuid4

import orjson

from fleet.broker_url import BrokerAddress
from fleet.errors import BrokerUnavailable
from fleet.events import Event
from notify.cloudevents import CONTENT_TYPE
from notify.published import PUBLISHED, as_cloud_event, is_published, topic_of_event

log = logging.getLogger(__name__)
_ANSWER_S = 5.0
_KEEPALIVE_S = 30


class EventPublisher:
    """A follower that tells the broker; where that is away the event is tried again for as long as it is.

    `mqtt_version` is "5", "3.1.1" or "auto": 5, unless the broker does not speak it.
    """

    name = "events to the broker"
    subjects = PUBLISHED

    def __init__(self, broker: BrokerAddress, mqtt_version: str = "auto") -> None:
        self._broker = broker
        self._auto = mqtt_version == "auto"
        self._five = mqtt_version != "3.1.1"
        self._connection: _Connection | None = None
        self._lock = Lock()

    def handle(self, event: Event) -> None:
        """Publish one event; it is taken when this returns. Raises BrokerUnavailable."""
        self.handle_all([event])

    def handle_all(self, events: Sequence[Event]) -> None:
        """Publish events; all are taken when this returns. Raises BrokerUnavailable."""
        told = [
            (topic_of_event(each), orjson.dumps(as_cloud_event(each)))
            for each in events
            if is_published(each)
        ]
        if not told:
            return
        with self._lock:
            connection = self._connected()
            try:
                connection.publish(told)
            except BaseException:
                self._drop()
                raise

    def close(self) -> None:
        """End the connection, if there is one."""
        with self._lock:
            self._drop()

    def _connected(self) -> "_Connection":
        if self._connection is not None and self._connection.is_up:
            return self._connection
        self._drop()
        connection = _Connection(self._broker, five=self._five)
        try:
            connection.open()
        except BaseException:
            connection.close()
            if self._auto and connection.refused_version:
                self._five = not self._five
            raise
        self._connection = connection
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Connection:
    """One connection, driven by a thread of the client's own."""

    def __init__(self, address: BrokerAddress, *, five: bool) -> None:
        self._address, self._five = address, five
        self._answered = Flag()
        self._code: Any = None
        self._client = self._new_client()

    @property
    def is_up(self) -> bool:
        """Whether the broker is there, as far as is known."""
        return bool(self._client.is_connected())

    @property
    def refused_version(self) -> bool:
        """Whether it may be that the broker does not speak this version: it says so, or nothing at all."""
        return self._code is None or "protocol version" in str(self._code).lower()

    def open(self) -> None:
        """Connect. Raises BrokerUnavailable."""
        where = (self._address.host, self._address.port, _KEEPALIVE_S)
        try:
            self._client.connect(*where)
        except (OSError, ValueError) as error:
            self._code = "unreachable"  # by any version
            raise BrokerUnavailable(f"broker {self._address}: {error}") from error
        self._client.loop_start()
        if not self._answered.wait(_ANSWER_S) or self._code is None:
            raise BrokerUnavailable(f"broker {self._address}: no answer to CONNECT")
        if self._code.is_failure:
            raise BrokerUnavailable(f"broker {self._address} refuses us: {self._code}")

    def publish(self, told: Sequence[tuple[str, bytes]]) -> None:
        """Publish payloads by topic; the broker has all when this returns. Raises BrokerUnavailable."""
        properties = self._properties()
        handed = [self._client.publish(*each, qos=1, properties=properties) for each in told]
        until = monotonic() + _ANSWER_S
        for each in handed:
            try:
                each.wait_for_publish(max(0.0, until - monotonic()))
            except (RuntimeError, ValueError) as error:
                raise BrokerUnavailable(f"broker {self._address}: {error}") from error
            if not each.is_published():
                raise BrokerUnavailable(f"broker {self._address}: an event was not acknowledged in time")

    def close(self) -> None:
        """End it."""
        self._client.disconnect()
        self._client.loop_stop()

    def _properties(self) -> Any:
        if not self._five:
            return None
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it so
        properties.ContentType = CONTENT_TYPE
        properties.PayloadFormatIndicator = 1
        return properties

    def _new_client(self) -> Any:
        import paho.mqtt.client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

        address = self._address
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"sweepwatch-events-{uuid4().hex[:8]}",
            protocol=MQTTProtocolVersion.MQTTv5 if self._five else MQTTProtocolVersion.MQTTv311,
            transport="websockets" if address.websocket else "tcp",
            reconnect_on_failure=False,
        )
        if address.websocket:
            client.ws_set_options(path=address.path)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            client.tls_set()
        client.connect_timeout = _ANSWER_S
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(self, _: Any, __: Any, ___: Any, code: Any, ____: Any) -> None:
        self._code = code
        self._answered.set()

    def _on_disconnect(self, _: Any, __: Any, ___: Any, code: Any, ____: Any) -> None:
        self._answered.set()
