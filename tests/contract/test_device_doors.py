"""What a device may do at the broker, and may not: Debian's mosquitto with the files of deploy/."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.device_broker import PASSWORD, DeviceBroker, Guest, running_device_broker, until
from helpers.fresh_desk import fresh_desk

from access.devices.at_broker import PluginBroker
from access.devices.authority import Authority
from access.devices.book import SERVICE
from access.devices.credentials import DeviceDoors
from fleet.clock import SystemClock
from fleet.device_doors import CredentialKind, Handed, NewDevice, Wanted
from fleet.principals import schedule
from fleet.signals import Kind
from storage.records.database import DeskDatabase

BY = schedule("test")
BASE = "sweepwatch/v1/s1/robot"
FOREIGN = (
    f"{BASE}/r2/telemetry",
    f"{BASE}/r2/status",
    f"{BASE}/r2/cmd/reply",
    f"{BASE}/r1/cmd",
    "sweepwatch/v1/s2/robot/r1/telemetry",
    "sweepwatch/v1/s1/tool/r1/telemetry",
    f"{BASE}/r1/telemetry/more",
    f"{BASE}/R1/telemetry",
    "sweepwatch/v1/events/alert/1",
    "$CONTROL/dynamic-security/v1",
    "valetudo/r2/state",
)
OVERHEARD = (
    "#",
    "sweepwatch/#",
    f"{BASE}/+/cmd",
    f"{BASE}/r2/cmd",
    f"{BASE}/r1/#",
    f"{BASE}/r1/telemetry",
    "$SYS/#",
    "$SYS/broker/clients/total",
    "$share/g/#",
    f"$share/g/{BASE}/r2/cmd",
    "$CONTROL/dynamic-security/v1/response",
    "+/+/+/+/+/+",
)


class House:
    """An installation's doors of devices at a broker that runs."""

    def __init__(self, broker: DeviceBroker, desk: DeskDatabase) -> None:
        self.broker = broker
        port = PluginBroker(lambda: broker.control, broker.reload)
        self.doors = DeviceDoors(desk, SystemClock(), broker.authority, port)
        robots = [NewDevice(name, "s1", Kind.ROBOT, topics=(f"valetudo/{name}/#",)) for name in ("r1", "r2")]
        self.passwords = self._add(robots, Wanted())
        certified = [NewDevice(name, "s1", Kind.ROBOT) for name in ("c1", "c2")]
        self.certificates = self._add(certified, Wanted(CredentialKind.CERTIFICATE))

    def _add(self, devices: list[NewDevice], wanted: Wanted) -> dict[str, Handed]:
        return {one.device_id: one for one in self.doors.add(devices, wanted, BY)}

    def guest(
        self, name: str, *, client_id: str | None = None, will: tuple[str, bool] | None = None
    ) -> Guest:
        """Come in as a device, by whatever it was handed."""
        handed = self.passwords.get(name)
        shown = name if client_id is None else client_id
        if handed is not None:
            port = self.broker.plain
            return Guest(port, name, handed.password, shown, will=will)
        return self.certified(self.certificates[name], shown, will)

    def certified(self, handed: Handed | None, client_id: str, will: tuple[str, bool] | None = None) -> Guest:
        """Come in by a certificate, or without any where one is asked for."""
        broker = self.broker
        return Guest(
            broker.certificates,
            client_id=client_id,
            handed=handed,
            authority=broker.authority,
            folder=broker.folder,
            will=will,
        )

    def service(self) -> Guest:
        """Come in as the ingester."""
        return Guest(self.broker.plain, SERVICE, PASSWORD, "listener")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("doors")
    desk = fresh_desk(folder / "desk.sqlite")
    authority = Authority(folder / "ca")
    with running_device_broker(folder, authority, SystemClock().now_ms()) as broker:
        yield House(broker, desk)
    desk.close()


BOTH = pytest.mark.parametrize(("me", "other"), [("r1", "r2"), ("c1", "c2")], ids=["password", "certificate"])


def mine(topic: str, me: str, other: str) -> str:
    """Return a topic of the lists above for other devices than r1 and r2."""
    return topic.replace("r2", "OTHER").replace("r1", me).replace("R1", me.upper()).replace("OTHER", other)


