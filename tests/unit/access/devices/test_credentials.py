"""The desk's side of credentials, with a broker that takes notes or is away."""

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.x509 import load_pem_x509_crl
from helpers.fresh_desk import fresh_desk

from access.devices.authority import Authority
from access.devices.claims import Claims
from access.devices.commands import Commands
from access.devices.credentials import DeviceDoors
from fleet.clock import DAY_MS, MINUTE_MS, ManualClock
from fleet.commands import Order
from fleet.device_doors import BrokerUser, CredentialKind, Handed, NewDevice, Wanted
from fleet.errors import BrokerUnavailable, Conflict, InvalidInput, NotFound, TooOften
from fleet.events import Subject
from fleet.principals import person
from fleet.signals import Kind
from storage.records.commands import newest_commands
from storage.records.database import DeskDatabase
from storage.records.device_credentials import credentials_of
from storage.records.device_lists import device_of
from storage.records.events import events_of
from storage.records.repairs import renewals

NOW = 1_795_334_400_000
BY = person("Li Wei")
R1, R2 = NewDevice("r1", "s1", Kind.ROBOT, "CR-200", "S1"), NewDevice("r2", "s1", Kind.ROBOT)


class Notebook:
    """A broker that notes who may come in, and can be away or unable."""

    def __init__(self) -> None:
        self.inside: dict[str, str | None] = {}
        self.moved: list[str] = []
        self.away = False
        self.cannot: str | None = None

    def unable(self) -> str | None:
        return self.cannot

    def admit(self, users: Sequence[tuple[BrokerUser, str | None]]) -> None:
        self._check()
        self.inside |= {user.device_id: password for user, password in users}

    def readmit(self, user: BrokerUser) -> None:
        self._check()
        self.moved.append(user.site)

    def expel(self, device_ids: Collection[str]) -> None:
        self._check()
        for each in device_ids:
            self.inside.pop(each, None)

    def reload(self) -> None:
        self._check()

    def _check(self) -> None:
        if self.away:
            raise BrokerUnavailable("away")


class Rooms:
    """The doors over a desk and a notebook."""

    def __init__(self, desk: DeskDatabase, folder: Path) -> None:
        self.desk, self.broker, self.clock = desk, Notebook(), ManualClock(NOW)
        self.folder = folder / "ca"
        self.doors = DeviceDoors(desk, self.clock, Authority(self.folder), self.broker)

    def events(self, device_id: str) -> list[str]:
        with self.desk.transaction() as session:
            return [event.what for event in events_of(session, Subject.DEVICE, device_id)]


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    desk = fresh_desk(tmp_path / "desk.sqlite")
    yield Rooms(desk, tmp_path)
    desk.close()


def test_a_new_device_is_registered_and_told_to_the_broker_at_once(rooms: Rooms) -> None:
    [handed] = rooms.doors.add([R1], Wanted(), BY)
    assert len(handed.password) == 32
    assert rooms.broker.inside == {"r1": handed.password}
    with rooms.desk.transaction() as session:
        device = device_of(session, "r1")
        [kept] = credentials_of(session, "r1")
    assert (device.site, device.model, device.serial) == ("s1", "CR-200", "S1")
    assert kept.hashed is not None
    assert handed.password not in repr(kept)
    assert rooms.events("r1") == ["credential made"]
    assert rooms.doors.waiting() == 0


def test_while_the_broker_is_away_it_waits_and_the_book_lets_it_in(rooms: Rooms) -> None:
    rooms.broker.away = True
    rooms.doors.add([R1], Wanted(), BY)
    assert rooms.doors.waiting() == 1
    rooms.broker.away = False
    assert rooms.doors.settle() == 0, "whoever made it may be about to tell the broker"
    rooms.clock.ms += MINUTE_MS
    assert rooms.doors.settle() == 1, "its password is known to nobody any more: it needs a book"
    book = rooms.doors.users()
    rooms.doors.note_book_read(book)
    assert rooms.doors.waiting() == 0


