"""What happens to roll-outs by themselves: devices are offered, answers noted, stages judged and moved on."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from access.devices.commands import Commands
from access.firmware.comparing import Compared, compare
from access.firmware.lives import Lives
from access.firmware.planning import offer
from access.firmware.rollouts import Rollouts, begin_devices, tell_of
from access.firmware.steps import after_time, looks_now
from access.firmware.words import verdict_in_words
from fleet.clock import HOUR_MS, MINUTE_MS, Clock
from fleet.commands import Command, CommandState
from fleet.devices import Device
from fleet.errors import Conflict, NotFound
from fleet.principals import schedule
from fleet.rollouts import UNDER_WAY, OfferState, Rollout, RolloutDevice, RolloutState
from storage.records import rollouts as rows
from storage.records.database import DeskDatabase
from storage.records.device_lists import devices_of

log = logging.getLogger(__name__)

BY_ITSELF = schedule("rollout")
"""Who offers, judges and moves on."""
_OFFERS_A_TURN = 5_000
_LONGEST_DETAIL = 255
_SAYS_ITS_VERSION_WITHIN_MS = 15 * MINUTE_MS
"""After it said that it is done a device starts anew, and says which version it runs."""
_OFFERING = UNDER_WAY | {RolloutState.WAITING, RolloutState.DONE}
_FAILED = frozenset({CommandState.REFUSED, CommandState.TIMED_OUT, CommandState.CANCELLED})


class Mover:
    """Moves the roll-outs of an installation on; may raise StoreUnavailable. Safe to run in two processes."""

    def __init__(
        self, desk: DeskDatabase, lives: Lives, commands: Commands, rollouts: Rollouts, clock: Clock
    ) -> None:
        self._desk = desk
        self._lives = lives
        self._commands = commands
        self._rollouts = rollouts
        self._clock = clock

    def move_on(self) -> None:
        """Offer, note answers, look and move on, for every roll-out that goes on."""
        with self._desk.transaction() as session:
            found = rows.rollouts_to_follow(session)
        for rollout_id in found:
            try:
                self._note_answers(rollout_id)
                self._offer(rollout_id)
                self._look(rollout_id)
                self._let_time_pass(rollout_id)
            except (Conflict, NotFound) as changed:
                log.info("roll-out %d: %s", rollout_id, changed)

    def _read(self, rollout_id: int) -> tuple[Rollout, list[RolloutDevice], dict[str, Device]]:
        with self._desk.transaction() as session:
            rollout = rows.rollout_of(session, rollout_id)
            devices = rows.rollout_devices(session, rollout_id)
            turn = [each.device_id for each in devices if each.state is not OfferState.LATER]
            return rollout, devices, devices_of(session, turn)

    def _note_answers(self, rollout_id: int) -> None:
        """Note which devices have the firmware, and which could not take it."""
        rollout, devices, known = self._read(rollout_id)
        commands = self._commands.states([each.command for each in devices if each.command is not None])
        now = self._clock.now_ms()
        changed = []
        for each in devices:
            device = known.get(each.device_id)
            command = commands.get(each.command or "")
            if device is not None:
                after = answered(each, device, command, rollout, now)
                if after != each:
                    changed.append(after)
        self._store(rollout, changed)

    def _offer(self, rollout_id: int) -> None:
        """Offer the firmware to devices whose turn has come, each once though we are killed in between."""
        rollout, devices, _ = self._read(rollout_id)
        back = rollout.state is RolloutState.ROLLED_BACK
        wanted = OfferState.GOING_BACK if back else OfferState.WAITING
        image = rollout.back_to if back else rollout.firmware
        if image is None or not (back or rollout.state in _OFFERING):
            return
        due = [each for each in devices if each.state is wanted and each.command is None][:_OFFERS_A_TURN]
        if not due:
            return
        with self._desk.transaction() as session:
            there = rows.open_offers(session, [each.device_id for each in due], image.version)
        now = self._clock.now_ms()
        fresh = [each for each in due if each.device_id not in there]
        why = f"roll-out {rollout.id}, stage {rollout.stage + 1}: {rollout.reason}"[:1000]
        made = self._commands.order([offer(each.device_id, image, why) for each in fresh], BY_ITSELF, now)
        ordered = {each.device_id: each for each in made}
        changed = []
        for each in due:
            outcome = ordered.get(each.device_id)
            if outcome is not None and outcome.refused is not None:
                refused = outcome.refused[:_LONGEST_DETAIL]
                changed.append(replace(each, state=OfferState.FAILED, detail=refused, offered_at=now))
            else:
                command = outcome.command_id if outcome is not None else there[each.device_id]
                changed.append(replace(each, command=command, offered_at=now))
        try:
            self._store(rollout, changed)
        except Conflict:
            for one in made:  # somebody held the roll-out meanwhile
                self._take_back(one.device_id, one.command_id)
            raise

    def _take_back(self, device_id: str, command_id: str | None) -> None:
        if command_id is not None:
            try:
                self._commands.cancel(device_id, command_id, BY_ITSELF, "the roll-out was changed meanwhile")
            except (Conflict, NotFound) as sent:
                log.info("roll-out: %s", sent)

    def _look(self, rollout_id: int) -> None:
        """Compare the devices that have had the offer with the rest; stop where they do worse."""
        rollout, devices, known = self._read(rollout_id)
        until = looks_now(rollout, self._clock.now_ms())
        if until is None or rollout.judged_from is None:
            return
        by_id = sorted(devices, key=lambda each: each.device_id)
        found = self._compared(rollout, by_id, until, known)
        evidence = found.evidence | {"from": rollout.judged_from, "until": until}
        test = {"until": until, "ended": list(found.ended)}
        with self._desk.transaction() as session:
            held = _unchanged(session, rollout)
            after = replace(held, evidence=evidence, test=test)
            if found.stop:
                after = replace(after, state=RolloutState.STOPPED, reason=verdict_in_words(evidence).en)
            saved = rows.save_rollout(session, after)
            if found.stop:
                data: dict[str, object] = {"evidence": evidence}
                now = self._clock.now_ms()
                tell_of(session, saved, "stopped", BY_ITSELF, saved.reason, now, held.state, data)
        if found.stop:
            log.warning("roll-out %d has stopped: %s", rollout.id, saved.reason)
            self._rollouts.withdraw(saved, BY_ITSELF, "the roll-out has stopped")

    def _compared(
        self, rollout: Rollout, devices: Sequence[RolloutDevice], until: int, known: dict[str, Device]
    ) -> Compared:
        assert rollout.judged_from is not None  # as looks_now says
        with self._desk.transaction() as session:
            every = devices_of(session, [each.device_id for each in devices if each.device_id not in known])
        there = known | every
        devices = [each for each in devices if each.device_id in there]
        kinds = {each.device_id: there[each.device_id].kind for each in devices}
        installed = {each.device_id: each.installed_at for each in devices if each.installed_at is not None}
        lived = self._lives.between(kinds, rollout.judged_from, until, installed)
        soak_ms = rollout.stages[rollout.stage].soak_h * HOUR_MS
        elapsed = (until - rollout.judged_from) / soak_ms
        ended = [int(each) for each in rollout.test.get("ended", ())]
        return compare(devices, rollout.stage, rollout.seed, lived, rollout.part, elapsed, ended)

    def _let_time_pass(self, rollout_id: int) -> None:
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            rollout = rows.rollout_of(session, rollout_id)
            if rollout.state not in UNDER_WAY or after_time(rollout, now) is None:
                return
        with self._desk.transaction() as session:
            held = rows.hold_rollout(session, rollout_id)
            comes = after_time(held, now) if held.state in UNDER_WAY else None
            if comes is None:
                return
            if comes.begins is not None:
                begin_devices(session, rollout_id, comes.begins)
            evidence: dict[str, object] = {"evidence": held.evidence} if held.evidence else {}
            saved = rows.save_rollout(session, comes.rollout)
            tell_of(session, saved, comes.what, BY_ITSELF, comes.why, now, held.state, evidence)

    def _store(self, rollout: Rollout, changed: Sequence[RolloutDevice]) -> None:
        if changed:
            with self._desk.transaction() as session:
                held = _unchanged(session, rollout)
                rows.change_rollout_devices(session, rollout.id, changed)
                rows.save_rollout(session, held)


def answered(
    each: RolloutDevice, device: Device, command: Command | None, rollout: Rollout, now: int
) -> RolloutDevice:
    """Return how far a device is by what it says of its firmware, and by its command."""
    goal = rollout.back_to if each.state is OfferState.GOING_BACK else rollout.firmware
    if goal is None or each.state not in (OfferState.WAITING, OfferState.GOING_BACK, OfferState.FAILED):
        return each
    back = each.state is OfferState.GOING_BACK
    if device.firmware == goal.version:
        there = OfferState.WENT_BACK if back else OfferState.INSTALLED
        return replace(each, state=there, installed_at=now, offered_at=each.offered_at or now, detail="")
    if command is not None and command.state in _FAILED and each.state is not OfferState.FAILED:
        why = (command.reason or command.state)[:_LONGEST_DETAIL]
        return replace(each, state=OfferState.FAILED, detail=why)
    if each.state is not OfferState.FAILED and _is_told_in_vain(command, device, now):
        why = f"it says that it is done, and runs {device.firmware or 'a version that nobody knows'}"
        return replace(each, state=OfferState.FAILED, detail=why[:_LONGEST_DETAIL])
    return each


def _is_told_in_vain(command: Command | None, device: Device, now: int) -> bool:
    """Tell whether a device said long ago that it is done, and is heard since with the version before."""
    if command is None or command.state is not CommandState.DONE or command.ended_at is None:
        return False
    said = command.ended_at + _SAYS_ITS_VERSION_WITHIN_MS
    return now >= said and device.last_seen is not None and device.last_seen >= said


def _unchanged(session: Session, rollout: Rollout) -> Rollout:
    """Return a roll-out to be changed. Raises Conflict where somebody did since it was read."""
    held = rows.hold_rollout(session, rollout.id)
    if held.version != rollout.version:
        raise Conflict("it was changed meanwhile, and is looked at again soon")
    return held
