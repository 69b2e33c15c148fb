"""Which passwords are taken, and what is kept of them."""

import re

import pytest

from access.passwords import check_password, hash_password, verify_password
from fleet.errors import InvalidInput


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "x" * 129,
        "password123",
        "qwertyuiop",
        "1234567890",
        "iloveyou123",
        "li.wei@example.org",
        "sweepwatch",
    ],
)
def test_short_long_common_and_own_words_are_refused(password: str) -> None:
    with pytest.raises(InvalidInput, match="password: "):
        check_password(password, "li.wei@example.org", "Li Wei")


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "木马电池订书钉正确答案", "k7#Qv!mZp2$x"]
)
def test_good_ones_are_taken(password: str) -> None:
    check_password(password, "li.wei@example.org", "Li Wei")


@pytest.mark.usefixtures("real_passwords")
def test_what_is_kept_is_argon2id_with_a_salt_of_its_own_and_says_nothing() -> None:
    one, other = hash_password("correct horse"), hash_password("correct horse")
    work = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d\$", one)
    assert work
    assert int(work[1]) >= 65_536, "KiB, RFC 9106's second choice"
    assert int(work[2]) >= 3
    assert one != other
    assert "correct" not in one


@pytest.mark.usefixtures("real_passwords")
def test_only_the_right_one_fits_and_nothing_kept_fits_nothing() -> None:
    kept = hash_password("correct horse")
    assert verify_password("correct horse", kept) == (True, None)
    assert verify_password("correct horsf", kept)[0] is False
    assert verify_password("nobody has this one", None) == (False, None)