def test_a_device_that_comes_in_while_others_are_told_of_is_not_put_out_with_them(rooms: Rooms) -> None:
    rooms.doors.add([R1], Wanted(), BY)
    rooms.broker.away = True
    rooms.doors.revoke(["r1"], BY, "stolen")
    rooms.broker.away = False
    expel = rooms.broker.expel

    def slowly(device_ids: Collection[str]) -> None:
        rooms.broker.expel = expel  # type: ignore[method-assign]
        rooms.doors.rotate("r1", Wanted(), BY)
        expel(device_ids)

    rooms.broker.expel = slowly  # type: ignore[method-assign]
    rooms.doors.settle()
    assert rooms.doors.waiting() == 1, "it was put out after it had come in: the broker has to be told anew"
    rooms.clock.ms += MINUTE_MS
    assert rooms.doors.settle() == 1


def test_a_certificate_needs_no_book(rooms: Rooms) -> None:
    rooms.broker.away = True
    rooms.doors.add([R1], Wanted(CredentialKind.CERTIFICATE), BY)
    rooms.broker.away = False
    assert rooms.doors.settle() == 0
    assert rooms.broker.inside == {"r1": None}


def test_whoever_was_revoked_while_the_broker_was_away_is_put_out_when_it_is_back(rooms: Rooms) -> None:
    rooms.doors.add([R1, R2], Wanted(), BY)
    rooms.broker.away = True
    assert rooms.doors.revoke(["r1"], BY, "stolen") == 1
    assert "r1" in rooms.broker.inside
    assert rooms.doors.waiting() == 1
    rooms.broker.away = False
    assert rooms.doors.settle() == 0
    assert set(rooms.broker.inside) == {"r2"}


def test_what_changed_since_a_book_was_written_still_waits(rooms: Rooms) -> None:
    rooms.broker.away = True
    rooms.doors.add([R1, R2], Wanted(), BY)
    book = rooms.doors.users()
    rooms.doors.revoke(["r1"], BY, "stolen")
    rooms.doors.note_book_read(book)
    assert rooms.doors.waiting() == 1
    rooms.broker.away = False
    rooms.doors.settle()
    assert rooms.doors.waiting() == 0


def test_a_rotation_that_the_broker_missed_is_not_taken_for_known_after_a_move(rooms: Rooms) -> None:
    rooms.doors.add([R1], Wanted(), BY)
    rooms.broker.away = True
    rooms.doors.rotate("r1", Wanted(), BY)
    rooms.broker.away = False
    rooms.doors.move("r1", "s2", BY, "moved")
    assert rooms.doors.waiting() == 1


def test_a_device_has_one_credential_and_keeps_its_place(rooms: Rooms) -> None:
    rooms.doors.add([R1], Wanted(), BY)
    with pytest.raises(Conflict, match="r1 has a credential already"):
        rooms.doors.add([R1], Wanted(), BY)
    with pytest.raises(Conflict, match="a robot at s1"):
        rooms.doors.add([NewDevice("r1", "s2", Kind.ROBOT)], Wanted(), BY)
    with pytest.raises(InvalidInput, match="each device once"):
        rooms.doors.add([R2, R2], Wanted(), BY)
    with pytest.raises(InvalidInput, match="none of yours"):
        rooms.doors.add([R2], Wanted(), BY, frozenset({"s9"}))
    with pytest.raises(NotFound):
        rooms.doors.rotate("r1", Wanted(), BY, frozenset({"s9"}))
    with pytest.raises(InvalidInput, match="none of yours"):
        rooms.doors.move("r1", "s2", BY, "why", frozenset({"s1"}))


def test_a_broker_that_knows_no_credentials_hands_none_out(rooms: Rooms) -> None:
    rooms.broker.cannot = "it lets in everybody"
    for ask in (
        lambda: rooms.doors.add([R1], Wanted(), BY),
        lambda: rooms.doors.rotate("r1", Wanted(), BY),
        lambda: rooms.doors.replace("r1", "S2", Wanted(), BY, "broken"),
    ):
        with pytest.raises(Conflict, match="lets in everybody"):
            ask()