@BOTH
def test_a_device_speaks_on_its_own_topics_and_hears_what_it_is_told(
    house: House, me: str, other: str
) -> None:
    with house.guest(me) as guest, house.service() as service:
        assert service.may_subscribe("#")
        for channel in ("telemetry", "status", "event", "info", "cmd/reply"):
            assert guest.may_publish(f"{BASE}/{me}/{channel}", retain=channel in ("status", "info"))
        assert guest.may_subscribe(f"{BASE}/{me}/cmd")
        assert service.may_publish(f"{BASE}/{me}/cmd")
        until(lambda: (f"{BASE}/{me}/cmd", b"{}") in guest.heard)
        until(lambda: any(topic == f"{BASE}/{me}/telemetry" for topic, _ in service.heard))


def test_a_device_speaks_on_the_topics_of_its_dialect(house: House) -> None:
    with house.guest("r1") as guest:
        assert guest.may_publish("valetudo/r1/BatteryStateAttribute/level")
        assert guest.may_subscribe("valetudo/r1/#")


@BOTH
def test_a_device_cannot_publish_as_another(house: House, me: str, other: str) -> None:
    with house.service() as service:
        assert service.may_subscribe("#")
        for topic in FOREIGN:
            for retain in (False, True):
                # mosquitto 2.0 drops the connection of whoever it refuses: each try is a new one.
                with house.guest(me) as guest:
                    assert guest.came_in
                    assert not guest.may_publish(mine(topic, me, other), retain=retain), topic
        with house.guest(me) as guest:
            assert guest.may_publish(f"{BASE}/{me}/event")
        until(lambda: (f"{BASE}/{me}/event", b"{}") in service.heard)
        assert not {mine(topic, me, other) for topic in FOREIGN} & {topic for topic, _ in service.heard}


@BOTH
def test_a_device_cannot_listen_to_others(house: House, me: str, other: str) -> None:
    with house.guest(me) as guest, house.guest(other) as neighbour:
        for topic in OVERHEARD:
            assert not guest.may_subscribe(mine(topic, me, other)), topic
            assert not guest.out
        assert neighbour.may_publish(f"{BASE}/{other}/status", retain=True)
        assert guest.may_publish(f"{BASE}/{me}/status")
        assert guest.heard == []


@BOTH
def test_a_will_speaks_for_its_own_device_alone(house: House, me: str, other: str) -> None:
    with house.service() as service:
        assert service.may_subscribe("sweepwatch/#")
        guest = house.guest(me, will=(f"{BASE}/{other}/status", True))
        if guest.came_in:
            guest.leave(abruptly=True)
            until(lambda: guest.out)
        guest = house.guest(me, will=(f"{BASE}/{me}/status", True))
        assert guest.came_in
        guest.leave(abruptly=True)
        until(lambda: (f"{BASE}/{me}/status", b"will") in service.heard)
        assert (f"{BASE}/{other}/status", b"will") not in service.heard


@BOTH
def test_nobody_takes_over_anothers_session(house: House, me: str, other: str) -> None:
    with house.guest(other) as neighbour:
        thief = house.guest(me, client_id=other)
        assert neighbour.may_publish(f"{BASE}/{other}/telemetry")
        assert not neighbour.out
        if thief.came_in:  # under its own name, whatever it asked for
            assert not thief.may_publish(f"{BASE}/{other}/telemetry")
        thief.leave()


def test_nobody_comes_in_without_what_it_was_handed(house: House) -> None:
    broker = house.broker
    assert not Guest(broker.plain, client_id="x").came_in
    assert not Guest(broker.plain, "r1", "wrong", "r1").came_in
    assert not Guest(broker.plain, "r1", None, "r1").came_in
    assert not Guest(broker.plain, "c1", "", "c1").came_in, "a device with a certificate has no password"
    assert not Guest(broker.plain, "nobody", "x", "nobody").came_in
    assert not house.certified(None, "c1").came_in, "a certificate is required"


