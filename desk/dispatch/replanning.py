"""The schedule plans a day anew when something changed: as a proposal, or within what was promised."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from math import ceil

from sqlalchemy.orm import Session

from desk.dispatch.board import DispatchBoard
from desk.dispatch.looking import Looked, is_worth_it, looked
from desk.dispatch.scene import Scene, SceneReader
from desk.dispatch.settings import Replan
from desk.dispatch.troubles import troubles_of
from fleet.assignments import AppointmentState
from fleet.clock import Clock
from fleet.localtime import day_of, ms_of
from fleet.principals import schedule
from fleet.proposals import Cause, Proposal, Trouble
from storage.records.appointments import appointments_of
from storage.records.assignments import released_since
from storage.records.database import DeskDatabase
from storage.records.day_plans import proposals_of
from storage.records.sites import all_sites

log = logging.getLogger(__name__)
BY = schedule("dispatch")
_MOST_PLANS = 500
"""So many plans of a day are looked through for what made them."""


class Replanner:
    """Looks at a day again and again; of several processes one does (sweepwatch/run/sharing.py).

    What changed counts once a day: who answers a proposal with doing nothing is not asked again.
    """

    def __init__(self, desk: DeskDatabase, board: DispatchBoard, reader: SceneReader, clock: Clock) -> None:
        self._desk = desk
        self._board = board
        self._reader = reader
        self._clock = clock
        self._last: Looked | None = None

    def tick(self) -> list[Proposal]:
        """Plan the day of each region anew in which something changed; return the plans."""
        settings, now = self._board.settings, self._clock.now_ms()
        if settings.replan is Replan.OFF:
            return []
        zone = self._reader.zones.of(None)
        day = day_of(now, zone)
        with self._desk.look() as session:
            if not is_worth_it(session, self._last, now, day):
                return []
            last = looked(session, now, day)
        self._last = None  # where something fails, the next look is a whole one again
        with self._desk.transaction() as session:
            scene = self._reader.read(session, now)
            troubles = troubles_of(scene, day, released_since(session, ms_of(day, 0, zone)))
            before = proposals_of(session, day, _MOST_PLANS)
            regions = {each.id: each.region for each in all_sites(session)}
        done = {each.key for plan in before for each in plan.causes}
        new = [each for each in troubles if each.key not in done]
        found, waits = list[Proposal](), False
        for region, some in _by_region(new, {n: case.site for n, case in scene.cases.items()}, regions):
            newest = max(
                (each.made_at for each in before if each.causes and each.region == region), default=0
            )
            if now - newest >= settings.replan_every_ms:
                found.append(self._plan(day, region, some))
            else:
                waits = True
        found += self._nearer(scene, day, done)
        self._last = replace(last, waits=waits)
        return found

    def _nearer(self, scene: Scene, day: date, done: Collection[str]) -> list[Proposal]:
        """Propose to send somebody nearer; that is never done by itself: two people are told otherwise."""
        return [self._board.suggest_change(BY, day, each) for each in self._board.nearer(scene, day, done)]

    def _plan(self, day: date, region: str, causes: Sequence[Trouble]) -> Proposal:
        made = self._board.propose(BY, day, region=region, causes=causes)
        if made.is_empty or self._board.settings.replan is not Replan.APPLY:
            return made
        with self._desk.transaction() as session:
            told, anew = retold(session, made)
        if anew > ceil(self._board.settings.retold_share * told):
            log.info("plan %d would tell %d of %d customers another time: it waits", made.id, anew, told)
            return made
        return self._board.apply(made.id, BY, tell=True)


def retold(session: Session, made: Proposal) -> tuple[int, int]:
    """Return how many customers know their window, and how many of them a plan tells another one.

    Of who is away, or longer somewhere, the next cannot be kept: what is not chosen does not count.
    """
    forced = {each.engineer for each in made.causes if each.cause in (Cause.ENGINEER_AWAY, Cause.TOOK_LONGER)}
    wanted = {each.ticket_id for each in made.causes if each.cause is Cause.CUSTOMER_MOVES}
    known = {
        number: each
        for number, each in appointments_of(session, [change.ticket_id for change in made.changes]).items()
        if each.state in (AppointmentState.TOLD, AppointmentState.CONFIRMED)
    }
    anew = 0
    for change in made.changes:
        told = known.get(change.ticket_id)
        if told is None or change.was in forced or change.ticket_id in wanted:
            continue
        anew += change.engineer is None or not told.begins <= change.arrives <= told.ends
    return max(len(known), made.stops), anew


def _by_region(
    troubles: Iterable[Trouble], sites: Mapping[int, str], regions: Mapping[str, str]
) -> list[tuple[str, list[Trouble]]]:
    """Return troubles by the region of their case; "" is the whole house, for sites that are in none."""
    found: dict[str, list[Trouble]] = {}
    for each in troubles:
        region = regions.get(sites.get(each.ticket_id, ""), "")
        found.setdefault(region, []).append(each)
    if "" in found:  # a plan of the house is one of every region, too
        return [("", [each for some in found.values() for each in some])]
    return sorted(found.items())