def test_another_device_under_the_same_id_begins_a_new_life(rooms: Rooms) -> None:
    [old] = rooms.doors.add([R1], Wanted(), BY)
    rooms.clock.ms += DAY_MS
    asked = Order("r1", "set_parameter", "less often", {"name": "report_every_s", "value": 60}, DAY_MS)
    Commands(rooms.desk, rooms.clock).order([asked], BY, rooms.clock.ms)
    new = rooms.doors.replace("r1", "S2", Wanted(), BY, "fell down the stairs")
    assert rooms.broker.inside["r1"] == new.password != old.password
    with rooms.desk.transaction() as session:
        device = device_of(session, "r1")
    assert (device.serial, device.model, device.status, device.battery_pct) == (
        "S2",
        "CR-200",
        "unknown",
        None,
    )
    with rooms.desk.transaction() as session:
        [left] = newest_commands(session, "r1", 5)
    assert (left.state, left.reason) == ("cancelled", "the device was replaced: fell down the stairs")
    lives = renewals(rooms.desk)
    assert set(lives["ts"]) == {NOW + DAY_MS}
    assert "battery_wear" in set(lives["fault"])
    assert rooms.events("r1") == ["credential made", "replaced", "credential rotated"]


def test_an_old_certificate_goes_on_as_long_as_it_is_kept(rooms: Rooms) -> None:
    certificate = Wanted(CredentialKind.CERTIFICATE)
    [old] = rooms.doors.add([R1], certificate, BY)
    new = rooms.doors.rotate("r1", Wanted(CredentialKind.CERTIFICATE, keep_days=7), BY)
    assert old.certificate != new.certificate
    with rooms.desk.transaction() as session:
        kept = credentials_of(session, "r1")
    assert [one.holds(NOW + 6 * DAY_MS) for one in kept] == [True, True]
    assert [one.holds(NOW + 8 * DAY_MS) for one in kept] == [True, False]


def test_a_password_ends_with_its_rotation_whatever_comes_in_its_place(rooms: Rooms) -> None:
    rooms.doors.add([R1], Wanted(), BY)
    rooms.doors.rotate("r1", Wanted(CredentialKind.CERTIFICATE, days=7, keep_days=7), BY)
    rooms.clock.ms += 8 * DAY_MS
    assert rooms.doors.users() == []


def test_what_is_handed_out_is_so_before_the_broker_is_told(rooms: Rooms) -> None:
    rooms.broker.away = True
    handed: list[Handed] = []
    rooms.doors.add([R1], Wanted(), BY, hand_over=handed.extend)
    assert [one.device_id for one in handed] == ["r1"]


def test_a_list_of_revoked_certificates_that_cannot_be_written_loses_nothing(rooms: Rooms) -> None:
    rooms.doors.add([R1], Wanted(CredentialKind.CERTIFICATE), BY)
    (rooms.folder / "crl.pem").unlink(missing_ok=True)
    (rooms.folder / "crl.pem").mkdir()
    handed = rooms.doors.rotate("r1", Wanted(), BY)
    assert handed.password
    assert rooms.doors.waiting() == 1
    (rooms.folder / "crl.pem").rmdir()


def test_lists_of_revoked_certificates_are_written_by_several_at_once(rooms: Rooms) -> None:
    devices = [NewDevice(f"d{number}", "s1", Kind.ROBOT) for number in range(12)]
    rooms.doors.add(devices, Wanted(CredentialKind.CERTIFICATE), BY)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda device: rooms.doors.revoke([device.id], BY, "stolen"), devices))
    listed = load_pem_x509_crl((rooms.folder / "crl.pem").read_bytes())
    assert len(list(listed)) == 12
    assert rooms.doors.waiting() == 0


def test_a_serial_number_that_cannot_be_an_id_asks_for_one(rooms: Rooms) -> None:
    claims = Claims(rooms.desk, rooms.clock, rooms.doors)
    [offered] = claims.offer(["SW 24/17"], Kind.ROBOT, "CR-200", BY)
    with pytest.raises(InvalidInput, match="id: required"):
        claims.claim(("SW 24/17", offered.code), ("", "s1"), Wanted(), BY, None)
    claims.claim(("SW 24/17", offered.code), ("lobby", "s1"), Wanted(), BY, None)


