"""The connection to the broker: kept alive, read from while there is room, and told what is durable.

paho-mqtt owns the protocol. One thread of ours drives it, because only so can reading stop (nothing is taken
off the socket while the buffer is full) while acknowledgements and pings still go out.

Subscriptions are at QoS 1: what is published at QoS 2 reaches us at QoS 1. At QoS 2 the broker hands a
message over before it is durable (PUBREC) and would never send it again after a crash of ours.
"""

import logging
import select
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import random
from threading import Event, Thread
from time import monotonic
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from fleet.clock import Clock
from fleet.wire import SUBSCRIPTIONS
from ingest.decode.decoded import Request
from ingest.dialects.host import state_payload
from ingest.link.backoff import Backoff
from ingest.link.frames import Frames
from ingest.link.mqtt_client import V5, V311, IngestClient, close, disconnect, new_client
from ingest.messages import Message, MessageBlock
from ingest.settings import IngestSettings

log = logging.getLogger(__name__)

_TOPICS_REMEMBERED = 65_536
_FIRST_BYTES = 65_536
_PAUSE_S = 0.01
_DENSE = 60
"""Messages in a pause that make it worth one: 6,000 a second."""
_IDLE_S = 1.0
_REQUESTS_WAITING = 1_000
_CONNACK_TIMEOUT_S = {V5: 3.0, V311: 10.0}
"""amqtt does not answer a CONNECT of MQTT 5 at all."""
_NOT_YET = "not connected to the broker yet"


class _Names(dict[bytes, str]):
    """Topics as text by what was sent, each made once: a device's comes with every message."""

    def __missing__(self, topic: bytes) -> str:
        if len(self) >= _TOPICS_REMEMBERED:
            self.clear()
        return self.setdefault(topic, topic.decode(errors="backslashreplace"))


