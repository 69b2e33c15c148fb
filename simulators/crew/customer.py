"""One customer of the crew: reads letters, answers links, reports robots that stand still, complains, rates.

What they know is what they were sent and what they see at their own sites. They have no account.
"""

import re
from dataclasses import dataclass, field
from math import isinf

import numpy as np

from fleet.clock import HOUR_MS, MINUTE_MS
from simulators.crew import hours
from simulators.crew.client import Browser, Refused
from simulators.crew.households import (
    Answer,
    Household,
    answer_appointment,
    answer_consent,
    complains_after_h,
    rates_after_h,
    rating,
    reports_after_h,
)
from simulators.crew.people import CrewPlan, CustomerOf
from simulators.crew.ports import Robots

LOOK_EVERY_MS = 15 * MINUTE_MS
_LINK = re.compile(r"/(?P<kind>[acf])/[A-Za-z0-9_-]{10,64}")
_READS_H = 0.25
_OPEN_FROM, _OPEN_TO = 8, 20
"""Hours in which somebody reads and reports."""
_REPORTS = "It does not move any more and shows an error. 机器人停机报错。"
_RATHER = ("mornings", "afternoons")
_FORGET_MS = 30 * 24 * HOUR_MS


@dataclass(slots=True)
class Owned:
    """What a customer knows of one robot: since when it is out of use, who came, what they will do."""

    since: int = 0
    report_at: int = 0
    reported: bool = False
    vain: int = 0
    came: int = 0
    told_by: int = 0
    luck: float = 1.0
    complained: bool = False
    mended: int = 0


@dataclass(slots=True)
class Post:
    """A link that will be answered at a time (epoch ms): what is put into its form."""

    link: str
    at: int
    form: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Mind:
    """What a customer keeps in mind; JSON-ready by asdict."""

    robots: dict[str, Owned] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    """What they will say by phone; whoever answers takes it."""


