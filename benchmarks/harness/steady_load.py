"""A steady stream of readings that can be told apart, whatever happens to the broker meanwhile."""

import time
from threading import Event, Lock, Thread

from benchmarks.harness.raw_publisher import RawPublisher
from fleet.signals import Kind
from fleet.wire import topic_of

SITE = "crash"
_TICK_S = 0.01
_PAST_MS = 3_600_000


class Readings:
    """Makes readings of 13 signals: `ts` and `seq` count up by device, and values tell whose they are."""

    def __init__(self, devices: int) -> None:
        self.devices = devices
        self.made = 0
        self.start = int(time.time() * 1000) - _PAST_MS
        self._topics = [topic_of(SITE, Kind.ROBOT, device_name(n), "telemetry") for n in range(devices)]

    def take(self, count: int) -> list[tuple[str, bytes]]:
        """Return the next `count` readings as (topic, payload)."""
        made = []
        for number in range(self.made, self.made + count):
            turn, device = divmod(number, self.devices)
            body = (
                f'{{"ts":{self.start + turn},"seq":{turn},"battery_pct":{turn % 80 + 10}.5,"x_m":{device}.25,'
                f'"y_m":{turn % 40}.75,"rssi_dbm":-61,"battery_voltage_v":25.52,"drive_rpm":2400.5,'
                f'"drive_current_a":3.14,"brush_rpm":1210,"brush_current_a":2.03,"fan_rpm":12000,'
                f'"suction_pa":9500,"dustbin_pct":{turn % 70}.25,"state":"cleaning"}}'
            )
            made.append((self._topics[device], body.encode()))
        self.made += count
        return made

    def expected(self, device: int) -> int:
        """Return how many readings of a device there were: those at `start`, `start + 1` and so on."""
        return len(range(device, self.made, self.devices))


def device_name(number: int) -> str:
    """Return the id of a device."""
    return f"D{number:05d}"


class SteadyLoad:
    """Publishes `rate` readings a second from a thread of its own, as far as the broker takes them."""

    def __init__(self, port: int, readings: Readings, rate: int) -> None:
        self._publisher = RawPublisher(port, "steady-load")
        self._readings = readings
        self._rate = rate
        self._going = False
        self._sending = Lock()
        self._ending = Event()
        self._thread = Thread(target=self._run, name="steady-load", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._going = True
        self._thread.start()

    @property
    def acknowledged(self) -> int:
        """How many readings the broker has taken responsibility for."""
        return self._publisher.acknowledged

    def finish(self, timeout_s: float) -> int:
        """Publish no more; wait until the broker has acknowledged everything, and return how much that was.

        Raises RuntimeError when it does not in time.
        """
        with self._sending:  # whatever it is about to send counts
            self._going = False
        deadline = time.monotonic() + timeout_s
        while self._readings.made > self.acknowledged:
            if time.monotonic() > deadline:
                raise RuntimeError("the broker did not acknowledge what was published")
            time.sleep(_TICK_S)
        return self.acknowledged

    def close(self) -> None:
        """End the thread and the connection."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(10)
        self._publisher.close()

    def _run(self) -> None:
        due, last = 0.0, time.monotonic()
        while not self._ending.is_set():
            now = time.monotonic()
            # What could not be sent in time is made up for, but for no more than a second of it.
            due = min(due + self._rate * (now - last), float(self._rate))
            last = now
            self._publisher.take_acknowledgements()
            with self._sending:
                count = max(0, min(int(due), self._publisher.room)) if self._going else 0
                due -= count
                self._publisher.send(self._readings.take(count))
            time.sleep(_TICK_S)