class Connection:
    """Keeps one persistent session with the broker, whatever happens to the network.

    `on_messages` is called in the connection's thread with what was read at once; `room` (bytes) is asked
    before reading. `wide` is subscribed to in place of `subscriptions`, as long as the broker lets us: a
    broker may refuse its first filter, or end the connection for it.
    `announced_on` is a topic on which it is said, retained, whether we are there.
    """

    def __init__(
        self,
        settings: IngestSettings,
        clock: Clock,
        on_messages: Callable[[MessageBlock], None],
        room: Callable[[], int],
        backoff: Backoff | None = None,
        subscriptions: Sequence[str] = SUBSCRIPTIONS,
        wide: Sequence[str] = (),
        announced_on: str | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._on_messages = on_messages
        self._room = room
        self._backoff = backoff or Backoff()
        self._subscriptions = self._narrow = tuple(subscriptions)
        self._wide = tuple(wide)
        self._wide_allowed = bool(wide)
        self._resumed = False
        self._awaits_wide = False
        self._announced_on = announced_on
        self._since = 0
        self._requests: deque[Request] = deque(maxlen=_REQUESTS_WAITING)
        self._protocol = V311 if settings.mqtt_version == "3.1.1" else V5
        self._number = 0
        self._names = _Names()
        self._density = 0.0
        self._read_at = self._pause_until = 0.0
        self._through_paho: list[Message] = []
        self._answered = False
        self._accepted = False
        self._refused_protocol = False
        self._subscribed = False
        self._may_read = True
        self._closing = Event()
        self._durable: deque[MessageBlock] = deque()
        self._wake_read, self._wake_write = socket.socketpair()
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)
        self._thread = Thread(target=self._run, name="ingest-connection", daemon=True)
        self.connected = False
        """Whether the broker has confirmed our subscriptions."""
        self.reason: str | None = _NOT_YET
        """Why not, in one line."""

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        self._thread.start()

    def acknowledge(self, messages: MessageBlock) -> None:
        """Tell the broker that these messages are durable.

        Those of an earlier connection are left out: the broker sends them again, under ids of its own.
        """
        self._durable.append(messages)
        self.wake()

    def request(self, requests: Sequence[Request]) -> None:
        """Publish these at QoS 0 when the connection stands; of too many the oldest are given up."""
        if requests:
            self._requests.extend(requests)
            self.wake()

    def wake(self) -> None:
        """Let the connection look again whether there is room."""
        with suppress(OSError):  # full: it is going to wake anyway; closed: there is nobody to wake
            self._wake_write.send(b"\0")

    def stop_reading(self) -> None:
        """Take nothing more off the network; acknowledgements still go out."""
        self._may_read = False
        self.wake()

    def close(self, timeout_s: float) -> None:
        """Send the acknowledgements that wait, disconnect and end the thread, within the time given."""
        self._closing.set()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._wake_read.close()
            self._wake_write.close()

    def _run(self) -> None:
        attempt = 0
        while not self._closing.is_set():
            if not self._may_read or not self._room() > 0:
                self._closing.wait(0.1)
                continue
            self._connect_and_serve()
            self.connected = False
            if self._closing.is_set():
                return
            attempt = 0 if self._accepted else attempt + 1
            if self._fall_back():
                continue
            delay = self._backoff.delay_s(attempt, random())
            log.warning("%s; next attempt in %.1f s", self.reason, delay)
            self._closing.wait(delay)

    def _fall_back(self) -> bool:
        """Change the protocol after it was refused; tell whether to try again at once."""
        if self._accepted or self._settings.mqtt_version != "auto":
            return False
        if self._protocol is V5 and self._refused_protocol:
            log.info("broker %s does not answer in MQTT 5; trying 3.1.1", self._settings.broker)
            self._protocol = V311
            return True
        self._protocol = V5
        return False

    def _connect_and_serve(self) -> None:
        self._accepted = self._answered = self._refused_protocol = self._awaits_wide = False
        self._number += 1
        self._durable.clear()  # of an earlier connection
        client: IngestClient | None = None
        try:
            self._since = self._clock.now_ms()
            client = new_client(self._settings, self._protocol, self._announcement(self._since, online=False))
            client.on_connect = self._on_connect
            client.on_subscribe = self._on_subscribe
            client.on_disconnect = self._on_disconnect
            client.on_message = self._on_publish
            client.begin()
            self._serve(client)
        except OSError as error:
            self._lost(f"broker {self._settings.broker}: {error}")
        except Exception as error:
            log.exception("the connection failed unexpectedly")
            self._lost(f"broker {self._settings.broker}: {error}")
        finally:
            if client is not None:
                close(client)
            if self._awaits_wide and not self._closing.is_set():
                self._give_up_wide()

    def _lost(self, reason: str) -> None:
        self.connected = False
        self.reason = reason

    def _serve(self, client: IngestClient) -> None:
        """Read, write and keep alive until the connection ends or is to be closed."""
        deadline = monotonic() + _CONNACK_TIMEOUT_S[self._protocol]
        while (sock := client.socket()) is not None:
            if not self._accepted and monotonic() > deadline:
                self._refused_protocol = True
                raise OSError("no answer to CONNECT")
            self._send_acknowledgements(client)
            if self._accepted:
                self._send_requests(client)
            if self._closing.is_set():
                if self._accepted:
                    self._announce(client, self._clock.now_ms(), online=False)
                disconnect(client)
                return
            # Until the broker has accepted us, what comes is its answer, not messages.
            reading = not self._accepted or (self._may_read and self._room() > 0)
            # A broker sends message by message: in a dense stream a short pause makes one read of many.
            pause = max(0.0, self._pause_until - monotonic()) if self._accepted else 0.0
            reading = reading and not pause
            readers: list[Any] = [self._wake_read, *([sock] if reading else [])]
            writers = [sock] if client.want_write() else []
            pending = reading and getattr(sock, "pending", int)() > 0
            wait = 0 if pending else pause or _IDLE_S
            readable, writable, _ = select.select(readers, writers, [], wait)
            if self._wake_read in readable:
                self._wake_read.recv(65_536)
            if pending or sock in readable:
                self._read(client)
            if writable and client.socket() is not None:
                client.loop_write()
            client.loop_misc()

    def _read(self, client: IngestClient) -> None:
        """Read what has come: the one place that takes bytes off the socket."""
        frames = client.read(self._room() if self._accepted else _FIRST_BYTES)
        blocks = [] if frames is None else [self._block(frames, self._clock.now_ms())]
        if self._through_paho:
            blocks.append(MessageBlock.of(self._through_paho))
            self._through_paho = []
        if blocks:
            block = MessageBlock.joined(blocks)
            self._on_messages(block)
            read_at = monotonic()
            # As many as this in that time: the stream is dense, in whatever pieces it comes.
            self._density = self._density * max(0.0, 1 - (read_at - self._read_at) / _PAUSE_S) + len(block)
            self._read_at = read_at
            if self._density >= _DENSE:
                self._pause_until = read_at + _PAUSE_S

    def _block(self, frames: Frames, now: int) -> MessageBlock:
        rows = len(frames.payloads)
        return MessageBlock(
            list(map(self._names.__getitem__, frames.topics)),
            frames.payloads,
            frames.qos,
            frames.retain,
            frames.mids,
            np.full(rows, now),
            np.full(rows, self._number),
        )

    def _send_acknowledgements(self, client: IngestClient) -> None:
        mids: list[int] = []
        while self._durable:
            block = self._durable.popleft()
            ours = block.connection == self._number
            mids += block.mids[ours & (block.qos == 1)].tolist()
            for mid in block.mids[ours & (block.qos > 1)].tolist():
                client.ack(mid, 2)
        client.acknowledge(mids)

    def _send_requests(self, client: IngestClient) -> None:
        while self._requests:
            request = self._requests.popleft()
            if request.topic == self._announced_on:
                self._announce(client, self._since, online=True)
                continue
            client.publish(request.topic, request.payload, qos=0)

    def _announcement(self, timestamp: int, *, online: bool) -> tuple[str, bytes] | None:
        if self._announced_on is None:
            return None
        return self._announced_on, state_payload(timestamp, online=online)

    def _announce(self, client: mqtt.Client, timestamp: int, *, online: bool) -> None:
        """Say whether we are there, to whoever waits for it; when we are, with the time of the will."""
        said = self._announcement(timestamp, online=online)
        if said is not None:
            client.publish(*said, qos=1, retain=True)

    def _on_connect(
        self, client: mqtt.Client, _: Any, flags: mqtt.ConnectFlags, code: ReasonCode, __: Properties | None
    ) -> None:
        self._answered = True
        if code.is_failure:
            self._refused_protocol = "protocol version" in str(code).lower()
            self._lost(f"broker {self._settings.broker} refuses us: {code}")
            return
        self._accepted = True
        log.info(
            "connected to %s (MQTT %s, session %s)",
            self._settings.broker,
            "5" if self._protocol is V5 else "3.1.1",
            "resumed" if flags.session_present else "new",
        )
        self._resumed = flags.session_present
        self._subscribe(client)

    def _subscribe(self, client: mqtt.Client) -> None:
        self._awaits_wide = self._wide_allowed
        self._subscriptions = self._wide if self._wide_allowed else self._narrow
        if self._protocol is V5:
            # Retained copies are wanted once, not after every reconnection.
            options = SubscribeOptions(qos=1, retainHandling=1 if self._subscribed else 0)
            client.subscribe([(topic, options) for topic in self._subscriptions])
        else:
            client.subscribe([(topic, 1) for topic in self._subscriptions])

    def _give_up_wide(self) -> None:
        self._wide_allowed = self._awaits_wide = False
        name = self._settings.broker
        log.info("broker %s does not let us read %s: topics beside ours are not seen", name, self._wide[0])

    def _leave_others(self, client: mqtt.Client) -> None:
        """End what an earlier process subscribed to in this session: with ours, all would come twice."""
        left = [one for one in (*self._narrow, *self._wide) if one not in self._subscriptions]
        if self._resumed and left:
            client.unsubscribe(left)

    def _on_subscribe(
        self, client: mqtt.Client, _: Any, __: int, codes: list[ReasonCode], ___: Properties | None
    ) -> None:
        refused = [topic for topic, code in zip(self._subscriptions, codes, strict=False) if code.is_failure]
        if self._awaits_wide and self._wide[0] in refused:
            self._give_up_wide()
            self._subscribe(client)
            return
        self._awaits_wide = False
        if refused:
            self._lost(f"broker {self._settings.broker} refuses our subscription to {', '.join(refused)}")
            log.error("%s", self.reason)
            return
        self._leave_others(client)
        self._subscribed = True
        self._announce(client, self._since, online=True)
        self.connected, self.reason = True, None

    def _on_disconnect(
        self, _: mqtt.Client, __: Any, ___: mqtt.DisconnectFlags, code: ReasonCode, ____: Properties | None
    ) -> None:
        if self._closing.is_set():
            self._lost("closed")
        elif self._accepted or not self._answered:
            # A broker that knows no MQTT 5 may answer in the format of 3.1.1, which is no answer to MQTT 5.
            self._refused_protocol = not self._answered
            self._lost(f"broker {self._settings.broker}: connection lost ({code})")

    def _on_publish(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        """Take what was published at QoS 2 and reached us so: no broker should, but paho knows how."""
        received = self._clock.now_ms()
        name = self._names[message._topic]
        payload = bytes(message.payload)
        self._through_paho.append(
            Message(name, payload, message.qos, message.retain, message.mid, received, self._number)
        )