class CustomerAtHome:
    """Lets one customer do the next thing; times are epoch ms."""

    def __init__(
        self,
        who: CustomerOf,
        household: Household,
        browser: Browser,
        robots: Robots,
        plan: CrewPlan,
        mind: Mind,
    ) -> None:
        self.who, self.mind = who, mind
        self._household, self._browser, self._robots, self._plan = household, browser, robots, plan

    def receive(self, letter: str, now: int, draw: np.random.Generator) -> None:
        """Take a letter; its links are answered when and if somebody gets to it."""
        for found in _LINK.finditer(letter):
            link, kind = found[0], found["kind"]
            if any(post.link == link for post in self.mind.posts):
                continue
            post = self._answer(kind, letter, now, draw)
            if post is not None:
                self.mind.posts.append(Post(link, *post))

    def witness(self, device: str, what: str, now: int) -> None:
        """See that somebody came to a robot, left without having mended it, or has mended it."""
        owned = self.mind.robots.setdefault(device, Owned())
        if what == "came":
            owned.came = now
        elif what == "left":
            owned.vain += 1
        else:
            owned.mended = now

    def act(self, now: int, draw: np.random.Generator) -> int:
        """Do what is due; return when to look again. Raises Away."""
        for site in self.who.sites:
            self._look_round(site.id, now, draw)
        if self._is_awake(now):
            self._write(now)
        due = [post.at for post in self.mind.posts if post.at > now]
        return min([now + LOOK_EVERY_MS, *due])

    # --- letters

    def _answer(
        self, kind: str, letter: str, now: int, draw: np.random.Generator
    ) -> tuple[int, dict[str, str]] | None:
        reads = now + round(_READS_H * HOUR_MS)
        if kind == "f":
            return self._rate(letter, reads, draw)
        if kind == "c":
            reply = answer_consent(self._household, draw)
            form = {"answer": str(reply.answer), "remark": ""}
        else:
            reply = answer_appointment(self._household, hours.weekday(now), _OPEN_FROM + 2, draw)
            form = {"answer": "confirmed"}
            if reply.answer is Answer.NO:
                form = {"answer": "move", "rather": _RATHER[int(draw.integers(len(_RATHER)))]}
        if isinf(reply.after_h):
            return None
        return reads + round(reply.after_h * HOUR_MS), form

    def _rate(self, letter: str, reads: int, draw: np.random.Generator) -> tuple[int, dict[str, str]] | None:
        after = rates_after_h(draw)
        device = next((name for name in self._devices() if name in letter), "")
        owned = self.mind.robots.get(device, Owned())
        solved = device not in self._standing()
        waited = max(0, owned.mended - owned.since) / HOUR_MS if owned.since else 0.0
        stars = rating(self._household, draw, waited_h=waited, visits_in_vain=owned.vain, solved=solved)
        if isinf(after):
            return None
        form = {
            "score": str(stars),
            "solved": "yes" if solved else "no",
            "remark": _remark(stars, owned, solved),
        }
        return reads + round(after * HOUR_MS), form

    def _write(self, now: int) -> None:
        left = []
        for post in self.mind.posts:
            if post.at > now:
                left.append(post)
                continue
            try:
                self._browser.open(post.link)
                self._browser.send(post.link, post.form)
            except Refused:
                continue  # the link is over: somebody is on the way already, or it was another's
        self.mind.posts = left

    # --- robots

    def _devices(self) -> list[str]:
        return [device for site in self.who.sites for device in site.devices]

    def _standing(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for site in self.who.sites:
            found |= self._robots.out_of_use(site.id)
        return found

    def _look_round(self, site: str, now: int, draw: np.random.Generator) -> None:
        standing = self._robots.out_of_use(site)
        for device, since in standing.items():
            owned = self.mind.robots.setdefault(device, Owned())
            if owned.since != since:
                luck = float(draw.random())
                self.mind.robots[device] = owned = Owned(
                    since, since + _hours(reports_after_h(draw)), luck=luck
                )
            if owned.mended:  # somebody said that it is mended, and it is not
                owned.mended, owned.reported, owned.vain = 0, False, owned.vain + 1
                owned.report_at = now + _hours(reports_after_h(draw))
            self._mind(site, device, owned, now)
        for device in self._plan.sites[site].devices:
            known = self.mind.robots.get(device)
            if (
                known is not None
                and device not in standing
                and known.since
                and now - known.since > _FORGET_MS
            ):
                del self.mind.robots[device]

    def _mind(self, site: str, device: str, owned: Owned, now: int) -> None:
        """Report what stands still, and complain when it takes too long."""
        if not self._is_awake(now):
            return
        if not owned.reported and owned.report_at <= now:
            owned.reported = True
            self._report(site, device)
        after = complains_after_h(self._household, owned.luck, owned.vain)
        if not owned.complained and (now - owned.since) / HOUR_MS >= after:
            owned.complained = True
            waited = round((now - owned.since) / HOUR_MS)
            self.mind.calls.append(
                {"about": "complaint", "device": device, "words": _complaint(waited, owned.vain)}
            )

    def _report(self, site: str, device: str) -> None:
        form = {"words": _REPORTS, "who": self.who.contact, "contact": self.who.email, "device": device}
        link = self._plan.links.get(site)
        if link is None:
            return
        try:
            self._browser.send(link, form | {"stage": "send", "fault": "unclear"})
        except Refused:
            return

    def _is_awake(self, now: int) -> bool:
        return _OPEN_FROM <= hours.hour(now) < _OPEN_TO


def _hours(count: float) -> int:
    return round(count * HOUR_MS)


def _remark(stars: int, owned: Owned, solved: bool) -> str:
    if not solved:
        return "It has the same error again. 又报同样的故障。"
    if owned.vain:
        return "The engineer had to come more than once. 工程师来了不止一次。"
    return "Quick and friendly. 处理及时，态度好。" if stars >= 5 else ""


def _complaint(waited_h: int, vain: int) -> str:
    words = f"The robot has stood still for {waited_h} hours. 机器人已停机 {waited_h} 小时。"
    return words + (f" Somebody came {vain} times in vain. 上门 {vain} 次仍未修好。" if vain else "")
