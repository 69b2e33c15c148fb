"""A roll-out from start to end: offers, answers, looks, stops; nothing twice, nothing by two at once."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest
from helpers.api import NOW, House, open_house
from sqlalchemy import select, update

from access.devices.commands import Commands
from access.firmware.lives import Lived, Lives
from access.firmware.moving import Mover
from access.firmware.planning import Asked
from access.firmware.rollouts import Rollouts
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.commands import CommandState, Reply, ReplyState
from fleet.errors import Conflict, IllegalTransition, InvalidInput
from fleet.events import Subject
from fleet.principals import person
from fleet.rollouts import OVER, Firmware, OfferState, Rollout, RolloutDevice, RolloutState, Stage
from fleet.signals import Kind
from storage.records import rollouts as rows
from storage.records.commands import CommandRow
from storage.records.devices import Device
from storage.records.events import events_of

IMAGE = Firmware("1.5.0", "https://fw.example.org/1.5.0.bin", "ab" * 32, 1024)
OLD = Firmware("1.4.2", "https://fw.example.org/1.4.2.bin", "cd" * 32, 1024)
STAGES = (Stage(0.1, 12), Stage(0.5, 12), Stage(1.0, 12))
WE = person("Li Wei")
DEVICES = 60


class FakeLives(Lives):
    """Devices whose hours are drawn; those of `worse` have errors six times as often once they installed."""

    def __init__(self) -> None:
        self.worse = False

    def between(
        self, devices: Mapping[str, Kind], start: int, end: int, installed: Mapping[str, int] | None = None
    ) -> Lived:
        """Return hours by the number of each device, the same for the same span."""
        hours, count = (end - start) / HOUR_MS, len(devices)
        random = np.random.default_rng((start // HOUR_MS, end // HOUR_MS))
        rate = np.array([0.02 + 0.04 * (int(each[1:]) % 3) for each in devices])
        new = np.array([each in (installed or {}) for each in devices])
        errors = random.binomial(int(hours), np.where(new & self.worse, 6 * rate, rate)).astype(float)
        zero = np.zeros(count)
        return Lived(hours, np.full(count, hours), errors, zero, np.full(count, np.nan))


class Scene:
    """A fleet, its roll-outs, and what tests do to them."""

    def __init__(self, house: House, letter: str) -> None:
        self.house = house
        self.letter = letter
        self.model = f"CR-{letter}"
        common = {"kind": "robot", "model": self.model, "firmware": "1.4.2", "registered_at": NOW}
        with house.desk.transaction() as session:
            for n in range(DEVICES):
                session.add(Device(id=f"{letter}{n:03d}", site=f"s{n % 3}", status="online", **common))
        self.lives = FakeLives()
        self.commands = Commands(house.desk, house.clock)
        self.rollouts = Rollouts(house.desk, self.lives, self.commands, house.clock)
        self.mover = self.another_mover()

    def another_mover(self) -> Mover:
        """Return what another process has."""
        return Mover(self.house.desk, self.lives, self.commands, self.rollouts, self.house.clock)

    def start(self, by_hand: bool = False) -> Rollout:
        """Plan and begin a roll-out."""
        plan = Asked(IMAGE, self.model, stages=STAGES, by_hand=by_hand, seed=11)
        made = self.rollouts.create(plan, WE, None)
        return self.rollouts.start(made.id, WE, "new brush control")

    def devices(self, rollout: Rollout, state: OfferState | None = None) -> list[RolloutDevice]:
        """Return the devices of a roll-out that are so far."""
        with self.house.desk.transaction() as session:
            found = rows.rollout_devices(session, rollout.id)
        return [each for each in found if state is None or each.state is state]

    def orders(self) -> list[tuple[str, str, str]]:
        """Return every command that was ordered: device, version, state."""
        with self.house.desk.transaction() as session:
            own = CommandRow.device_id.startswith(self.letter)
            found = session.scalars(select(CommandRow).where(own).order_by(CommandRow.id))
            return [(each.device_id, each.params["version"], each.state) for each in found]

    def install(self, rollout: Rollout, version: str = "1.5.0") -> None:
        """Let every device that has an offer take it."""
        with self.house.desk.transaction() as session:
            for each in self.devices(rollout):
                if each.state in (OfferState.WAITING, OfferState.GOING_BACK) and each.command is not None:
                    own = update(Device).where(Device.id == each.device_id)
                    session.execute(own.values(firmware=version))
        done = [
            Reply(each.device_id, each.command, ReplyState.DONE, self.house.clock.ms)
            for each in self.devices(rollout)
            if each.command is not None
        ]
        self.commands.take_replies(done)

    def pass_hours(self, hours: float, rollout: Rollout, *, install: bool = True) -> Rollout:
        """Let time pass, an hour at a time, as the schedule sees it."""
        for _ in range(round(hours)):
            self.house.clock.advance(HOUR_MS)
            self.mover.move_on()
            if install:
                self.install(rollout)
        return self.rollouts.one(rollout.id, None)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        made.clock.ms = NOW + 15 * MINUTE_MS
        yield made


LETTERS = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.fixture
def scene(house: House) -> Iterator[Scene]:
    """Yield a fleet of a model of its own; what it leaves under way is ended."""
    made = Scene(house, next(LETTERS))
    yield made
    for each in made.rollouts.every(None):
        if each.state not in OVER:
            made.rollouts.cancel(each.id, WE, "the test is over")


def test_an_equal_firmware_goes_through_all_stages_and_each_device_is_offered_once(scene: Scene) -> None:
    rollout = scene.start()
    assert scene.orders() == [], "offers are the schedule's work"
    scene.mover.move_on()
    scene.another_mover().move_on()
    assert len(scene.orders()) == 6
    scene.install(rollout)
    assert scene.pass_hours(2, rollout).state is RolloutState.SOAKING
    assert len(scene.devices(rollout, OfferState.INSTALLED)) == 6
    second = scene.pass_hours(13, rollout)
    assert (second.stage, second.part) == (1, 1)
    done = scene.pass_hours(30, rollout)
    assert done.state is RolloutState.DONE
    assert len(scene.devices(rollout, OfferState.INSTALLED)) == DEVICES
    assert len({device for device, _, _ in scene.orders()}) == len(scene.orders()) == DEVICES
    with scene.house.desk.transaction() as session:
        told = [each.what for each in events_of(session, Subject.ROLLOUT, str(rollout.id))]
    assert told == ["planned", "start", "soaking", "stage", "soaking", "stage", "soaking", "done"]


def test_a_worse_firmware_stops_by_itself_with_its_evidence_and_offers_nobody_more(scene: Scene) -> None:
    scene.lives.worse = True
    rollout = scene.start()
    scene.mover.move_on()
    scene.install(rollout)
    stopped = scene.pass_hours(30, rollout)
    assert stopped.state is RolloutState.STOPPED
    evidence = stopped.evidence
    assert evidence["rates"]["errors"]["cohort"] > 2 * evidence["rates"]["errors"]["control"]
    assert evidence["statistic"] >= evidence["bound"]
    assert evidence["false_stops"] == 0.03
    assert "Hours with an error" in stopped.reason or "Hours with a restart" in stopped.reason
    offered = len(scene.orders())
    assert offered < DEVICES
    scene.pass_hours(3, rollout)
    assert len(scene.orders()) == offered
    with scene.house.desk.transaction() as session:
        last = events_of(session, Subject.ROLLOUT, str(rollout.id))[-1]
    assert (last.what, last.principal.id, last.after) == ("stopped", "rollout", "stopped")
    assert last.data["evidence"]["worst"] == evidence["worst"]
    resumed = scene.rollouts.resume(rollout.id, WE, "a hall was flooded, it is not the firmware")
    assert (resumed.state, resumed.part) == (RolloutState.RUNNING, stopped.part + 1)
    assert resumed.evidence == {}


def test_a_stage_by_hand_waits_and_can_be_skipped_before(scene: Scene) -> None:
    rollout = scene.start(by_hand=True)
    scene.mover.move_on()
    scene.install(rollout)
    assert scene.pass_hours(15, rollout).state is RolloutState.WAITING
    assert scene.rollouts.skip(rollout.id, WE, "good").stage == 1
    assert scene.rollouts.skip(rollout.id, WE, "go").stage == 2
    assert not scene.devices(rollout, OfferState.LATER)


def test_what_waits_for_an_offline_device_is_taken_back_while_held_and_offered_anew_later(
    scene: Scene,
) -> None:
    rollout = scene.start()
    scene.mover.move_on()
    held = scene.rollouts.pause(rollout.id, WE, "the support line is full")
    assert {state for _, _, state in scene.orders()} == {CommandState.CANCELLED}
    assert held.state is RolloutState.PAUSED
    scene.pass_hours(3, rollout)
    assert len(scene.orders()) == 6, "nothing is offered while it is held"
    scene.rollouts.resume(rollout.id, WE, "calm again")
    scene.mover.move_on()
    assert [state for _, _, state in scene.orders()].count(CommandState.QUEUED) == 6


def test_a_device_that_refuses_counts_apart(scene: Scene) -> None:
    rollout = scene.start()
    scene.mover.move_on()
    one = scene.devices(rollout, OfferState.WAITING)[0]
    assert one.command is not None
    at = scene.house.clock.ms
    scene.commands.take_replies([Reply(one.device_id, one.command, ReplyState.REFUSED, at, "no room")])
    scene.mover.move_on()
    failed = scene.devices(rollout, OfferState.FAILED)
    assert [(each.device_id, each.detail) for each in failed] == [(one.device_id, "no room")]


def test_a_device_that_says_done_and_runs_another_version_has_failed(scene: Scene) -> None:
    rollout = scene.start()
    scene.mover.move_on()
    one = scene.devices(rollout, OfferState.WAITING)[0]
    assert one.command is not None
    scene.commands.take_replies([Reply(one.device_id, one.command, ReplyState.DONE, scene.house.clock.ms)])
    scene.house.clock.advance(20 * MINUTE_MS)
    scene.mover.move_on()
    assert scene.devices(rollout, OfferState.FAILED) == [], "it was not heard since: it may be starting"
    with scene.house.desk.transaction() as session:
        session.get_one(Device, one.device_id).last_seen = scene.house.clock.ms
    scene.mover.move_on()
    [failed] = scene.devices(rollout, OfferState.FAILED)
    assert failed.detail == "it says that it is done, and runs 1.4.2"


def test_devices_on_their_way_back_are_left_out_of_the_next_rollout(scene: Scene) -> None:
    rollout = scene.start()
    scene.mover.move_on()
    scene.install(rollout)
    scene.mover.move_on()
    with pytest.raises(InvalidInput, match=r"1\.5\.0 is what is taken back"):
        scene.rollouts.roll_back(rollout.id, WE, "customers complain", to=IMAGE)
    scene.rollouts.roll_back(rollout.id, WE, "customers complain", to=OLD)
    back = {each.device_id for each in scene.devices(rollout, OfferState.GOING_BACK)}
    newer = Firmware("1.6.0", "https://fw.example.org/1.6.0.bin", "ef" * 32, 1024)
    made = scene.rollouts.create(Asked(newer, scene.model, stages=STAGES, seed=11), WE, None)
    following = scene.rollouts.start(made.id, WE, "newer")
    assert len(back) == 6
    assert not back & {each.device_id for each in scene.devices(following)}


def test_rolled_back_devices_are_offered_what_they_had(scene: Scene) -> None:
    rollout = scene.start()
    scene.mover.move_on()
    with pytest.raises(InvalidInput, match=r"to: which firmware .* they had 1\.4\.2"):
        scene.rollouts.roll_back(rollout.id, WE, "customers complain")
    assert [state for _, _, state in scene.orders()] == [CommandState.QUEUED] * 6, "nothing was taken back"
    scene.install(rollout)
    scene.pass_hours(1, rollout)
    scene.rollouts.roll_back(rollout.id, WE, "customers complain", to=OLD)
    assert len(scene.devices(rollout, OfferState.GOING_BACK)) == 6
    scene.mover.move_on()
    assert [version for _, version, _ in scene.orders()].count("1.4.2") == 6
    scene.install(rollout, "1.4.2")
    scene.mover.move_on()
    assert len(scene.devices(rollout, OfferState.WENT_BACK)) == 6
    assert scene.rollouts.one(rollout.id, None).state is RolloutState.ROLLED_BACK
    with pytest.raises(IllegalTransition):
        scene.rollouts.resume(rollout.id, WE, "again")


def test_devices_with_a_case_are_left_out(scene: Scene) -> None:
    scene.house.tickets.report(f"{scene.letter}001", "brush_jam", WE, "it squeals")
    rollout = scene.start()
    assert f"{scene.letter}001" not in {each.device_id for each in scene.devices(rollout)}
    assert len(scene.devices(rollout)) == DEVICES - 1


def test_killed_between_the_order_and_its_note_the_offer_is_found_again(scene: Scene) -> None:
    rollout = scene.start()
    scene.mover.move_on()
    with scene.house.desk.transaction() as session:
        lost = [replace(each, command=None) for each in rows.rollout_devices(session, rollout.id)]
        rows.change_rollout_devices(session, rollout.id, lost)
    scene.mover.move_on()
    assert len(scene.orders()) == 6
    assert all(each.command for each in scene.devices(rollout, OfferState.WAITING))


def test_two_cannot_change_one_from_the_same_state(scene: Scene) -> None:
    rollout = scene.start()
    with scene.house.desk.transaction() as session:
        rows.save_rollout(session, rollout)
    with pytest.raises(Conflict, match="changed meanwhile"), scene.house.desk.transaction() as session:
        rows.save_rollout(session, rollout)


def test_an_image_that_a_rollout_offered_before_is_known_and_need_not_be_given(scene: Scene) -> None:
    rollout = scene.start()
    scene.mover.move_on()
    scene.install(rollout)
    scene.mover.move_on()
    with scene.house.desk.transaction() as session:
        rows.add_rollout(session, replace(rollout, firmware=OLD, state=RolloutState.DONE))
    assert scene.rollouts.roll_back(rollout.id, WE, "customers complain").back_to == OLD
    assert len(scene.devices(rollout, OfferState.GOING_BACK)) == 6
