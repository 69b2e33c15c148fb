"""Claiming a device: whoever stands beside it shows the code on its label, and it belongs to a site.

The maker's serial numbers come first, each with a code that is printed on the device (as a QR code) and kept
as a digest. A code is used once; wrong ones are counted, and make whoever tries wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import choice

from access.attempts import Attempts
from access.devices.asked import check_device
from access.devices.credentials import DeviceDoors
from access.secrets import digest
from fleet.clock import DAY_MS, Clock
from fleet.device_doors import CLAIM_DAYS, Claim, Handed, NewDevice, Wanted
from fleet.errors import InvalidInput, NotFound
from fleet.events import Event, Subject
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.signals import Kind
from fleet.text import quoted
from fleet.wire import is_id
from storage.records import claims as rows
from storage.records.database import DeskDatabase
from storage.records.events import tell

_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""None that is taken for another when it is read from a label."""
_LENGTH, _GROUP = 20, 5


@dataclass(frozen=True, slots=True)
class Offered:
    """A serial number with the code for its label, which nobody will see again."""

    serial: str
    code: str


class Claims:
    """The serial numbers of an installation that can be claimed. Each change is an event."""

    def __init__(self, desk: DeskDatabase, clock: Clock, doors: DeviceDoors) -> None:
        self._desk = desk
        self._clock = clock
        self._doors = doors
        self._attempts = Attempts(desk)

    def offer(
        self, serials: Sequence[str], kind: Kind, model: str, by: Principal, days: int = CLAIM_DAYS
    ) -> list[Offered]:
        """Let serial numbers be claimed, and return the codes for their labels. Raises InvalidInput.

        What was offered of one before ends with that.
        """
        if not 1 <= days <= CLAIM_DAYS:
            raise InvalidInput(f"days: allowed: 1 to {CLAIM_DAYS}")
        if len(set(serials)) < len(serials):
            raise InvalidInput("serial: each once; the first of two labels would be worth nothing")
        for serial in serials:
            check_device(NewDevice("x", "x", kind, model, serial))
            if not serial:
                raise InvalidInput("serial: required")
        now = self._clock.now_ms()
        offered = [Offered(serial, new_code()) for serial in serials]
        claims = [
            (Claim(one.serial, kind, model, now, now + days * DAY_MS), _kept(one.code)) for one in offered
        ]
        with self._desk.transaction() as session:
            rows.offer_claims(session, claims)
            for one in offered:
                told = {"serial": one.serial}
                tell(session, Event(now, Subject.DEVICE, one.serial, "offered", by, "offered", data=told))
        return offered

    def all(self) -> Sequence[Claim]:
        """Return all that can be or was claimed, the newest first."""
        with self._desk.transaction() as session:
            return rows.claims(session)

    def claim(
        self, asked: tuple[str, str], device: tuple[str, str], wanted: Wanted, by: Principal, sites: Sites
    ) -> Handed:
        """Take a device with its serial number and code (`asked`) to an id and a site (`device`).

        Raises NotFound for a code that does not open it, TooOften, and as DeviceDoors.add.
        """
        serial, code = asked
        now = self._clock.now_ms()
        who = f"claim:{by.kind}:{by.id}"
        self._attempts.begin(who, serial, now)
        with self._desk.transaction() as session:
            found = rows.claim_of(session, serial)
        if found is None or found[1] != _kept(code):
            raise NotFound("no device has this serial number and code, or it was claimed already")
        self._attempts.passed(who, serial)
        device_id, site = device
        if not device_id and not is_id(serial):
            raise InvalidInput(f"id: required; the serial number {quoted(serial)} cannot be one")
        new = NewDevice(device_id or serial, site, found[0].kind, found[0].model, serial)
        check_device(new)
        with self._desk.transaction() as session:
            taken = rows.take_claim(session, serial, found[1], new.id, now)
        if not taken:
            raise NotFound("no device has this serial number and code, or it was claimed already")
        try:
            [handed] = self._doors.add([new], wanted, by, sites)
        except Exception:
            with self._desk.transaction() as session:
                rows.offer_claims(session, [found])  # it is still to be had
            raise
        return handed


def new_code() -> str:
    """Return a new code of 100 random bits, in groups that can be read aloud."""
    signs = "".join(choice(_SIGNS) for _ in range(_LENGTH))
    return "-".join(signs[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))


def _kept(code: str) -> str:
    return digest("".join(code.upper().split()).replace("-", ""))
