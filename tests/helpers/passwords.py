"""Passwords that cost next to nothing, for tests that are not about what they cost."""

from collections.abc import Iterator

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from access import passwords


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[PasswordHash]:
    """Hash with the least work, which is a quarter of a second less for each person who comes in."""
    real = passwords._hasher()
    least = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_hasher", lambda: least)
        yield real
    passwords._nobodys.cache_clear()


@pytest.fixture
def real_passwords(cheap_passwords: PasswordHash, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hash as the product does."""
    monkeypatch.setattr(passwords, "_hasher", lambda: cheap_passwords)
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()
