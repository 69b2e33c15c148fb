"""Secrets that are handed out once: random, and kept as digests only."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from secrets import token_urlsafe

_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """Return a new secret of 256 random bits, as letters, digits, - and _."""
    return prefix + token_urlsafe(_BYTES)


def digest(secret: str) -> str:
    """Return what is kept of a secret, 64 hex digits.

    A plain hash: what has 256 random bits cannot be guessed, so that nothing slow is needed.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def derived(secret: str, use: str) -> str:
    """Return another secret that follows from one, for a use of its own; neither tells the other."""
    made = hmac.new(secret.encode(), use.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(made).decode().rstrip("=")


def same(one: str, other: str) -> bool:
    """Tell whether two secrets are the same, in a time that says nothing of where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
