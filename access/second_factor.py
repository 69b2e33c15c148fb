"""The second factor: codes of a phone (TOTP, RFC 6238) and recovery codes, each good for once."""

import re
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_bytes

from sqlalchemy.orm import Session

from access.attempts import Attempts
from access.passwords import verify_password
from access.roles import check_machine
from access.secrets import digest
from fleet.clock import HOUR_MS, MINUTE_MS, SECOND_MS, Clock
from fleet.errors import Conflict, NotSignedIn
from fleet.events import Event, Subject
from fleet.people import Person, SecondFactor
from fleet.principals import Principal, PrincipalKind
from storage.records import people
from storage.records import second_factors as rows
from storage.records.begun_sign_ins import forget_sign_ins
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.sessions import end_sessions, session_of, strengthen_session, weaken_sessions

HOUSE = "Sweepwatch"
"""How the app on the phone calls us."""
CODES = 10
TOLERANCE = 1
"""So many steps of half a minute a phone's clock may be early or late."""
_OFFER_LASTS_MS = HOUR_MS
FRESH_MS = 15 * MINUTE_MS
"""So long after signing in the password is not asked for again before a second factor is set up."""
_CODE = re.compile(r"[0-9]{6}")
_RECOVERY = re.compile(r"[a-z2-7]{16}")
WRONG = "this code is not right, or was used already; type the one that the phone shows now"


@dataclass(frozen=True, slots=True)
class Offer:
    """A second factor that waits for its first code; `uri` (otpauth:) is what a QR code holds."""

    secret: str
    uri: str


