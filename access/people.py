"""People: who they are, what they may do, and the one-time links by which they come in first."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from sqlalchemy.orm import Session

from access.attempts import Attempts
from access.passwords import check_password, hash_password, verify_password
from access.roles import check_machine, check_places, checked_roles, in_words
from access.secrets import digest, new_secret
from fleet.clock import DAY_MS, HOUR_MS, Clock
from fleet.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from fleet.events import Event, Subject
from fleet.grants import Role
from fleet.people import CREW_DOMAIN, Person, Purpose, RoleAt, Scope
from fleet.principals import MAX_NAME, Principal, PrincipalKind, schedule
from fleet.text import quoted
from storage.records import people as rows
from storage.records.begun_sign_ins import forget_sign_ins
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.identities import release_identities
from storage.records.links import end_links, end_links_of, link_of, make_link, use_link
from storage.records.sessions import end_sessions

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")
FIRST = schedule("first start")
"""Who lets the first admin in: whoever reads the terminal."""
DEMO_EMAIL = "demo@sweepwatch.invalid"
_LASTS = {
    Purpose.FIRST_ADMIN: DAY_MS,
    Purpose.DEMO: DAY_MS,
    Purpose.INVITATION: 7 * DAY_MS,
    Purpose.PASSWORD: HOUR_MS,
}


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link that was looked at is for; `person` is whose password it sets, `email` whom it invites."""

    purpose: Purpose
    email: str = ""
    name: str = ""


