"""Addresses and settings as they may be shown: without what may be a password or a token."""

import re

HIDDEN = "***"
_BEFORE_HOST = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*://)?[^\s\"']+(?=@)")
_IN_QUERY = re.compile(r"(?i)(?<=[?&;])([a-z_]*(?:pass|secret|token|key)[a-z_]*=)[^&;\s\"']+")
_SECRET_NAME = re.compile(r"(?:^|_)(?:password|secret|token|passphrase)s?$")


def without_secrets(value: object) -> str:
    """Return a text without what may be a password or a token.

    That is what stands before the last `@` of a URL (a password that nobody escaped may hold one), whether it
    begins as a URL should or not, and what a URL's query calls so.
    """
    return _IN_QUERY.sub(rf"\1{HIDDEN}", _BEFORE_HOST.sub(rf"\1{HIDDEN}", str(value)))


def is_secret(key: str) -> bool:
    """Tell by the name of a setting (dotted) whether the whole of it is a secret."""
    return _SECRET_NAME.search(key.rpartition(".")[2]) is not None
