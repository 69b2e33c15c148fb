"""Devices' passwords, kept as mosquitto's dynamic security plugin keeps them."""

import hashlib
import os
from base64 import b64encode
from secrets import token_urlsafe

from fleet.device_doors import HashedPassword

ITERATIONS = 101
"""The plugin's own number. A password of 192 random bits cannot be guessed, so that more would only cost."""
_SALT_BYTES = 12
_PASSWORD_BYTES = 24


def new_password() -> str:
    """Return a new password of 192 random bits: 32 letters, digits, - and _."""
    return token_urlsafe(_PASSWORD_BYTES)


def hashed(password: str) -> HashedPassword:
    """Return what is kept of a password (PBKDF2 with SHA-512, RFC 8018)."""
    salt = os.urandom(_SALT_BYTES)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return HashedPassword(b64encode(key).decode(), b64encode(salt).decode(), ITERATIONS)
