"""The crew as one thing: everybody does what is due, from one thread; letters come in by its letter box."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from fleet.clock import MINUTE_MS, Clock
from fleet.people import CREW_DOMAIN
from simulators.crew import hours
from simulators.crew.client import Away, Browser, Refused, Signed
from simulators.crew.customer import CustomerAtHome, Mind
from simulators.crew.dispatcher import DispatcherAtWork
from simulators.crew.engineer import AtWork, EngineerAtWork
from simulators.crew.hands import draw_hand
from simulators.crew.households import draw_household
from simulators.crew.memory import Minds
from simulators.crew.officer import OfficerAtWork
from simulators.crew.people import DISPATCHER, SAFETY, CrewPlan
from simulators.crew.ports import Passes, Robots
from simulators.crew.roads import mood_of_day

log = logging.getLogger(__name__)
_BEAT_S = 0.25
"""How often somebody is looked for who has something to do."""
_BREATH_S = 0.01
_AGAIN_MS = 5 * MINUTE_MS
"""So long somebody waits to whom the house did not answer, or said no where nobody expected it."""
_STOP_S = 2.0
_HANDS, _HOUSEHOLDS, _CHANCES = 82, 83, 84


class Crew:
    """The people of a simulated fleet at work; a context manager that starts and stops its thread.

    `address` is that of the house, `file` keeps what they have in mind. `step` lets them act by hand. Who
    has no road to go looks up not sooner than after `pause_ms`: on a fast clock looking takes longest.
    """

    def __init__(
        self,
        plan: CrewPlan,
        address: str,
        passes: Passes,
        robots: Robots,
        clock: Clock,
        file: Path,
        pause_ms: int = 0,
    ) -> None:
        self._clock, self._file = clock, file
        self.minds = Minds.load(file)
        self._draw = np.random.default_rng((plan.seed, _CHANCES))
        if self.minds.generator:
            self._draw.bit_generator.state = self.minds.generator
        self._letters: deque[tuple[str, str]] = deque(maxlen=1000)
        self._browsers: list[Browser] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="crew", daemon=True)
        self.problem: str | None = None
        """Why nobody gets on, or None."""
        self._customers = self._make_customers(plan, address, robots)
        self._actors = self._make_actors(plan, address, passes, robots)
        self._due = dict.fromkeys(self._actors, clock.now_ms())
        self._pauses = dict.fromkeys((DISPATCHER[0], SAFETY[0], *self._customers), pause_ms)

    def _make_customers(self, plan: CrewPlan, address: str, robots: Robots) -> dict[str, CustomerAtHome]:
        made = {}
        for index, who in enumerate(plan.customers):
            household = draw_household(np.random.default_rng((plan.seed, _HOUSEHOLDS, index)))
            mind = self.minds.customers.setdefault(who.id, Mind())
            browser = Browser(address)
            self._browsers.append(browser)
            made[who.email] = CustomerAtHome(who, household, browser, robots, plan, mind)
        return made

    def _make_actors(
        self, plan: CrewPlan, address: str, passes: Passes, robots: Robots
    ) -> dict[str, Callable[[int], int]]:
        def signed(email: str) -> Signed:
            browser = Signed(address, lambda: passes.pass_of(email))
            self._browsers.append(browser)
            return browser

        draw, minds = self._draw, self.minds
        dispatcher = DispatcherAtWork(
            signed(f"{DISPATCHER[0]}@{CREW_DOMAIN}"), plan, minds.desk, self._take_calls
        )
        officer = OfficerAtWork(signed(f"{SAFETY[0]}@{CREW_DOMAIN}"), plan, minds.officer)
        actors: dict[str, Callable[[int], int]] = {
            DISPATCHER[0]: lambda now: dispatcher.act(now, draw),
            SAFETY[0]: lambda now: self._officer_acts(officer, now),
        }
        for index, who in enumerate(plan.engineers):
            hand = draw_hand(who.skills, np.random.default_rng((plan.seed, _HANDS, index)))
            memory = minds.engineers.setdefault(who.id, AtWork())
            at_work = EngineerAtWork(who, hand, signed(who.email), robots, plan, memory, self._witness)
            actors[who.id] = lambda now, one=at_work: one.act(now, draw, self._mood(now))  # type: ignore[misc]
        for email, customer in self._customers.items():
            actors[email] = lambda now, one=customer: one.act(now, draw)  # type: ignore[misc]
        return actors

    def _officer_acts(self, officer: OfficerAtWork, now: int) -> int:
        again = officer.act(now, self._draw)
        self.minds.officer = officer.rests
        return again

    def receive(self, address: str, text: str) -> None:
        """Take a letter to an address; from any thread. One to nobody of the crew is thrown away."""
        if address in self._customers:
            self._letters.append((address, text))

    def step(self) -> int:
        """Let everybody who is due act, once; return when somebody is due next (epoch ms)."""
        now = self._clock.now_ms()
        while self._letters:
            address, text = self._letters.popleft()
            self._customers[address].receive(text, now, self._draw)
            self._due[address] = now
        acted, problem = False, None
        for name, act in self._actors.items():
            if self._due[name] > now or self._stop.is_set():
                continue
            acted = True
            try:
                self._due[name] = max(act(now), now + self._pauses.get(name, 0))
            except (Away, Refused) as error:
                self._due[name] = now + _AGAIN_MS
                problem = f"{name}: {error}"
                log.info("crew: %s", problem)
        if acted:
            self.problem = problem
            self._remember()
        return min(self._due.values())

    def waits_since(self) -> int | None:
        """Return since when somebody should have acted (epoch ms); None where nobody acts any more."""
        return min(self._due.values()) if self._thread.is_alive() else None

    def _remember(self) -> None:
        self.minds.generator = dict(self._draw.bit_generator.state)
        self.minds.save(self._file)

    def _mood(self, now: int) -> float:
        today = hours.day_number(now)
        if self.minds.mood_of != today:
            self.minds.mood_of, self.minds.mood = today, mood_of_day(self._draw)
        return self.minds.mood

    def _witness(self, device: str, what: str, now: int) -> None:
        for customer in self._customers.values():
            if any(device in site.devices for site in customer.who.sites):
                customer.witness(device, what, now)

    def _take_calls(self) -> list[Mapping[str, str]]:
        """Return what customers say by phone; whoever answers has it."""
        calls: list[Mapping[str, str]] = []
        for customer in self._customers.values():
            calls += [{**call, "customer": customer.who.id} for call in customer.mind.calls]
            customer.mind.calls.clear()
        return calls

    def __enter__(self) -> "Crew":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_STOP_S)
        if not self._thread.is_alive():
            self.close()

    def close(self) -> None:
        """Let go of all connections; nobody acts any more."""
        for browser in self._browsers:
            browser.close()

    def _pause_s(self) -> float:
        """Return how long nobody is looked for (s): not at all where somebody waits, as on a fast clock."""
        return _BREATH_S if min(self._due.values()) <= self._clock.now_ms() else _BEAT_S

    def _run(self) -> None:
        while not self._stop.wait(self._pause_s()):
            try:
                self.step()
            except Exception as error:  # the demo goes on without its people, and says so
                if self._stop.is_set():
                    return
                self.problem = f"the crew has stopped: {error}"
                log.exception("the crew has stopped")
                return
