"""Addresses and settings as they may be shown: without what may be a password or a token."""

import re
from hashlib import sha256

HIDDEN = "***"
_BEFORE_HOST = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*://)?[^\s\"']+(?=@)")
_FOR_A_PORT = re.compile(r"(://[^\s/@:\"'\[]+:)(?!\d{1,5}(?:[/?\"'\s]|$))[^\s/\"']+")
_IN_QUERY = re.compile(r"(?i)(?<=[?&;])([a-z_]*(?:pass|secret|token|key)[a-z_]*=)[^&;\s\"']+")
_SECRET_NAME = re.compile(r"(?:^|_)(?:password|secret|token|passphrase)s?$")


def without_secrets(value: object) -> str:
    """Return a text without what may be a password or a token.

    That is what stands before the last `@` of a URL (a password that nobody escaped may hold one), whether it
    begins as a URL should or not; what stands in a port's place and is none; what a URL's query calls so.
    """
    text = str(value)
    for found in (_BEFORE_HOST, _FOR_A_PORT, _IN_QUERY):
        text = found.sub(rf"\1{HIDDEN}", text)
    return text


def link_key(use: str, secret: str) -> str:
    """Return by what the secret of a link is kept: a digest, which for another use is another one."""
    return sha256(f"{use} {secret}".encode("utf-8", "surrogatepass")).hexdigest()


def is_secret(key: str) -> bool:
    """Tell by the name of a setting (dotted) whether the whole of it is a secret."""
    return _SECRET_NAME.search(key.rpartition(".")[2]) is not None
