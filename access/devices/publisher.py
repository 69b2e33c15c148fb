"""Publishes commands, each once, over crashes of this process, of its connection and of the broker.

Before a batch a mark goes out. When it came back, and is kept by the broker for us, commands are claimed in
the desk under its name, then published; when the broker's copy of one comes back, it is sent. Whoever begins
after a crash takes over the session: with that the broker drops what the connection before had not delivered.
Then another mark goes out, and all that was published comes back before it. What was claimed and did not come
back was not sent, where the mark of its batch was still kept. Where it was not, the broker has lost its
memory: nobody knows, and the command is not sent a second time.
"""

import logging
from collections.abc import Callable
from random import random
from secrets import token_hex
from threading import Event, Thread
from time import monotonic

from access.devices.link import V5, V311, Link, ProtocolRefused
from access.devices.outbox import Outbox
from fleet.broker_url import BrokerAddress
from fleet.clock import Clock
from fleet.errors import BrokerUnavailable, SweepwatchError

log = logging.getLogger(__name__)

BATCH = 500
"""So many copies at most wait for us at the broker: by default mosquitto keeps a thousand."""
LOOK_S = 1.0
"""How soon a command is seen that another process ordered, or whose device came back."""
_PACE = 20
"""Of the time, one part in so many may go into looking for what is due."""
_BACK_S = 15.0
_LONGEST_PACE_S = 1.0
_FIRST_RETRY_S, _SLOWEST_RETRY_S = 0.25, 30.0
_ENDED_S = 3.0


class CommandPublisher:
    """Sends what is due, in a thread of its own, as long as it is this process's turn.

    `mine` tells whether it is, and may raise StoreUnavailable. `mqtt_version` is "5", "3.1.1" or "auto".
    """

    def __init__(
        self,
        outbox: Outbox,
        broker: BrokerAddress,
        clock: Clock,
        mine: Callable[[], bool] = lambda: True,
        mqtt_version: str = "auto",
    ) -> None:
        self._outbox = outbox
        self._broker = broker
        self._clock = clock
        self._mine = mine
        self._auto = mqtt_version == "auto"
        self._protocol = V311 if mqtt_version == "3.1.1" else V5
        self._stopping = Event()
        self._woken = Event()
        self._link: Link | None = None
        self._trouble: str | None = None
        self._thread = Thread(target=self._run, name="commands", daemon=True)

    def start(self) -> None:
        """Begin, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is on its way is settled by whoever begins next."""
        self._stopping.set()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(_ENDED_S)

    def wake(self) -> None:
        """Look at once: something was ordered. From any thread."""
        self._woken.set()
        link = self._link
        if link is not None:
            link.wake()

    def trouble(self) -> str | None:
        """Return why nothing can be sent, in one line; None when all is well, or others send."""
        return self._trouble

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            begun = monotonic()
            try:
                if self._mine():
                    self._serve()
                self._trouble = None
                self._stopping.wait(LOOK_S)
                continue
            except ProtocolRefused as error:
                if self._auto:
                    self._protocol = V311 if self._protocol is V5 else V5
                problem: Exception = error
            except Exception as error:
                problem = error
            failures = 1 if monotonic() - begun > _SLOWEST_RETRY_S else failures + 1
            self._note(problem, failures)
            delay = min(_SLOWEST_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(failures - 1, 10))
            self._stopping.wait(delay * (0.5 + random() / 2))

    def _note(self, problem: Exception, failures: int) -> None:
        self._trouble = str(problem) or type(problem).__name__
        if self._stopping.is_set() or failures == 1:
            log.info("commands: %s; trying again", self._trouble)
        elif isinstance(problem, SweepwatchError):
            log.warning("commands: %s; trying again", self._trouble)
        else:
            log.error("commands: trying again after an error", exc_info=problem)

    def _serve(self) -> None:
        """Connect and send until it is another's turn. Raises what went wrong."""
        self._link = link = Link(self._broker, self._protocol)
        try:
            link.open()
            self._settle(link)
            while not self._stopping.is_set() and self._mine():
                self._trouble = None
                self._woken.clear()
                begun = monotonic()
                if self._outbox.on_their_way():
                    self._settle(link)
                busy = self._outbox.any_due()
                looked = monotonic() - begun
                while busy and not self._stopping.is_set() and self._mine():
                    busy = self._send_batch(link)
                link.until(self._woken.is_set, max(LOOK_S, _PACE * looked))
                # Many changes wake us at once; one look is enough for all of them.
                link.until(self._stopping.is_set, min(_LONGEST_PACE_S, _PACE * looked))
        finally:
            self._link = None
            link.close()

    def _send_batch(self, link: Link) -> bool:
        """Send what is due, a batch at most; tell whether there may be more."""
        batch = token_hex(16)
        self._mark(link, batch)
        commands = self._outbox.claim(batch, BATCH)
        now = self._clock.now_ms()
        for command in commands:
            link.send(command, now)
        wanted = {command.id for command in commands}
        self._collect(link, wanted, lambda: not wanted)
        link.markers.clear()
        link.release([batch])
        return len(commands) == BATCH

    def _settle(self, link: Link) -> None:
        """Find out what became of the commands that an earlier batch claimed, before more is sent."""
        claimed = self._outbox.on_their_way()
        wanted = set(claimed)
        end = f"end {token_hex(16)}"
        link.mark(end)
        self._collect(link, wanted, lambda: end in link.markers)
        unsent = {each for each in wanted if claimed[each] in link.markers}
        if wanted:
            log.info(
                "commands: %d of a batch before were sent, %d were not, of %d nobody knows",
                len(claimed) - len(wanted),
                len(unsent),
                len(wanted - unsent),
            )
            self._outbox.settle(unsent, wanted - unsent)
        link.release([*link.markers])
        link.markers.clear()

    def _mark(self, link: Link, mark: str) -> None:
        link.mark(mark)
        if not link.until(lambda: mark in link.markers, _BACK_S):
            raise BrokerUnavailable(f"broker {self._broker}: what we publish does not come back to us")

    def _collect(self, link: Link, wanted: set[str], done: Callable[[], bool]) -> None:
        """Note each command as sent whose copy has come, and let the broker forget the copy, until `done`.

        A broker hands out some twenty at a time, and more only when those are acknowledged: so copies are
        noted as they come, as many at once as there are.
        """
        last = monotonic()
        while True:
            came = link.copies & wanted
            if came:
                self._outbox.sent(came)
                wanted -= came
                last = monotonic()
            link.release([*link.copies])  # those of others too: nobody else takes them
            link.copies.clear()
            if done():
                return
            if monotonic() - last > _BACK_S:
                raise BrokerUnavailable(f"broker {self._broker}: what we publish does not come back to us")
            link.until(lambda: bool(link.copies) or done(), _BACK_S)
            # What else has come with it is noted together.
            link.until(lambda: False, 0.002)
