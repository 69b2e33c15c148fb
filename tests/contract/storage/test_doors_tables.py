"""What is good once is taken once, however many processes ask: one statement of the database decides."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy.orm import Session

from fleet.errors import Conflict
from fleet.people import Begun, BegunSignIn, SecondFactor, Token
from storage.records import attempts, begun_sign_ins, identities, second_factors, tokens
from storage.records.database import DeskDatabase
from storage.records.people import add_person, person_of

NOW = 1_795_334_400_000
FACTOR = SecondFactor(1, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", NOW, "session", None, 0)
AT_ONCE = 4


def won(desk: DeskDatabase, try_it: Callable[[Session], bool]) -> int:
    """Return how many of those who try at once succeed."""
    ready = Barrier(AT_ONCE)

    def one(_: int) -> bool:
        ready.wait(10)
        with desk.transaction() as session:
            return try_it(session)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(one, range(AT_ONCE)))


def test_codes_and_begun_sign_ins_are_used_once(desk: DeskDatabase) -> None:
    with desk.transaction() as session:
        person = add_person(session, "a@example.org", "A", NOW, [])
        factor = SecondFactor(person.id, FACTOR.secret, NOW, "session", None, 0)
        second_factors.offer_factor(session, factor)
        begin = BegunSignIn("k" * 64, Begun.CODE, person.id, NOW + 10, "/")
        begun_sign_ins.begin_sign_in(session, begin, NOW)
    with desk.transaction() as session:
        assert not second_factors.use_step(session, factor, 7), "before it is confirmed it counts for nothing"
        assert not person_of(session, person.id).second_factor
    assert won(desk, lambda session: second_factors.confirm_factor(session, factor, 5, NOW)) == 1
    with desk.transaction() as session:
        assert person_of(session, person.id).second_factor
        second_factors.keep_codes(session, person.id, ["a" * 64, "b" * 64])
    assert won(desk, lambda session: second_factors.use_step(session, factor, 5)) == 0
    assert won(desk, lambda session: second_factors.use_step(session, factor, 6)) == 1
    assert won(desk, lambda session: second_factors.use_code(session, person.id, "a" * 64, NOW)) == 1
    assert won(desk, lambda session: second_factors.use_code(session, person.id + 1, "b" * 64, NOW)) == 0
    end = begun_sign_ins.end_sign_in
    assert won(desk, lambda session: end(session, "k" * 64, Begun.PROVIDER, NOW)) == 0
    assert won(desk, lambda session: end(session, "k" * 64, Begun.CODE, NOW + 10)) == 0, "over"
    assert won(desk, lambda session: end(session, "k" * 64, Begun.CODE, NOW)) == 1
    with desk.transaction() as session:
        assert second_factors.codes_left(session, person.id) == 1
        second_factors.end_factor(session, person.id)
        assert second_factors.codes_left(session, person.id) == 0


def test_an_account_is_one_persons_and_a_person_has_one_of_a_provider(desk: DeskDatabase) -> None:
    with desk.transaction() as session:
        one, other = (add_person(session, f"{n}@example.org", "A", NOW, []).id for n in "ab")
        identities.bind_identity(session, "https://sso", "1", one, NOW, by_claim=False)
    with desk.transaction() as session:
        assert identities.whose_identity(session, "https://sso", "1") == (one, False)
        assert identities.whose_identity(session, "https://other", "1") is None
        with pytest.raises(Conflict, match="another account"):
            identities.bind_identity(session, "https://sso", "2", one, NOW, by_claim=False)
        identities.bind_identity(session, "https://other", "1", one, NOW, by_claim=True)
        identities.bind_identity(session, "https://sso", "2", other, NOW, by_claim=False)
    with desk.transaction() as session:
        assert [person_of(session, each).bound for each in (one, other)] == [True, True]
        identities.release_identities(session, one)
        assert [person_of(session, each).bound for each in (one, other)] == [False, True]


def test_failures_that_come_at_once_are_all_counted(desk: DeskDatabase) -> None:
    keys = ["here", "address"]

    def fail(session: Session) -> bool:
        counted = attempts.hold_failures(session, keys, NOW, 0)
        attempts.keep_failures(session, {key: count + 1 for key, (count, _) in counted.items()}, NOW)
        return True

    assert won(desk, fail) == AT_ONCE
    assert won(desk, fail) == AT_ONCE
    with desk.transaction() as session:
        attempts.take_back_failure(session, "here")
        attempts.forget_failures(session, "address")
    with desk.transaction() as session:
        held = attempts.hold_failures(session, keys, NOW + 5, 0)
        assert {key: count for key, (count, _) in held.items()} == {"here": 2 * AT_ONCE - 1, "address": 0}


def test_a_token_is_renewed_by_one_of_those_who_ask_at_once(desk: DeskDatabase) -> None:
    with desk.transaction() as session:
        token = tokens.add_token(
            session, "k" * 64, Token(0, "erp", ("fleet:read",), None, "A", NOW, None, None, None)
        )
    assert won(desk, lambda session: tokens.renew_token(session, token.id, NOW + 9, NOW)) == 1