def test_a_device_is_claimed_once_with_the_code_on_its_label(rooms: Rooms) -> None:
    claims = Claims(rooms.desk, rooms.clock, rooms.doors)
    [offered] = claims.offer(["S77"], Kind.ROBOT, "CR-350", BY)
    with pytest.raises(NotFound, match="serial number and code"):
        claims.claim(("S77", "WRONG"), ("", "s1"), Wanted(), BY, None)
    with pytest.raises(InvalidInput, match="none of yours"):
        claims.claim(("S77", offered.code), ("", "s1"), Wanted(), BY, frozenset({"s2"}))
    code = offered.code.lower().replace("-", " ")
    handed = claims.claim(("S77", code), ("lobby", "s1"), Wanted(), BY, None)
    assert rooms.broker.inside == {"lobby": handed.password}
    with rooms.desk.transaction() as session:
        assert device_of(session, "lobby").model == "CR-350"
    with pytest.raises(NotFound, match="claimed already"):
        claims.claim(("S77", offered.code), ("other", "s1"), Wanted(), BY, None)


def test_whoever_guesses_codes_has_to_wait(rooms: Rooms) -> None:
    claims = Claims(rooms.desk, rooms.clock, rooms.doors)
    [offered] = claims.offer(["S77"], Kind.ROBOT, "", BY)

    def guess() -> None:
        claims.claim(("S77", "X"), ("", "s1"), Wanted(), BY, None)

    for _ in range(5):
        with pytest.raises(NotFound):
            guess()
    with pytest.raises(TooOften):
        guess()
    rooms.clock.ms += 20 * MINUTE_MS
    assert claims.claim(("S77", offered.code), ("", "s1"), Wanted(), BY, None).device_id == "S77"


def test_no_device_has_a_name_by_which_our_programs_come_in(rooms: Rooms) -> None:
    """A device's client id is its name: with ours it would end our session, and take what waits in it."""
    doors = DeviceDoors(rooms.desk, rooms.clock, Authority(rooms.folder), rooms.broker, {"hq-ingest"})
    for name in ("sweepwatch", "sweepwatch-ingest", "Sweepwatch-commands", "sweepwatch-2", "hq-ingest"):
        with pytest.raises(InvalidInput, match="ours"):
            doors.add([NewDevice(name, "s1", Kind.ROBOT)], Wanted(), BY)


def test_a_replacement_that_cannot_be_replaces_nothing(rooms: Rooms) -> None:
    rooms.doors.add([R1], Wanted(), BY)
    told = rooms.events("r1")
    with pytest.raises(InvalidInput, match="request: "):
        rooms.doors.replace("r1", "S2", Wanted(CredentialKind.CERTIFICATE, request="garbage"), BY, "fell")
    with rooms.desk.transaction() as session:
        assert device_of(session, "r1").serial == "S1"
    assert rooms.events("r1") == told


def test_what_is_there_already_is_told_only_to_whoever_may_see_it(rooms: Rooms) -> None:
    rooms.doors.add([R1], Wanted(), BY)
    with pytest.raises(Conflict) as refused:
        rooms.doors.add([NewDevice("r1", "s2", Kind.ROBOT)], Wanted(), BY, frozenset({"s2"}))
    assert str(refused.value) == 'id: "r1" is taken; choose another'
    rooms.doors.revoke(["r1"], BY, "lost")
    with pytest.raises(Conflict, match="another serial number"):
        rooms.doors.add([NewDevice("r1", "s1", Kind.ROBOT, serial="S9")], Wanted(), BY)


def test_a_serial_number_is_offered_once(rooms: Rooms) -> None:
    with pytest.raises(InvalidInput, match="each once"):
        Claims(rooms.desk, rooms.clock, rooms.doors).offer(["S1", "S1"], Kind.ROBOT, "", BY)
