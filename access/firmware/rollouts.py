"""Roll-outs of firmware, as people steer them: planned, begun, held, gone on with, taken back.

What happens by itself is access/firmware/moving.py. Each change is an event of the log, in its transaction.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy.orm import Session

from access.devices.commands import Commands
from access.firmware.draw import order_of, sizes
from access.firmware.lives import BEFORE_MS, Lived, Lives
from access.firmware.planning import Asked, check, check_firmware, drawn_seed, eligible, sites_asked
from access.firmware.power import needs_of
from access.firmware.steps import (
    CANCEL,
    PAUSE,
    RESUME,
    ROLL_BACK,
    SKIP,
    START,
    begun,
    check_action,
    compared_anew,
)
from fleet.clock import HOUR_MS, Clock
from fleet.devices import Device
from fleet.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from fleet.events import Event, Subject
from fleet.grants import Sites
from fleet.principals import Principal, check_reason
from fleet.rollouts import Aim, Firmware, OfferState, Past, Rollout, RolloutDevice, RolloutState
from storage.records import rollouts as rows
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.sites import sites_in
from storage.records.ticket_lists import open_ticket_ids

Step = Callable[[Session, Rollout, int], Rollout]
_LONGEST_WHY = 1_000


class Rollouts:
    """The roll-outs of an installation; all may raise StoreUnavailable.

    What reaches beyond the `sites` of whoever asks is not found. Two that change one at the same time do so
    one after the other.
    """

    def __init__(self, desk: DeskDatabase, lives: Lives, commands: Commands, clock: Clock) -> None:
        self._desk = desk
        self._lives = lives
        self._commands = commands
        self._clock = clock

    def create(self, asked: Asked, by: Principal, sites: Sites) -> Rollout:
        """Plan a roll-out; no device is offered anything before it is started. Raises InvalidInput."""
        check(asked)
        with self._desk.transaction() as session:
            region = (
                sites_in(session, [asked.region]).get(asked.region, frozenset()) if asked.region else None
            )
            reach = sites_asked(asked.sites, sites, region)
            aim = Aim(asked.model, reach, asked.region, asked.older_than)
            now = self._clock.now_ms()
            plan = Rollout(
                id=0,
                firmware=asked.firmware,
                aim=aim,
                stages=asked.stages,
                by_hand=asked.by_hand,
                seed=drawn_seed(asked),
                state=RolloutState.DRAFT,
                stage=-1,
                made_by=by.name,
                made_at=now,
            )
            if not eligible(
                rows.devices_of_model(session, asked.model, reach),
                asked.firmware.version,
                asked.older_than,
                (),
            ):
                raise InvalidInput(
                    f"model: no device of model {asked.model} there is without {asked.firmware.version}"
                )
            made = rows.add_rollout(session, plan)
            tell_of(session, made, "planned", by, f"{asked.firmware.version} for {asked.model}", now, None)
            return made

    def one(self, rollout_id: int, sites: Sites) -> Rollout:
        """Return one roll-out. Raises NotFound."""
        with self._desk.transaction() as session:
            return rows.rollout_of(session, rollout_id, sites)

    def every(self, sites: Sites) -> Sequence[Rollout]:
        """Return the roll-outs, the newest first."""
        with self._desk.transaction() as session:
            return rows.rollouts(session, sites)

    def start(self, rollout_id: int, by: Principal, why: str, sites: Sites = None) -> Rollout:
        """Draw the order of the devices and begin the first stage.

        Raises NotFound, InvalidInput, Conflict (another roll-out for devices of these is under way), or
        IllegalTransition.
        """
        plan = self.one(rollout_id, sites)
        check_action(START, plan)
        devices = self._candidates(plan)
        pasts = self._pasts(devices)

        def step(session: Session, rollout: Rollout, now: int) -> Rollout:
            self._require_free(session, rollout, devices)
            drawn = drawn_devices(rollout, devices, pasts)
            rows.add_rollout_devices(session, rollout.id, drawn)
            needs = needs_of([each.past for each in drawn], rollout.stages)
            return begun(replace(rollout, needs=needs), 0, now)

        return self._change(rollout_id, sites, START, by, why, step)

    def pause(self, rollout_id: int, by: Principal, why: str, sites: Sites = None) -> Rollout:
        """Hold a roll-out: no further device is offered the firmware, those that have it keep it."""
        paused = self._change(
            rollout_id, sites, PAUSE, by, why, lambda _s, r, _n: replace(r, state=RolloutState.PAUSED)
        )
        self.withdraw(paused, by, why)
        return paused

    def resume(self, rollout_id: int, by: Principal, why: str, sites: Sites = None) -> Rollout:
        """Go on with a stage that was held or that stopped by itself; it is compared anew from now on."""

        def step(_session: Session, rollout: Rollout, now: int) -> Rollout:
            return compared_anew(replace(rollout, state=RolloutState.RUNNING), now)

        return self._change(rollout_id, sites, RESUME, by, why, step)

    def skip(self, rollout_id: int, by: Principal, why: str, sites: Sites = None) -> Rollout:
        """Begin the next stage now, soaked or not. Raises IllegalTransition in the last one."""

        def step(session: Session, rollout: Rollout, now: int) -> Rollout:
            following = rollout.stage + 1
            if following >= len(rollout.stages):
                raise IllegalTransition("the roll-out is in its last stage: there is none to skip to")
            begin_devices(session, rollout.id, following)
            return begun(rollout, following, now)

        return self._change(rollout_id, sites, SKIP, by, why, step)

    def cancel(self, rollout_id: int, by: Principal, why: str, sites: Sites = None) -> Rollout:
        """End a roll-out; devices that have the firmware keep it."""
        ended = self._change(
            rollout_id, sites, CANCEL, by, why, lambda _s, r, _n: replace(r, state=RolloutState.CANCELLED)
        )
        self.withdraw(ended, by, why, for_good=True)
        return ended

    def roll_back(
        self, rollout_id: int, by: Principal, why: str, sites: Sites = None, to: Firmware | None = None
    ) -> Rollout:
        """Offer every device that may have the firmware another one instead.

        `to` may be left out where all of them had one version and a roll-out before this one offered it: then
        its image is known. Raises InvalidInput where it is not.
        """
        if to is not None:
            check_firmware(to)

        def step(session: Session, rollout: Rollout, _now: int) -> Rollout:
            devices = rows.rollout_devices(session, rollout.id)
            returning = [
                replace(each, state=OfferState.GOING_BACK, command=None, detail="")
                for each in devices
                if each.state in (OfferState.INSTALLED, OfferState.FAILED, OfferState.WAITING)
                and each.offered_at is not None
            ]
            rows.change_rollout_devices(session, rollout.id, returning)
            return replace(rollout, state=RolloutState.ROLLED_BACK, back_to=back)

        with self._desk.transaction() as session:
            held = rows.rollout_of(session, rollout_id, sites)
            check_action(ROLL_BACK, held)
            check_reason(why)
            if to is not None and to.version == held.firmware.version:
                raise InvalidInput(f"to: {to.version} is what is taken back; name another version")
            # Before anything is taken back: who was never sent an offer has no image to go back to.
            back = to or image_before(session, held, rows.rollout_devices(session, rollout_id))
        self.withdraw(held, by, why, for_good=True)
        return self._change(rollout_id, sites, ROLL_BACK, by, why, step)

    def withdraw(self, rollout: Rollout, by: Principal, why: str, *, for_good: bool = False) -> None:
        """Take back the offers that no device was sent yet; whoever was, answers as it will.

        Those devices get another when the roll-out goes on, unless it is `for_good`.
        """
        with self._desk.transaction() as session:
            devices = rows.rollout_devices(session, rollout.id)
        state = OfferState.LATER if for_good else OfferState.WAITING
        changed: list[RolloutDevice] = []
        for each in devices:
            if each.state is OfferState.WAITING and self._took_back(each, by, why):
                changed.append(replace(each, state=state, command=None, offered_at=None))
        with self._desk.transaction() as session:
            rows.hold_rollout(session, rollout.id)
            rows.change_rollout_devices(session, rollout.id, changed)

    def _took_back(self, device: RolloutDevice, by: Principal, why: str) -> bool:
        """Tell whether a device has no offer (any more) that is on its way."""
        if device.command is None:
            return True
        try:
            self._commands.cancel(device.device_id, device.command, by, why)
        except (Conflict, NotFound):
            return False
        return True

    def _candidates(self, plan: Rollout) -> list[Device]:
        """Return the devices of a roll-out: without those with an open case, or on their way back.

        Raises Conflict while another roll-out has some of them, InvalidInput where none is left.
        """
        with self._desk.transaction() as session:
            found = rows.devices_of_model(session, plan.aim.model, plan.aim.sites)
            self._require_free(session, plan, found)
            aside = frozenset(open_ticket_ids(session)) | rows.devices_going_back(session, plan.aim.model)
        left = eligible(found, plan.firmware.version, plan.aim.older_than, aside)
        if not left:
            raise InvalidInput("no device is left: each has the version, an open case, or is on its way back")
        return left

    def _require_free(self, session: Session, plan: Rollout, devices: Sequence[Device]) -> None:
        """Raise Conflict while another roll-out has one of these devices."""
        others = [each.id for each in rows.rollouts_under_way(session, plan.aim.model)]
        if rows.taken_devices(session, others) & {each.id for each in devices}:
            raise Conflict(f"another roll-out has devices of these: {', '.join(map(str, others))}")

    def _pasts(self, devices: Sequence[Device]) -> list[Past]:
        now = self._clock.now_ms()
        end = now - now % HOUR_MS
        lived = self._lives.between({each.id: each.kind for each in devices}, end - BEFORE_MS, end)
        return [past_of(lived, number) for number in range(len(devices))]

    def _change(
        self, rollout_id: int, sites: Sites, action: str, by: Principal, why: str, step: Step
    ) -> Rollout:
        check_reason(why)
        if len(why) > _LONGEST_WHY:
            raise InvalidInput(f"a reason has at most {_LONGEST_WHY} characters")
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            before = rows.hold_rollout(session, rollout_id, sites)
            check_action(action, before)
            after = replace(step(session, before, now), reason=why)
            if after.stage != before.stage and action == START:
                begin_devices(session, rollout_id, after.stage)
            saved = rows.save_rollout(session, after)
            tell_of(session, saved, action, by, why, now, before.state)
            return saved


def begin_devices(session: Session, rollout_id: int, stage: int) -> None:
    """Let the turn of a stage's devices come: they wait for their offer."""
    waiting = [
        replace(each, state=OfferState.WAITING)
        for each in rows.rollout_devices(session, rollout_id)
        if each.stage <= stage and each.state is OfferState.LATER
    ]
    rows.change_rollout_devices(session, rollout_id, waiting)


