"""Publishes the simulated fleet live: real connections, QoS 1, topics and payloads of the wire contract."""

import logging
import threading
from collections import deque
from pathlib import Path
from time import monotonic

import numpy as np
import orjson

from fleet.clock import Clock, SystemClock
from fleet.errors import ConfigError
from fleet.signals import Kind
from fleet.wire import topic_of
from simulators.backlog import Backlog
from simulators.commands import CommandedDevice
from simulators.connections import Connection, Connections, Message, parse_tcp_url
from simulators.fault_process import EventRecord
from simulators.fleet_simulator import FleetSimulator, Payload
from simulators.randomness import Floats, Ints
from simulators.roster import DeviceCard

log = logging.getLogger(__name__)

DEFAULT_INTERVAL_S = 10.0
DEFAULT_MAX_CONNECTIONS = 200
_TICK_S = 0.05
"""How often devices are looked at: those due since the last look are measured together."""
_KEPT_EVENTS = 100


class _Sender:
    """One device on its way to the broker."""

    def __init__(self, card: DeviceCard, simulator: FleetSimulator) -> None:
        self.card = card
        self.backlog = Backlog()
        self.commanded = CommandedDevice(card, simulator)
        self.inbox: deque[bytes] = deque(maxlen=_KEPT_EVENTS)
        self.away = False
        self.events: deque[Message] = deque(maxlen=_KEPT_EVENTS)
        self.telemetry = self.topic("telemetry")
        self.last_ts = 0

    def topic(self, channel: str) -> str:
        return topic_of(self.card.site, self.card.kind, self.card.id, channel)

    def status(self, word: bytes) -> Message:
        return self.topic("status"), word, True


