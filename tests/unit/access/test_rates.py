"""Who asks too often waits, and nobody else does; a flood of addresses costs no memory."""

import pytest

from access.rates import Bucket, RateLimits, Rates, near
from fleet.errors import TooOften
from fleet.principals import Principal, PrincipalKind


class Now:
    """A clock in seconds that a test moves."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def test_a_bucket_holds_a_minutes_worth_and_fills_again_evenly() -> None:
    now = Now()
    bucket = Bucket(60, now)
    assert [bucket.take("a") for _ in range(60)] == [0.0] * 60
    assert bucket.take("a") == pytest.approx(1.0)
    assert bucket.take("b") == 0.0, "another one's is another"
    now.s += 1.0
    assert (bucket.take("a"), bucket.take("a")) == (0.0, pytest.approx(1.0))
    now.s += 3600.0
    assert [bucket.take("a") for _ in range(60)] == [0.0] * 60
    assert bucket.take("a") > 0, "and never holds more"


def test_a_flood_of_addresses_is_forgotten_from_its_oldest() -> None:
    now = Now()
    bucket = Bucket(1, now, most=1000)
    for n in range(5000):
        bucket.take(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
    assert len(bucket) == 1000


def test_no_limit_is_none() -> None:
    bucket = Bucket(0)
    assert {bucket.take("a") for _ in range(1000)} == {0.0}
    assert len(bucket) == 0


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_ipv6_address_counts_as_its_network(address: str, counted: str) -> None:
    assert near(address) == counted


def test_each_kind_has_its_own_rate_and_says_when_to_come_again() -> None:
    now = Now()
    rates = Rates(RateLimits(requests=60, sign_ins=6, refusals=3), now)
    for count, call in ((60, rates.request_from), (6, rates.sign_in), (3, rates.refused)):
        for _ in range(count):
            call("198.51.100.7")
        with pytest.raises(TooOften) as caught:
            call("198.51.100.7")
        assert caught.value.after_s == 60 // count
        call("198.51.100.8")
    token = Principal(PrincipalKind.TOKEN, "1", "t")
    for _ in range(60):
        rates.request_of(token)
    with pytest.raises(TooOften, match="requests of yours"):
        rates.request_of(token)
    rates.request_of(Principal(PrincipalKind.PERSON, "1", "t"))
