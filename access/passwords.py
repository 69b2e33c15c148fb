"""Passwords: which are good enough, and how they are kept (argon2id, RFC 9106's second choice)."""

from functools import cache
from typing import Any
from unicodedata import normalize

from fleet.errors import InvalidInput

LEAST, MOST = 10, 128
_STRONG = 3
"""Of zxcvbn's five steps: not found in some 10^8 guesses, common and breached passwords first."""
_OURS = ("sweepwatch", "sweep", "robot", "cleaning")
"""What anybody would try here first."""
_JUDGED = 72
"""So many characters are judged; more only make it better, and zxcvbn slow."""


def check_password(password: str, *about: str) -> None:
    """Raise InvalidInput unless a password is good enough; `about` are its person's own words."""
    from zxcvbn import zxcvbn  # type: ignore[import-untyped] # its lists take a tenth of a second

    if not LEAST <= len(password) <= MOST:
        raise InvalidInput(f"password: of {LEAST} to {MOST} characters")
    theirs = [word for text in about for word in (text, *text.replace("@", " ").replace(".", " ").split())]
    if zxcvbn(password[:_JUDGED], user_inputs=[*_OURS, *theirs])["score"] < _STRONG:
        raise InvalidInput("password: too easily guessed; several words that belong to nothing are good")


def hash_password(password: str) -> str:
    """Return what is kept of a password."""
    kept: str = _hasher().hash(normalize("NFC", password))
    return kept


def verify_password(password: str, kept: str | None) -> tuple[bool, str | None]:
    """Tell whether a password is the one that was kept, and what is to be kept from now on, if that changed.

    Where nothing was kept it takes as long as where something was.
    """
    # The same letters come composed from one keyboard and decomposed from another.
    typed = normalize("NFC", password[: 4 * MOST])[: MOST + 1]
    fits, better = _hasher().verify_and_update(typed, kept or _nobodys())
    return fits and kept is not None, better if fits and kept is not None else None


@cache
def _nobodys() -> str:
    return hash_password("nobody has this one")


@cache
def _hasher() -> Any:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    return PasswordHash((Argon2Hasher(),))
