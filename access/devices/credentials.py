"""Devices' credentials: made, rotated and revoked at the desk, and told to the broker at once.

The desk is where they are kept. What the broker could not be told is told when it can be, or when the broker
starts with a book that is written from the desk: nobody stays in who was put out, however it ended.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from sqlalchemy.orm import Session

from access.devices.asked import check_device, check_site
from access.devices.authority import Authority
from access.devices.commands import take_back_waiting
from access.devices.hashing import hashed, new_password
from fleet.clock import DAY_MS, SECOND_MS, Clock
from fleet.device_doors import BrokerUser, Credential, CredentialKind, Handed, NewDevice, Wanted
from fleet.errors import BrokerUnavailable, Conflict, InvalidInput
from fleet.events import Event, Subject
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.text import quoted
from storage.records import device_credentials as rows
from storage.records.database import DeskDatabase
from storage.records.device_lists import device_of
from storage.records.devices import Placement
from storage.records.events import tell
from storage.records.registering import add_devices, move_device, places_of, replace_device, serials_of

log = logging.getLogger(__name__)

LONGEST_DAYS = 825
AT_ONCE = 50
"""So many new devices are told to a running broker; of more it reads a new book (`settle`)."""
_KEPT_MS = 400 * DAY_MS
_TOLD_WITHIN_MS = 45 * SECOND_MS
"""So long whoever made a credential may be about to tell the broker of it (control.py waits 30 s)."""


class Broker(Protocol):
    """What is done at the broker (access.devices.at_broker). All but `unable` may raise BrokerUnavailable."""

    def unable(self) -> str | None:
        """Return why this broker can let nobody in by a credential, None where it can."""
        ...

    def admit(self, users: Sequence[tuple[BrokerUser, str | None]]) -> None:
        """Let devices in with their passwords (None: by certificate), and whoever was in under them out."""
        ...

    def readmit(self, user: BrokerUser) -> None:
        """Let a device speak elsewhere, with the credential that it has; it is cut off, and comes again."""
        ...

    def expel(self, device_ids: Collection[str]) -> None:
        """Put devices out, and cut off those that are in."""
        ...

    def reload(self) -> None:
        """Read the list of revoked certificates again."""
        ...


class DeviceDoors:
    """The credentials of an installation's devices. Each change is an event; may raise StoreUnavailable.

    `broker` is what runs. A change holds once it is at the desk: where the broker cannot be told, `waiting`
    says so, and `settle` tells it later. `own_ids` are client ids of our programs there, which no device has.
    """

    def __init__(
        self,
        desk: DeskDatabase,
        clock: Clock,
        authority: Authority,
        broker: Broker,
        own_ids: Collection[str] = (),
    ) -> None:
        self._desk = desk
        self._own_ids = own_ids
        self._clock = clock
        self._authority = authority
        self._broker = broker
        self._waits_since: dict[str, int] = {}

    def check(self, devices: Sequence[NewDevice], wanted: Wanted, sites: Sites = None) -> None:
        """Raise what `add` would for these devices."""
        self._check_asked(devices, wanted)
        with self._desk.transaction() as session:
            self._check_free(session, devices, sites, self._clock.now_ms())

    def add(
        self,
        devices: Sequence[NewDevice],
        wanted: Wanted,
        by: Principal,
        sites: Sites = None,
        hand_over: Callable[[Sequence[Handed]], None] = lambda _: None,
    ) -> list[Handed]:
        """Register devices, each with a credential, and return what is to be put into them.

        `hand_over` has that before the broker is told, which may take long. Raises InvalidInput for one that
        cannot be or that comes twice, Conflict for one that has a credential already, or that is another kind
        of device or elsewhere; then none is added.
        """
        self._check_asked(devices, wanted)
        now = self._clock.now_ms()
        made = [self._make(device.id, device.topics, wanted, by, now) for device in devices]
        with self._desk.transaction() as session:
            self._check_free(session, devices, sites, now)
            add_devices(session, devices, now)
            rows.add_credentials(session, (credential for credential, _ in made))
            for device, (credential, _) in zip(devices, made, strict=True):
                self._tell(session, device.id, device.site, "credential made", by, credential)
        every = [handed for _, handed in made]
        hand_over(every)
        self._admit({handed.device_id: handed for handed in every}, now)
        return every

    def rotate(self, device_id: str, wanted: Wanted, by: Principal, sites: Sites = None) -> Handed:
        """Give a device a new credential in place of what it has. Raises NotFound, InvalidInput.

        The password before ends now, a certificate before after `keep_days`.
        """
        _check_wanted(wanted, 1)
        self._check_able()
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            device = device_of(session, device_id, sites)
            handed = self._rotate(session, device_id, device.site, wanted, by, now)
        self._admit({device_id: handed}, now)
        return handed

    def _rotate(
        self, session: Session, device_id: str, site: str, wanted: Wanted, by: Principal, now: int
    ) -> Handed:
        before = next(iter(rows.credentials_of(session, device_id)), None)
        credential, handed = self._make(device_id, before.topics if before else (), wanted, by, now)
        if wanted.keep_days:
            ends = now + wanted.keep_days * DAY_MS
            rows.end_credentials(session, device_id, CredentialKind.CERTIFICATE, ends)
            rows.revoke_credentials(session, [device_id], now, CredentialKind.PASSWORD)
        else:
            rows.revoke_credentials(session, [device_id], now)
        rows.add_credentials(session, [credential])
        self._tell(session, device_id, site, "credential rotated", by, credential)
        return handed

    def revoke(self, device_ids: Sequence[str], by: Principal, why: str, sites: Sites = None) -> int:
        """Put devices out at the broker, those that are in at once; return how many credentials that ended.

        Raises NotFound where one is not there.
        """
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            for device_id in device_ids:
                device = device_of(session, device_id, sites)
                event = Event(now, Subject.DEVICE, device_id, "credential revoked", by, why, device.site)
                tell(session, event)
            ended = rows.revoke_credentials(session, device_ids, now)
        self._settle_some(set(device_ids))
        return ended

    def move(self, device_id: str, site: str, by: Principal, why: str, sites: Sites = None) -> None:
        """Let a device belong to another site, with its history; both must be somebody's own.

        Its topics change with it: it is cut off, and comes in again with the credential that it has.
        Raises NotFound, InvalidInput, and Conflict where it is there already.
        """
        check_site(site)
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            device = device_of(session, device_id, sites)
            if sites is not None and site not in sites:
                raise InvalidInput(f"site: {quoted(site)} is none of yours")
            if device.site == site:
                raise Conflict(f"{device_id} is at {site} already")
            waited = device_id in rows.unknown_to_broker(session)
            move_device(session, device_id, site)
            rows.forget_known(session, device_id)
            places = {"from": device.site, "to": site}
            tell(session, Event(now, Subject.DEVICE, device_id, "moved", by, why, site, data=places))
            session.flush()
            user = next(iter(rows.broker_users(session, now, [device_id])), None)
        if user is not None:
            self._readmit(user, waited)

    def replace(
        self, device_id: str, serial: str, wanted: Wanted, by: Principal, why: str, sites: Sites = None
    ) -> Handed:
        """Let another device go on under an id: a new life, with a credential of its own.

        Raises NotFound, InvalidInput; then nothing was replaced.
        """
        _check_wanted(wanted, 1)
        self._check_able()
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            device = device_of(session, device_id, sites)
            check_device(NewDevice(device_id, device.site, device.kind, serial=serial))
            before = replace_device(session, device_id, serial, now)
            take_back_waiting(session, device_id, by, f"the device was replaced: {why}", now)
            data = {"serial": serial, "before": before}
            tell(session, Event(now, Subject.DEVICE, device_id, "replaced", by, why, device.site, data=data))
            handed = self._rotate(session, device_id, device.site, wanted, by, now)
        self._admit({device_id: handed}, now)
        return handed

    def waiting(self) -> int:
        """Return of how many devices the broker has yet to be told."""
        with self._desk.transaction() as session:
            return len(rows.unknown_to_broker(session))

    def users(self) -> list[BrokerUser]:
        """Return the devices that may come in, as a broker's book has to have them."""
        with self._desk.transaction() as session:
            return rows.broker_users(session, self._clock.now_ms())

    def note_book_read(self, book: Iterable[BrokerUser]) -> None:
        """Note that the broker was started with a book; what changed since it was written still waits."""
        written = {user.device_id: user for user in book}
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            waiting = rows.unknown_to_broker(session)
            users = {user.device_id: user for user in rows.broker_users(session, now, waiting)}
            known = {name for name in waiting if users.get(name) == written.get(name)}
            rows.note_known(session, known, now)

    def settle(self) -> int:
        """Put out at the broker whoever was revoked, and let in whoever needs no password told.

        Return of how many devices it can be told by a new book only.
        """
        with self._desk.transaction() as session:
            waiting = rows.unknown_to_broker(session)
            rows.delete_ended(session, self._clock.now_ms() - _KEPT_MS)
        return len(self._overdue(self._settle_some(waiting) if waiting else set()))

    def _overdue(self, waiting: set[str]) -> set[str]:
        """Return of these devices those of which nobody else is about to tell the broker: of many, all."""
        now = self._clock.now_ms()
        self._waits_since = {name: self._waits_since.get(name, now) for name in waiting}
        if len(waiting) > AT_ONCE:
            return waiting
        return {name for name, since in self._waits_since.items() if now - since >= _TOLD_WITHIN_MS}

    def list_revoked(self) -> None:
        """Write the list of revoked certificates, and let the broker read it where it changed.

        May raise BrokerUnavailable: where it cannot be written, the broker does not know of it.
        """
        if not self._authority.exists:
            return
        now = self._clock.now_ms()

        def revoked() -> Sequence[tuple[int, int]]:
            with self._desk.transaction() as session:
                return rows.revoked_certificates(session, now)

        try:
            changed = self._authority.write_revoked(revoked, now)
        except OSError as error:
            raise BrokerUnavailable(f"the list of revoked certificates cannot be written: {error}") from error
        if changed:
            self._broker.reload()

    def _admit(self, handed: dict[str, Handed], now: int) -> None:
        """Tell the broker of new credentials while their passwords are known; of many it reads a new book."""
        if len(handed) > AT_ONCE:
            return
        with self._desk.transaction() as session:
            users = {user.device_id: user for user in rows.broker_users(session, now, list(handed))}
        known = [(users[name], one.password or None) for name, one in handed.items() if name in users]
        try:
            self._broker.admit(known)
            self.list_revoked()
        except BrokerUnavailable as error:
            log.warning("the broker has yet to be told of %d new credentials: %s", len(handed), error)
            return
        with self._desk.transaction() as session:
            rows.note_known(session, list(handed), self._clock.now_ms())

    def _readmit(self, user: BrokerUser, waited: bool) -> None:
        try:
            self._broker.readmit(user)
        except BrokerUnavailable as error:
            log.warning("the broker has yet to be told where %s is now: %s", user.device_id, error)
            return
        if not waited:
            with self._desk.transaction() as session:
                rows.note_known(session, [user.device_id], self._clock.now_ms())

    def _settle_some(self, device_ids: set[str]) -> set[str]:
        """Tell the broker what needs no password; return of which devices it has yet to be told."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            users = {user.device_id: user for user in rows.broker_users(session, now, device_ids)}
        out = device_ids - set(users)
        # A certificate needs no word of ours; a password is known to the broker or to nobody.
        by_certificate = [(user, None) for user in users.values() if user.hashed is None]
        try:
            self._broker.expel(sorted(out))
            self._broker.admit(by_certificate[:AT_ONCE])
            self.list_revoked()
        except BrokerUnavailable as error:
            log.warning("the broker has yet to be told of %d devices: %s", len(device_ids), error)
            return device_ids
        settled = out | {user.device_id for user, _ in by_certificate[:AT_ONCE]}
        with self._desk.transaction() as session:
            # Who was let in meanwhile, and perhaps put out by us: the broker has to be told anew.
            back = {user.device_id for user in rows.broker_users(session, now, out)}
            for device_id in back:
                rows.forget_known(session, device_id)
            rows.note_known(session, settled - back, now)
            return device_ids & rows.unknown_to_broker(session)

    def _check_asked(self, devices: Sequence[NewDevice], wanted: Wanted) -> None:
        for device in devices:
            check_device(device)
        if len({device.id for device in devices}) < len(devices):
            raise InvalidInput("id: each device once")
        _check_wanted(wanted, len(devices))
        self._check_able()

    def _check_able(self) -> None:
        unable = self._broker.unable()
        if unable is not None:
            raise Conflict(unable)

    def _check_free(self, session: Session, devices: Sequence[NewDevice], sites: Sites, now: int) -> None:
        ids = [device.id for device in devices]
        places, taken = places_of(session, ids), rows.broker_users(session, now, ids)
        serials = serials_of(session, ids)
        for device in devices:
            if sites is not None and device.site not in sites:
                raise InvalidInput(f"site: {quoted(device.site)} is none of yours")
            if device.id in self._own_ids:
                raise InvalidInput(f"id: {quoted(device.id)} is the name of a program of ours at the broker")
            place = places.get(device.id)
            if place is not None and sites is not None and place.site not in sites:
                raise Conflict(f"id: {quoted(device.id)} is taken; choose another")
            if place is not None and place != Placement(device.site, device.kind):
                raise Conflict(f"there is a device {device.id} already: a {place.kind} at {place.site}")
            if device.serial and serials.get(device.id, device.serial) != device.serial:
                raise Conflict(f"there is a device {device.id} already, with another serial number")
        if taken:
            raise Conflict(f"{taken[0].device_id} has a credential already; rotate it")

    def _make(
        self, device_id: str, topics: Iterable[str], wanted: Wanted, by: Principal, now: int
    ) -> tuple[Credential, Handed]:
        own, kind = tuple(topics), wanted.kind
        if kind is CredentialKind.PASSWORD:
            password = new_password()
            credential = Credential(0, device_id, kind, by.name, now, topics=own, hashed=hashed(password))
            return credential, Handed(device_id, kind, password=password)
        issued = self._authority.issue(device_id, wanted.days, now, wanted.request)
        handed = Handed(
            device_id,
            kind,
            certificate=issued.certificate,
            key=issued.key,
            authority=self._authority.certificate(),
            ends=issued.ends,
        )
        return Credential(
            0, device_id, kind, by.name, now, issued.ends, topics=own, serial=issued.serial
        ), handed

    @staticmethod
    def _tell(
        session: Session, device_id: str, site: str, what: str, by: Principal, credential: Credential
    ) -> None:
        data = {"kind": str(credential.kind)}
        tell(session, Event(credential.made_at, Subject.DEVICE, device_id, what, by, what, site, data=data))


def _check_wanted(wanted: Wanted, devices: int) -> None:
    if not 1 <= wanted.days <= LONGEST_DAYS:
        raise InvalidInput(f"days: allowed: 1 to {LONGEST_DAYS}")
    if not 0 <= wanted.keep_days <= wanted.days:
        raise InvalidInput("keep_days: allowed: 0 to as long as the new certificate holds")
    if wanted.request and (devices != 1 or wanted.kind is not CredentialKind.CERTIFICATE):
        raise InvalidInput("request: for the certificate of one device")