def test_a_certificate_of_another_authority_is_none(house: House, tmp_path: Path) -> None:
    foreign = Authority(tmp_path / "foreign").issue("c1", 90, SystemClock().now_ms())
    forged = Handed("c1", CredentialKind.CERTIFICATE, "", foreign.certificate, foreign.key)
    assert not house.certified(forged, "c1").came_in


@BOTH
def test_whoever_is_revoked_is_cut_off_and_stays_out(house: House, me: str, other: str) -> None:
    name = f"{me[0]}9"
    kind = CredentialKind.PASSWORD if me == "r1" else CredentialKind.CERTIFICATE
    [handed] = house.doors.add([NewDevice(name, "s1", Kind.ROBOT)], Wanted(kind), BY)
    (house.passwords if me == "r1" else house.certificates)[name] = handed
    guest = house.guest(name)
    assert guest.may_publish(f"{BASE}/{name}/telemetry")
    assert house.doors.revoke([name], BY, "stolen") == 1
    until(lambda: guest.out, 10)
    guest.leave()

    def stays_out() -> bool:
        again = house.guest(name)
        again.leave()
        return not again.came_in

    until(stays_out, 10)  # mosquitto reads its files again a moment after it is told to
    assert house.doors.waiting() == 0
    # Who comes back gets a new credential, under the same name.
    back = house.doors.rotate(name, Wanted(kind), BY)
    (house.passwords if me == "r1" else house.certificates)[name] = back
    with house.guest(name) as again:
        assert again.may_publish(f"{BASE}/{name}/telemetry")


def test_a_device_that_moves_speaks_at_its_new_site_alone(house: House) -> None:
    [handed] = house.doors.add([NewDevice("m1", "s1", Kind.TOOL)], Wanted(), BY)
    house.passwords["m1"] = handed
    guest = house.guest("m1")
    house.doors.move("m1", "s2", BY, "the contract changed")
    until(lambda: guest.out)
    guest.leave()
    with house.guest("m1") as again:
        assert again.may_publish("sweepwatch/v1/s2/tool/m1/telemetry")
        assert again.may_subscribe("sweepwatch/v1/s2/tool/m1/cmd")
        assert not again.may_subscribe("sweepwatch/v1/s1/tool/m1/cmd")
        assert not again.may_publish("sweepwatch/v1/s1/tool/m1/telemetry")


def test_an_old_password_ends_when_it_is_rotated(house: House) -> None:
    [old] = house.doors.add([NewDevice("p1", "s1", Kind.ROBOT)], Wanted(), BY)
    house.passwords["p1"] = old
    guest = house.guest("p1")
    new = house.doors.rotate("p1", Wanted(), BY)
    until(lambda: guest.out)
    guest.leave()
    assert not house.guest("p1").came_in
    house.passwords["p1"] = new
    with house.guest("p1") as again:
        assert again.may_publish(f"{BASE}/p1/telemetry")


def test_the_ingester_writes_commands_and_events_alone(house: House) -> None:
    with house.service() as service:
        assert service.may_subscribe("$share/workers/sweepwatch/v1/+/+/+/telemetry")
        assert service.may_publish(f"{BASE}/r1/cmd")
        assert service.may_publish("sweepwatch/v1/events/alert/1")
    for topic in (f"{BASE}/r1/telemetry", f"{BASE}/r1/cmd/reply", "$CONTROL/dynamic-security/v1", "x"):
        with house.service() as service:
            assert service.came_in
            assert not service.may_publish(topic), topic


def test_a_broker_that_starts_anew_knows_all_devices_from_its_book(house: House) -> None:
    broker = house.broker
    many = [NewDevice(f"b{n:03d}", "s1", Kind.ROBOT) for n in range(60)]
    handed = {one.device_id: one for one in house.doors.add(many, Wanted(), BY)}
    house.passwords |= handed
    assert house.doors.waiting() == 60, "so many are not told to a running broker"
    assert house.doors.settle() == 60
    users = house.doors.users()
    broker.stop()
    broker.write_book(users)
    broker.start()
    house.doors.note_book_read(users)
    assert house.doors.waiting() == 0
    for name in ("b000", "b059", "r2", "c2"):
        with house.guest(name) as guest:
            assert guest.may_publish(f"{BASE}/{name}/telemetry"), name
