"""The installation's own key for Web Push: made when it is first needed, the same one for every process."""

import base64

from fleet.clock import Clock
from fleet.events import Event, Subject
from notify.notifier import NOTIFIER
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.push_keys import keep_push_key, push_key


class OwnKey:
    """Returns the private key (base64url of 32 bytes); it is told to nobody but the channel."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def __call__(self) -> str:
        """Return the key, made now where there is none. May raise StoreUnavailable."""
        return self._kept() or self._made()

    def _kept(self) -> str | None:
        with self._desk.transaction() as session:
            return push_key(session)

    def _made(self) -> str:
        now, new = self._clock.now_ms(), new_key()
        with self._desk.transaction() as session:
            if keep_push_key(session, new, now):
                tell(session, Event(now, Subject.DESTINATION, "push", "key_made", NOTIFIER, "none_was_set"))
        kept = self._kept()  # another process may have been faster: browsers subscribe to one key
        assert kept is not None  # nothing deletes it
        return kept


def new_key() -> str:
    """Return a new private key on P-256."""
    from cryptography.hazmat.primitives.asymmetric import ec

    secret = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(secret.to_bytes(32, "big")).decode().rstrip("=")