class FleetPublisher:
    """Lets a simulated fleet publish in real time, from one thread of its own.

    Every device publishes each `interval_s`, at its own moment; with `rate` the fleet publishes that many
    messages a second in all. Each device has its own connection with a last will; above `max_connections`
    devices share gateways, whose one will can speak for their first device only.
    While the broker is away, devices keep a bounded backlog and send it as arrays afterwards. On a clock that
    runs faster than the machine's a look may come late by many readings: they are `whole`, each is measured.
    """

    def __init__(
        self,
        simulator: FleetSimulator,
        broker_url: str,
        *,
        interval_s: float = DEFAULT_INTERVAL_S,
        rate: float | None = None,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        clock: Clock | None = None,
        ca_file: Path | None = None,
        whole: bool = False,
    ) -> None:
        if rate is not None:
            if rate <= 0:
                raise ConfigError(f"rate is {rate}; allowed: more than 0 messages a second")
            interval_s = simulator.config.devices / rate
        if interval_s <= 0:
            raise ConfigError(f"interval is {interval_s} s; allowed: more than 0")
        if max_connections < 1:
            raise ConfigError(f"max connections is {max_connections}; allowed: 1 and more")
        self._simulator = simulator
        self._clock = clock or SystemClock()
        self._interval_ms = interval_s * 1000
        self._whole = whole
        self._looked_ms = self._clock.now_ms()
        self._senders = [_Sender(card, simulator) for card in simulator.cards]
        self._by_command = {sender.topic("cmd"): number for number, sender in enumerate(self._senders)}
        self._commanded: set[int] = set()
        self._carriers = self._share_out(max_connections)
        self._carrier_of = {device: each for each in self._carriers for device in each.devices}
        address = parse_tcp_url(broker_url)
        self._connections = Connections(
            address, self._carriers, self._greet, self._count, ca_file, self._hear
        )
        self._first: dict[Kind, int] = {}
        self._due: dict[Kind, Floats] = {}
        self._every: dict[Kind, Floats] = {}
        self._stop = threading.Event()
        self._goodbye_s = 2.0
        self._thread = threading.Thread(target=self._run, name="fleet-publisher", daemon=True)
        self.published = 0
        """Readings handed to the broker."""
        self.acknowledged = 0
        """Readings that the broker has acknowledged."""
        self.lost = 0
        """Readings that the simulated radio lost: measured, never sent."""
        self.error: str | None = None
        """Why publishing ended by itself, or None."""

    def _share_out(self, most: int) -> list[Connection]:
        count = min(len(self._senders), most)
        carriers = []
        for index in range(count):
            devices = list(range(index, len(self._senders), count))
            first = self._senders[devices[0]]
            client_id = f"sim-{self._simulator.config.seed}-{first.card.id}"
            carriers.append(Connection(client_id, first.status(b"offline"), devices))
        return carriers

    # --- life

    def start(self) -> None:
        """Start to publish, in a thread of its own."""
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Say goodbye and end, in `timeout` seconds at most; what is not acknowledged by then is given up."""
        self._goodbye_s = timeout * 0.7
        self._stop.set()
        if self._thread.ident is not None:  # whoever starts it may be just about to: then it ends at once
            self._thread.join(timeout)

    def run_for(self, seconds: float) -> None:
        """Publish for so many seconds, then stop."""
        self.start()
        self._stop.wait(seconds)
        self.stop(5.0)

    @property
    def connected(self) -> int:
        """How many connections are up."""
        return self._connections.up

    @property
    def problem(self) -> str | None:
        """Why the broker cannot be reached now, or None."""
        return self.error or self._connections.problem

    @property
    def waiting(self) -> int:
        """How many readings devices keep because they could not be sent yet."""
        return sum(len(sender.backlog) for sender in self._senders)

    def _run(self) -> None:
        try:
            self._schedule()
            tick_s, last = min(_TICK_S, self._interval_ms / 2000), -1.0
            while not self._stop.is_set():
                if monotonic() - last >= tick_s:
                    last = monotonic()
                    self._tick()
                self._connections.drive(tick_s)
            self._say_goodbye()
        except Exception as error:
            # The thread's end must be seen: nobody joins it while the fleet runs.
            self.error = f"publishing has stopped: {error}"
            log.exception("publishing has stopped")
            self._stop.set()
        finally:
            self._connections.close(self._goodbye_s)

    def _schedule(self) -> None:
        now, position = self._clock.now_ms(), 0
        self._looked_ms = now
        for kind, cards in self._simulator.roster.cards.items():
            self._first[kind] = position
            self._due[kind] = now + self._simulator.roster.phase_ms[kind] * self._interval_ms
            self._every[kind] = np.full(len(cards), self._interval_ms)
            position += len(cards)

    def _tick(self) -> None:
        now = self._clock.now_ms()
        while self._whole and now - self._looked_ms > self._interval_ms:
            self._looked_ms += round(self._interval_ms)
            self._live(self._looked_ms)
        self._looked_ms = now
        self._live(now)

    def _live(self, now: int) -> None:
        """Let the fleet go on until `now` (epoch ms), and say what is due by then."""
        due = {kind: np.flatnonzero(times <= now) for kind, times in self._due.items()}
        if any(len(devices) for devices in due.values()):
            self._simulator.advance_to(now, self._whole)
        self._obey(now)
        for kind, devices in due.items():
            self._measure(kind, devices, now)
        for event in self._simulator.take_events():
            self._tell(event)
        # Repairs of the live world are filed by the desk's own tickets, or by nobody.
        self._simulator.take_repairs()

    def _measure(self, kind: Kind, devices: Ints, now: int) -> None:
        # A device that is behind skips what it missed: a sensor cannot measure the past.
        times, every = self._due[kind], self._every[kind][devices]
        times[devices] += every * np.maximum(1, np.ceil((now - times[devices] + 1) / every))
        first = self._first[kind]
        if self._commanded:
            devices = devices[[not self._senders[first + index].away for index in devices.tolist()]]
        for index, payload, lost in self._simulator.measure(kind, devices):
            number = first + index
            sender = self._senders[number]
            sender.last_ts = max(now, sender.last_ts + 1)
            if lost:
                self.lost += 1
                continue
            self._send(number, sender, {"ts": sender.last_ts, **payload})

    def _send(self, number: int, sender: _Sender, reading: Payload) -> None:
        carrier = self._carrier_of[number]
        if sender.backlog or not carrier.ready:
            sender.backlog.add(reading)
            self._flush(number)
            return
        carrier.publish((sender.telemetry, orjson.dumps(reading), False), 1)
        self.published += 1

    def _flush(self, number: int) -> None:
        """Send what a device has kept, as far as its connection takes it."""
        carrier, sender = self._carrier_of[number], self._senders[number]
        while sender.events and carrier.ready:
            carrier.publish(sender.events.popleft(), 0)
        while sender.backlog and carrier.ready:
            payload, readings = sender.backlog.take()
            carrier.publish((sender.telemetry, payload, False), readings)
            self.published += readings

    def _tell(self, event: EventRecord) -> None:
        kind, index = self._simulator.find(event.device_id)
        number = self._first[kind] + index
        sender = self._senders[number]
        body = {"ts": event.ts, "code": event.code, "detail": event.detail}
        sender.events.append((sender.topic("event"), orjson.dumps(body), False))
        self._flush(number)

    def _greet(self, carrier: Connection) -> None:
        # First: who says that it is online can be told something at once.
        carrier.listen([self._senders[number].topic("cmd") for number in carrier.devices])
        for number in carrier.devices:
            if not self._senders[number].away:
                self._introduce(number)

    def _introduce(self, number: int) -> None:
        sender, carrier = self._senders[number], self._carrier_of[number]
        info: Message = (sender.topic("info"), orjson.dumps(sender.card.info()), True)
        for message in (info, sender.status(b"online")):
            carrier.publish(message, 0)
        self._flush(number)

    def _hear(self, topic: str, payload: bytes) -> None:
        """Take a command; it is looked at with the next tick."""
        number = self._by_command.get(topic)
        if number is not None:
            self._senders[number].inbox.append(payload)
            self._commanded.add(number)

    def _obey(self, now: int) -> None:
        """Let the devices that were told something go on with it, and answer."""
        for number in sorted(self._commanded):
            sender = self._senders[number]
            device = sender.commanded
            while sender.inbox and now >= device.away_until:
                device.take(sender.inbox.popleft(), now)
            for reply in device.go_on(now):
                sender.events.append((sender.topic("cmd/reply"), orjson.dumps(reply), False))
            self._flush(number)
            self._follow(number, now)
            if not (device.busy or sender.inbox or sender.away):
                self._commanded.discard(number)

    def _follow(self, number: int, now: int) -> None:
        """Do what a command changed about how a device publishes."""
        sender, carrier = self._senders[number], self._carrier_of[number]
        device, away = sender.commanded, now < sender.commanded.away_until
        if device.report_every_s is not None:
            kind, index = self._simulator.find(sender.card.id)
            self._due[kind][index] = min(self._due[kind][index], now + device.report_every_s * 1000)
            self._every[kind][index], device.report_every_s = device.report_every_s * 1000.0, None
        news = device.card is not sender.card or (sender.away and not away)
        if away and not sender.away and carrier.connected:
            carrier.publish(sender.status(b"offline"), 0)
        sender.card, sender.away = device.card, away
        if news and carrier.connected:
            self._introduce(number)

    def _count(self, readings: int) -> None:
        self.acknowledged += readings

    def _say_goodbye(self) -> None:
        for carrier in self._carriers:
            for number in carrier.devices:
                if carrier.connected:
                    carrier.publish(self._senders[number].status(b"offline"), 0)