class SecondFactors:
    """The second factors of people. Each change is an event of the log; may raise StoreUnavailable.

    Where a proof is asked for, a code or the password will do; failures count among those of signing in.
    """

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._attempts = Attempts(desk)

    def codes_left(self, person_id: int) -> int:
        """Return how many recovery codes somebody has left."""
        with self._desk.transaction() as session:
            return rows.codes_left(session, person_id)

    def pending(self, person: Person, key: str) -> Offer | None:
        """Return what was offered to the session with this key and waits for its first code."""
        with self._desk.transaction() as session:
            factor = self._offered(session, person.id, key)
        return None if factor is None else _offer(factor.secret, person.email)

    def is_fresh(self, key: str) -> bool:
        """Tell whether a session began just now, so that nobody else can have found it open."""
        with self._desk.transaction() as session:
            found = session_of(session, key)
        return found is not None and self._clock.now_ms() - found.begun < FRESH_MS

    def offer(self, person: Person, key: str, password: str, address: str) -> Offer:
        """Offer a second factor to a session; it counts from its first code on.

        What was offered to the same session stays, so that two of its tabs show the same. Raises Conflict
        where there is one, NotSignedIn where the password is asked for and not right, and TooOften.
        """
        if person.second_factor:
            raise Conflict("the second step is on already; turn it off before you set up another phone")
        if not self.is_fresh(key):
            self._prove(person, password, address)
        with self._desk.transaction() as session:
            factor = self._offered(session, person.id, key)
            if factor is None:
                secret = b32encode(token_bytes(20)).decode()  # RFC 4226 wants the length of the hash
                factor = SecondFactor(person.id, secret, self._clock.now_ms(), key, None, 0)
                rows.offer_factor(session, factor)
        return _offer(factor.secret, person.email)

    def confirm(self, person: Person, key: str, code: str, address: str) -> Sequence[str]:
        """Let what was offered count, and return the recovery codes, which nobody will see again.

        All other sessions of the person end. Raises NotSignedIn for a wrong code, Conflict where nothing was
        offered to this session, and TooOften.
        """
        now = self._clock.now_ms()
        self._attempts.begin(person.email, address, now, codes=True)
        codes = _new_codes()
        with self._desk.transaction() as session:
            factor = self._offered(session, person.id, key)
            if factor is None:
                raise Conflict("there is nothing to confirm here any more; begin again")
            step = step_of(factor.secret, code, now)
            if step is not None and not rows.confirm_factor(session, factor, step, now):
                raise Conflict("there is nothing to confirm here any more; begin again")
            if step is not None:
                rows.keep_codes(session, person.id, [_kept(person.id, each) for each in codes])
                strengthen_session(session, key)
                end_sessions(session, person.id, besides=key)
                forget_sign_ins(session, person.id)
                self._tell(session, person, "second_factor_on")
        if step is None:
            raise NotSignedIn(WRONG)
        self._attempts.succeeded(person.email, address, codes=True)
        return codes

    def new_codes(self, person: Person, proof: str, address: str) -> Sequence[str]:
        """Return new recovery codes in place of the old. Raises Conflict, NotSignedIn or TooOften."""
        self._prove(person, proof, address)
        codes = _new_codes()
        with self._desk.transaction() as session:
            factor = rows.factor_of(session, person.id)
            if factor is None or factor.confirmed_at is None:
                raise Conflict("the second step is off")
            rows.keep_codes(session, person.id, [_kept(person.id, each) for each in codes])
            self._tell(session, person, "recovery_codes")
        return codes

    def turn_off(self, person: Person, proof: str, address: str) -> None:
        """Ask for no second factor any more. Raises NotSignedIn or TooOften."""
        self._prove(person, proof, address)
        with self._desk.transaction() as session:
            rows.end_factor(session, person.id)
            weaken_sessions(session, person.id)
            self._tell(session, person, "second_factor_off")

    def reset(self, person_id: int, by: Principal) -> None:
        """Take somebody's second factor away, who lost it, and end their sessions. Raises NotFound."""
        with self._desk.transaction() as session:
            person = people.person_of(session, person_id)
            check_machine(by, person.roles)
            rows.end_factor(session, person_id)
            end_sessions(session, person_id)
            forget_sign_ins(session, person_id)
            self._tell(session, person, "second_factor_reset", by)

    def use(self, session: Session, person: Person, code: str, now: int) -> bool:
        """Use a code up, of the phone or for recovery; False where it is not right, or not any more."""
        factor = rows.factor_of(session, person.id)
        if factor is None or factor.confirmed_at is None:
            return False
        step = step_of(factor.secret, code, now)
        if step is not None:
            return rows.use_step(session, factor, step)
        if _RECOVERY.fullmatch(plain(code)) is None:
            return False
        used = rows.use_code(session, person.id, _kept(person.id, code), now)
        if used:
            self._tell(session, person, "recovery_code_used")
        return used

    def _offered(self, session: Session, person_id: int, key: str) -> SecondFactor | None:
        factor = rows.factor_of(session, person_id)
        if factor is None or factor.confirmed_at is not None or factor.made_in != key:
            return None
        return factor if self._clock.now_ms() < factor.made_at + _OFFER_LASTS_MS else None

    def _prove(self, person: Person, proof: str, address: str) -> None:
        """Raise NotSignedIn unless somebody shows their password, or a code where they have a phone."""
        now = self._clock.now_ms()
        self._attempts.begin(person.email, address, now, codes=True)
        with self._desk.transaction() as session:
            fits = self.use(session, person, proof, now)
            kept = people.password_hash_of(session, person.id)
        if not fits and not verify_password(proof, kept)[0]:
            either = person.second_factor
            raise NotSignedIn(
                "this password or code is not right" if either else "this password is not right"
            )
        self._attempts.succeeded(person.email, address, codes=True)

    def _tell(self, session: Session, person: Person, what: str, by: Principal | None = None) -> None:
        who = by or Principal(PrincipalKind.PERSON, str(person.id), person.name)
        now = self._clock.now_ms()
        tell(session, Event(now, Subject.PERSON, str(person.id), what, who, what))


def step_of(secret: str, code: str, now: int) -> int | None:
    """Return the step of time (30 s since 1970) whose code it is, of those that are near; None: of none."""
    from pyotp import TOTP
    from pyotp.exceptions import OTPVerificationError

    asked = plain(code)
    if _CODE.fullmatch(asked) is None:
        return None
    try:
        return TOTP(secret).verify_and_get_timecode(asked, for_time=now // SECOND_MS, valid_window=TOLERANCE)
    except OTPVerificationError:
        return None


def plain(code: str) -> str:
    """Return a code without what people type between its letters."""
    return re.sub(r"[\s-]", "", code).lower()


def _offer(secret: str, email: str) -> Offer:
    from pyotp import TOTP

    return Offer(secret, TOTP(secret).provisioning_uri(name=email, issuer_name=HOUSE))


def _new_codes() -> list[str]:
    """Return recovery codes of 80 random bits each: those need no slow hash."""
    made = (b32encode(token_bytes(10)).decode().lower() for _ in range(CODES))
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in made]


def _kept(person_id: int, code: str) -> str:
    return digest(f"recovery\0{person_id}\0{plain(code)}")
