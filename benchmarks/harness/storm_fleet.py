"""A fleet of which most goes silent at once, while a few of the others break: what it publishes, and when."""

import json
import random
import time
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from benchmarks.harness.raw_publisher import RawPublisher
from fleet.clock import SystemClock

CODES = {
    "B21": "battery_overheat",
    "C03": "charging_failure",
    "M21": "brush_jam",
    "M31": "fan_motor_wear",
    "M11": "drive_motor_wear",
    "F01": "filter_clog",
    "W05": "water_leak",
    "N02": "lidar_misaligned",
    "N11": "wheel_slip",
    "B12": "battery_wear",
}
"""Ten codes that the shipped catalogue knows of the models below, and their faults."""
_MODELS, _FIRMWARES = ("CR-20", "CR-40", "CR-60", "CR-80"), ("3.1.0", "3.2.0", "3.2.1")
_TURN_S = 0.02

Message = tuple[str, bytes]


@dataclass(frozen=True)
class Size:
    """How many devices go absent from how many sites, how many others go on, and how many of these break."""

    absent: int
    sites: int
    others: int
    other_sites: int
    faults: int


@dataclass
class StormFleet:
    """Publishes what is due, second by second, from a thread of its own.

    `told` has when the first word of each real fault was handed to the socket: epoch seconds, by device.
    """

    port: int
    size: Size
    period_s: float
    told: dict[str, float] = field(default_factory=dict)
    published: int = 0

    def __post_init__(self) -> None:
        """Lay out the fleet; nothing is published yet."""
        self._chance = random.Random(7)
        self.absent = [f"A{number:05d}" for number in range(self.size.absent)]
        self.others = [f"O{number:05d}" for number in range(self.size.others)]
        self.site = {name: f"s{n % self.size.sites:02d}" for n, name in enumerate(self.absent)}
        self.site |= {name: f"o{n % self.size.other_sites:02d}" for n, name in enumerate(self.others)}
        self.broken = self._chance.sample(self.others, self.size.faults)
        self.code = {name: list(CODES)[n % len(CODES)] for n, name in enumerate(self.broken)}
        self._stands: set[str] = set()
        self._says: set[str] = set()
        self._due: list[tuple[float, str, str]] = []
        self._speaking = list(self.others)
        self._ending, self._planning = Event(), Lock()
        self._thread = Thread(target=self._run, name="storm-fleet")

    @property
    def faults(self) -> dict[str, str]:
        """The fault of each device that breaks."""
        return {name: CODES[code] for name, code in self.code.items()}

    def introduce(self) -> None:
        """Let every device say what it is, and send its first reading; returns when the broker has all."""
        sender = RawPublisher(self.port, "storm-first")
        names = [*self.absent, *self.others]
        for start in range(0, len(names), 500):
            few = names[start : start + 500]
            messages = [self._info(name, number) for number, name in enumerate(few)]
            messages += [self._online(name) for name in few] + [self._reading(name) for name in few]
            _send_all(sender, messages)
        sender.close()

    def speak(self) -> None:
        """Let the others report in turn, each every `period_s`, until `end`."""
        self._thread.start()

    def go_absent(self, within_s: float) -> None:
        """Have the broker's word that those are gone come at random moments of the next seconds."""
        self._plan(self.absent, within_s, "offline")

    def break_down(self, within_s: float) -> None:
        """Let real faults begin at random moments of the next seconds: told by events and by a state."""
        for number, name in enumerate(self.broken):
            self._plan([name], within_s, "event" if number % 2 else "error")

    def come_back(self, within_s: float) -> None:
        """Let those that were absent report again at random moments of the next seconds."""
        self._plan(self.absent, within_s, "online")

    def end(self) -> None:
        """Publish no more."""
        self._ending.set()
        self._thread.join()

    def _plan(self, names: list[str], within_s: float, what: str) -> None:
        now = time.monotonic()
        new = [(now + self._chance.uniform(0, within_s), name, what) for name in names]
        with self._planning:
            self._due = sorted([*self._due, *new])

    def _run(self) -> None:
        sender = RawPublisher(self.port, "storm-fleet")
        begun, sent = time.monotonic(), 0
        while not self._ending.wait(_TURN_S):
            now = time.monotonic()
            wanted = int((now - begun) * len(self._speaking) / self.period_s)
            messages = [
                self._reading(self._speaking[number % len(self._speaking)]) for number in range(sent, wanted)
            ]
            sent = wanted
            with self._planning:
                due, self._due = self._split(now)
            messages += [message for _, name, what in due for message in self._word(name, what)]
            self.told |= {name: self.told.get(name, time.time()) for _, name, _ in due if name in self.code}
            _send_all(sender, messages)
            self.published += len(messages)
        sender.close()

    def _split(self, now: float) -> tuple[list[tuple[float, str, str]], list[tuple[float, str, str]]]:
        ripe = next((number for number, (at, *_) in enumerate(self._due) if at > now), len(self._due))
        return self._due[:ripe], self._due[ripe:]

    def _word(self, name: str, what: str) -> list[Message]:
        if what == "offline":
            return [(self._topic(name, "status"), b"offline")]
        if what == "online":
            return [self._online(name), self._reading(name)]
        self._says.add(name)
        if what == "event":
            body = {"ts": SystemClock().now_ms(), "code": "error", "detail": {"error_code": self.code[name]}}
            return [(self._topic(name, "event"), json.dumps(body).encode())]
        self._stands.add(name)
        return [self._reading(name)]

    def _info(self, name: str, number: int) -> Message:
        body = {"model": _MODELS[number % 4], "firmware": _FIRMWARES[number % 3]}
        return self._topic(name, "info"), json.dumps(body).encode()

    def _online(self, name: str) -> Message:
        return self._topic(name, "status"), b"online"

    def _reading(self, name: str) -> Message:
        body = {
            "ts": SystemClock().now_ms(),
            "battery_pct": round(self._chance.uniform(30, 90), 1),
            "battery_temp_c": round(self._chance.uniform(20, 35), 1),
            "drive_rpm": round(self._chance.uniform(2000, 2400)),
            "brush_rpm": 1200,
            "fan_rpm": 12000,
            # Chatter: of one device in fifty a bin that is full and empty again all the time.
            "dustbin_pct": round(self._chance.uniform(90, 99), 1) if number_of(name) % 50 == 0 else 40,
            "state": "error" if name in self._stands else "cleaning",
            "error_code": self.code[name] if name in self._says else "",
        }
        return self._topic(name, "telemetry"), json.dumps(body).encode()

    def _topic(self, name: str, what: str) -> str:
        return f"sweepwatch/v1/{self.site[name]}/robot/{name}/{what}"


def number_of(name: str) -> int:
    """Return the number that a device's name ends with."""
    return int(name[1:])


def _send_all(sender: RawPublisher, messages: list[Message]) -> None:
    """Send, as far as the broker has acknowledged what came before."""
    left = messages
    while left:
        sender.take_acknowledgements()
        room = max(sender.room, 0)
        sender.send(left[:room])
        left = left[room:]
    while sender.in_flight and messages:
        sender.take_acknowledgements()