def drawn_devices(rollout: Rollout, devices: Sequence[Device], pasts: Sequence[Past]) -> list[RolloutDevice]:
    """Return the devices of a roll-out with the places that the draw gave them; `devices` are by id."""
    order = order_of([each.site for each in devices], rollout.seed)
    places = np.empty(len(devices), dtype=np.int64)
    places[order] = np.arange(len(devices))
    begins = np.searchsorted(sizes(len(devices), rollout.stages), places, side="right")
    last = len(rollout.stages)  # a roll-out that ends below 100 % leaves the rest for never
    return [
        RolloutDevice(
            each.id, each.site, int(place), min(int(stage), last), OfferState.LATER, each.firmware, past
        )
        for each, place, stage, past in zip(devices, places, begins, pasts, strict=True)
    ]


def past_of(lived: Lived, number: int) -> Past:
    """Return what one device lived through."""
    risk = float(lived.risk[number])
    return Past(
        lived.hours,
        float(lived.heard[number]),
        float(lived.errors[number]),
        float(lived.restarts[number]),
        None if np.isnan(risk) else risk,
    )


def image_before(session: Session, rollout: Rollout, devices: Sequence[RolloutDevice]) -> Firmware:
    """Return the image that the devices had before. Raises InvalidInput where nobody knows it."""
    had = Counter(each.before for each in devices if each.offered_at is not None)
    version = next(iter(had)) if len(had) == 1 else None
    known = rows.firmware_known(session, rollout.aim.model, version) if version is not None else None
    if known is None:
        versions = ", ".join(sorted(str(each or "unknown") for each in had))
        told = f"they had {versions}" if had else "none was offered any yet"
        raise InvalidInput(
            f"to: which firmware to go back to is required (version, url, sha256, size); {told}"
        )
    return known


def tell_of(
    session: Session,
    rollout: Rollout,
    what: str,
    by: Principal,
    why: str,
    now: int,
    before: RolloutState | None,
    data: dict[str, object] | None = None,
) -> None:
    """Add to the log what happened to a roll-out."""
    sites = rollout.aim.sites
    site = next(iter(sites)) if sites is not None and len(sites) == 1 else None
    told = {"stage": rollout.stage, "firmware": rollout.firmware.version, **(data or {})}
    tell(
        session,
        Event(now, Subject.ROLLOUT, str(rollout.id), what, by, why, site, before, rollout.state, told),
    )