class People:
    """The people of an installation. Each change is an event of the log; may raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._attempts = Attempts(desk)
        self._changed: list[Callable[[], None]] = []

    def when_changed(self, call: Callable[[], None]) -> None:
        """Call `call` after each change of what people may do, so that nothing older is remembered."""
        self._changed.append(call)

    def everybody(self) -> Sequence[Person]:
        """Return everybody, by name."""
        with self._desk.transaction() as session:
            return rows.people(session)

    def one(self, person_id: int) -> Person:
        """Return one person. Raises NotFound."""
        with self._desk.transaction() as session:
            return rows.person_of(session, person_id)

    def have_admin(self, *, able: bool = False) -> bool:
        """Tell whether somebody can let others in, by a link that waits for them as well.

        `able`: they can sign in by now. The demo's own person does not count.
        """
        with self._desk.transaction() as session:
            demo = rows.person_by_email(session, DEMO_EMAIL)
            return rows.count_admins(session, besides=demo.id if demo else None, able=able) > 0

    def link_for_first_admin(self) -> str:
        """Return the secret of a link by which the first admin comes in; links made before end."""
        return self._only_link(Purpose.FIRST_ADMIN)

    def link_for_demo(self) -> str:
        """Return the secret of a link that signs in whoever reads the terminal of a demo."""
        return self._only_link(Purpose.DEMO)

    def _only_link(self, purpose: Purpose) -> str:
        with self._desk.transaction() as session:
            end_links(session, purpose)
            return self._link(session, purpose, {})

    def invite(self, email: str, name: str, roles: Iterable[RoleAt], by: Principal) -> tuple[Person, str]:
        """Add somebody with roles, and return them with the secret of the link that sets their password.

        Raises InvalidInput for an address, a name or roles that cannot be, Conflict where there is one.
        """
        email, name, given = address_in(email), _name(name), checked_roles(roles)
        with self._desk.transaction() as session:
            check_machine(by, given)
            check_places(session, given)
            person = rows.add_person(session, email, name, self._clock.now_ms(), given)
            self._tell(session, person, "invited", by, after=in_words(given))
            secret = self._link(session, Purpose.INVITATION, {"person": person.id})
        return person, secret

    def link_for_password(self, person_id: int, by: Principal) -> str:
        """Return the secret of a link that sets somebody's password anew; links made before end.

        Raises NotFound, Conflict for somebody who may not sign in.
        """
        with self._desk.transaction() as session:
            person = rows.person_of(session, person_id)
            if person.disabled_at is not None:
                raise Conflict(f"{person.name} may not sign in; let them in again first")
            check_machine(by, person.roles)
            end_links_of(session, person_id)
            self._tell(session, person, "reset", by)
            return self._link(session, Purpose.PASSWORD, {"person": person.id})

    def change(
        self,
        person_id: int,
        by: Principal,
        *,
        roles: Iterable[RoleAt] | None = None,
        disabled: bool | None = None,
    ) -> Person:
        """Give somebody other roles, let them sign in no more, or let them again: all that is asked, or none.

        Whoever may sign in no more has no session left. Raises NotFound, InvalidInput, NotAllowed for a token
        that may do less than they; Conflict: the last admin stays.
        """
        given = None if roles is None else checked_roles(roles)
        with self._desk.transaction() as session:
            before = rows.person_of(session, person_id)
            check_machine(by, [*before.roles, *(given or ())])
            if given is not None:
                check_places(session, given, before.roles)
                rows.set_roles(session, person_id, given)
            if disabled is not None:
                rows.disable(session, person_id, self._clock.now_ms() if disabled else None)
                end_links_of(session, person_id)
                end_sessions(session, person_id)
                forget_sign_ins(session, person_id)
            self._keep_an_admin(session, before)
            if given is not None:
                self._tell(session, before, "roles", by, in_words(before.roles), in_words(given))
            if disabled is not None:
                self._tell(session, before, "disabled" if disabled else "enabled", by)
            after = rows.person_of(session, person_id)
        self._note()
        return after

    def give_roles(self, person_id: int, roles: Iterable[RoleAt], by: Principal) -> Person:
        """Give somebody these roles in place of theirs. Raises as `change`."""
        return self.change(person_id, by, roles=roles)

    def disable(self, person_id: int, by: Principal, *, disabled: bool = True) -> Person:
        """Let somebody sign in no more and end their sessions, or let them again. Raises as `change`."""
        return self.change(person_id, by, disabled=disabled)

    def release(self, person_id: int, by: Principal) -> None:
        """Let no account at the provider be somebody's; the next with their address will. Raises NotFound."""
        with self._desk.transaction() as session:
            person = rows.person_of(session, person_id)
            check_machine(by, person.roles)
            release_identities(session, person_id)
            self._tell(session, person, "released", by)

    def look_at(self, secret: str) -> Opened:
        """Return what a link is for, and leave it usable. Raises NotFound where it is none, used, or over."""
        with self._desk.transaction() as session:
            purpose, data = self._open(session, secret)
            if "person" not in data:
                return Opened(purpose)
            person = rows.person_of(session, data["person"])
        return Opened(purpose, person.email, person.name)

    def enter_demo(self, secret: str) -> Person:
        """Use the link of a demo up, and return whom it signs in. Raises NotFound."""
        with self._desk.transaction() as session:
            self._use(session, secret, Purpose.DEMO)
            person = rows.person_by_email(session, DEMO_EMAIL)
            if person is None:
                all_roles = [RoleAt(Role.ADMIN), RoleAt(Role.SAFETY)]
                person = rows.add_person(session, DEMO_EMAIL, "Demo", self._clock.now_ms(), all_roles)
            rows.disable(session, person.id, None)  # it was no demo for a while
            return rows.person_of(session, person.id)

    def hire_for_demo(self, email: str, name: str, roles: Iterable[RoleAt]) -> Person:
        """Return somebody of the demo's crew, added where there was nobody; they have no password."""
        with self._desk.transaction() as session:
            person = rows.person_by_email(session, email)
            if person is None:
                given = checked_roles(roles)
                person = rows.add_person(session, email, name, self._clock.now_ms(), given)
                self._tell(session, person, "invited", FIRST, after=in_words(given))
            rows.disable(session, person.id, None)  # there was no crew for a while
            return rows.person_of(session, person.id)

    def of_crew(self, email: str) -> Person | None:
        """Return somebody of the demo's crew who may come in; None for anybody else."""
        if not email.endswith(f"@{CREW_DOMAIN}"):
            return None
        with self._desk.transaction() as session:
            person = rows.person_by_email(session, email)
        return None if person is None or person.disabled_at is not None else person

    def dismiss_crew(self) -> None:
        """Let nobody of the demo's crew in any more."""
        with self._desk.transaction() as session:
            crew = [each for each in rows.people(session) if each.email.endswith(f"@{CREW_DOMAIN}")]
            for person in crew:
                if person.disabled_at is None:
                    rows.disable(session, person.id, self._clock.now_ms())
                    end_sessions(session, person.id)
                    self._tell(session, person, "disabled", FIRST)
        if crew:
            self._note()

    def end_demo(self) -> None:
        """Let the demo's own person and its crew in no more: this is no demo, or not any more."""
        self.dismiss_crew()
        with self._desk.transaction() as session:
            person = rows.person_by_email(session, DEMO_EMAIL)
            if person is None or person.disabled_at is not None:
                return
            rows.disable(session, person.id, self._clock.now_ms())
            rows.set_password_hash(session, person.id, None)
            end_links(session, Purpose.DEMO)
            end_links_of(session, person.id)
            end_sessions(session, person.id)
            self._tell(session, person, "disabled", FIRST)
        self._note()

    def enter_first(self, secret: str, email: str, name: str, password: str) -> Person:
        """Use the first admin's link up, and return them. Raises NotFound, InvalidInput or Conflict."""
        email, name = address_in(email), _name(name)
        check_password(password, email, name)
        kept = hash_password(password)
        with self._desk.transaction() as session:
            self._use(session, secret, Purpose.FIRST_ADMIN)
            person = rows.add_person(session, email, name, self._clock.now_ms(), [RoleAt(Role.ADMIN)])
            rows.set_password_hash(session, person.id, kept)
            self._tell(session, person, "first", FIRST, after=Role.ADMIN)
            return rows.person_of(session, person.id)

    def set_password(self, secret: str, password: str) -> Person:
        """Use an invitation or a reset up: set the password, end all sessions, and return whose it is.

        Raises NotFound for a link that cannot be used, InvalidInput for a password that is not good enough.
        """
        opened = self.look_at(secret)
        check_password(password, opened.email, opened.name)
        kept = hash_password(password)
        with self._desk.transaction() as session:
            data = self._use(session, secret, opened.purpose)
            if "person" not in data:
                raise _no_link()
            rows.set_password_hash(session, data["person"], kept)
            end_links_of(session, data["person"])
            end_sessions(session, data["person"])
            person = rows.person_of(session, data["person"])
            forget_sign_ins(session, person.id)
            self._tell(session, person, "password", schedule("link"))
        self._note()
        return person

    def change_password(self, person_id: int, current: str, password: str, address: str, key: str) -> None:
        """Set one's own password anew; all sessions but the one with this key end.

        Raises NotSignedIn where the current one is not right, TooOften, Conflict for somebody who has none,
        InvalidInput for a new one that is not good enough.
        """
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            person = rows.person_of(session, person_id)
            before = rows.password_hash_of(session, person_id)
        if before is None:
            raise Conflict("you have no password here: you come in another way")
        self._attempts.begin(person.email, address, now)
        if not verify_password(current, before)[0]:
            raise NotSignedIn("this password is not right")
        self._attempts.succeeded(person.email, address)
        check_password(password, person.email, person.name)
        kept = hash_password(password)
        with self._desk.transaction() as session:
            rows.set_password_hash(session, person_id, kept)
            end_links_of(session, person_id)
            end_sessions(session, person_id, besides=key)
            forget_sign_ins(session, person_id)
            oneself = Principal(PrincipalKind.PERSON, str(person_id), person.name)
            self._tell(session, person, "password", oneself)
        self._note()

    def _link(self, session: Session, purpose: Purpose, data: dict[str, Any]) -> str:
        secret, now = new_secret(), self._clock.now_ms()
        make_link(session, digest(secret), purpose, now, now + _LASTS[purpose], data)
        return secret

    def _open(self, session: Session, secret: str) -> tuple[Purpose, dict[str, Any]]:
        found = link_of(session, digest(secret), self._clock.now_ms())
        if found is None:
            raise _no_link()
        return found

    def _use(self, session: Session, secret: str, purpose: Purpose) -> dict[str, Any]:
        found, data = self._open(session, secret)
        if found is not purpose or not use_link(session, digest(secret), self._clock.now_ms()):
            raise _no_link()
        return data

    def _keep_an_admin(self, session: Session, before: Person) -> None:
        session.flush()
        was = any(each.role is Role.ADMIN and each.scope is Scope.ALL for each in before.roles)
        if was and not rows.count_admins(session, able=True):
            raise Conflict(
                "nobody could let others in any more: first make somebody else an admin who has signed in"
            )

    def _tell(
        self,
        session: Session,
        person: Person,
        what: str,
        by: Principal,
        before: str | None = None,
        after: str | None = None,
    ) -> None:
        now = self._clock.now_ms()
        data = {"before": before, "after": after} if before or after else {}
        tell(session, Event(now, Subject.PERSON, str(person.id), what, by, what, data=data))

    def _note(self) -> None:
        for call in self._changed:
            call()


def _no_link() -> NotFound:
    return NotFound("this link is over, or was used already; ask for another")


def address_in(email: str) -> str:
    """Return an e-mail address as it is kept. Raises InvalidInput."""
    email = normalize("NFKC", email.strip()).lower()
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise InvalidInput(f"email: {quoted(email)} is no e-mail address")
    return email


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInput(f"name: required, 1 to {MAX_NAME} characters that can be seen")
    return name
