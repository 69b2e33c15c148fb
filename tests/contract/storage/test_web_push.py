"""Web Push over both databases: one key for all processes, each browser once, an end that is one."""

import base64
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from fleet.clock import ManualClock
from fleet.errors import InvalidInput, SweepwatchError
from fleet.notices import ChannelKind
from fleet.principals import schedule
from notify.book import NoticeBook
from notify.channels.catalogue import ChannelSettings, channels_of
from notify.vapid import OwnKey
from storage.records.database import DeskDatabase, open_desk
from storage.records.destinations import address_of, destination_of, destinations_of, end_destination
from storage.records.events import events_after
from storage.records.people import add_person

NOW = 1_795_334_400_000
AT_ONCE = 4
WHO = schedule("tests")
P256DH = base64.urlsafe_b64encode(b"\x04" + bytes(64)).decode().rstrip("=")
AUTHS = [base64.urlsafe_b64encode(bytes([n] * 16)).decode().rstrip("=") for n in range(3)]


def subscription(name: str = "a", auth: int = 0) -> dict[str, str]:
    return {"endpoint": f"https://push.example/send/{name}", "p256dh": P256DH, "auth": AUTHS[auth]}


def book_of(desk: DeskDatabase) -> NoticeBook:
    clock = ManualClock(NOW)
    settings = ChannelSettings(own_key=OwnKey(desk, clock), push_contact="mailto:a@x.example")
    return NoticeBook(desk, channels_of(settings, clock), clock)


def people(desk: DeskDatabase, *names: str) -> list[int]:
    with desk.transaction() as session:
        return [add_person(session, f"{name}@x.example", name, NOW, []).id for name in names]


def told(desk: DeskDatabase) -> list[str]:
    with desk.transaction() as session:
        return [f"{each.subject}.{each.what}" for each in events_after(session, 0, 100)]


def test_processes_that_need_a_key_at_once_have_the_same_one_and_keep_it(url: str) -> None:
    desks = [open_desk(url) for _ in range(AT_ONCE)]
    ready = Barrier(AT_ONCE)

    def key(desk: DeskDatabase) -> str:
        ready.wait(10)
        return OwnKey(desk, ManualClock(NOW))()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        (found,) = set(pool.map(key, desks))
    assert OwnKey(desks[0], ManualClock(NOW + 1))() == found
    secret = int.from_bytes(base64.urlsafe_b64decode(found + "="), "big")
    assert ec.derive_private_key(secret, ec.SECP256R1()).curve.name == "secp256r1"
    with desks[0].transaction() as session:
        (event,) = events_after(session, 0, 100)
    assert (event.what, event.reason) == ("key_made", "none_was_set")
    assert found not in repr(event)
    for desk in desks:
        desk.close()


def test_the_same_browser_is_one_destination_and_its_newest_keys_count(desk: DeskDatabase) -> None:
    book, (ada,) = book_of(desk), people(desk, "ada")
    first = book.add_browser(ada, "Chrome, Android", subscription(), WHO)
    assert book.add_browser(ada, "Chrome, Android", subscription(), WHO).id == first.id
    assert book.add(ada, "another name", ChannelKind.PUSH, subscription(auth=1), WHO).id == first.id
    moved = book.add_browser(ada, "x", subscription("b"), WHO, subscription()["endpoint"])
    assert (moved.id, moved.name) == (first.id, "Chrome, Android")
    assert moved.shown != first.shown
    with desk.transaction() as session:
        assert address_of(session, first.id) == subscription("b")
    assert told(desk) == ["destination.added", "destination.renewed", "destination.renewed"]
    second = book.add_browser(ada, "Chrome, Android", subscription("c"), WHO)
    assert second.name == "Chrome, Android 2"


def test_a_browser_is_of_whoever_said_so_last(desk: DeskDatabase) -> None:
    book, (ada, bo) = book_of(desk), people(desk, "ada", "bo")
    adas = book.add_browser(ada, "Chrome, Linux", subscription(), WHO)
    bos = book.add_browser(bo, "Chrome, Linux", subscription(), WHO)
    (ended,) = book.of(ada)
    assert (ended.id, ended.ended_at) == (adas.id, NOW)
    assert ended.trouble == "somebody else is told in this browser now"
    assert [each.id for each in book.of(bo)] == [bos.id]
    again = book.add_browser(bo, "x", subscription("z"), WHO, before="https://push.example/send/of-nobody")
    assert again.id != bos.id, "what others had before moves nothing"


def test_a_browser_that_is_added_by_several_at_once_is_there_once(desk: DeskDatabase) -> None:
    book, (ada,) = book_of(desk), people(desk, "ada")
    ready = Barrier(AT_ONCE)

    def add(_: int) -> int:
        ready.wait(10)
        return book.add_browser(ada, "Chrome, Linux", subscription(), WHO).id

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = set(pool.map(add, range(AT_ONCE)))
    (kept,) = book.of(ada)
    assert found == {kept.id}


def test_what_ended_is_forgotten_gets_nothing_and_gives_way(desk: DeskDatabase) -> None:
    book, (ada,) = book_of(desk), people(desk, "ada")
    gone = book.add_browser(ada, "Chrome, Linux", subscription(), WHO)
    with desk.transaction() as session:
        assert end_destination(session, gone.id, "HTTP 410", NOW)
        assert not end_destination(session, gone.id, "HTTP 404", NOW + 1)
    with desk.transaction() as session:
        assert address_of(session, gone.id) == {}
        assert destination_of(session, gone.id).trouble == "HTTP 410"
        assert destinations_of(session, [ada]) == {ada: []}
    with pytest.raises(InvalidInput, match="has ended"):
        book.test(gone.id, WHO)
    assert book.test_all() == 0
    fresh = book.add_browser(ada, "Chrome, Linux", subscription("b"), WHO)
    assert [each.id for each in book.of(ada)] == [fresh.id]
    assert fresh.name == "Chrome, Linux"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"endpoint": "http://push.example/1"}, "push: endpoint"),
        ({"p256dh": "AAAA"}, "push: p256dh"),
        ({"auth": ""}, "push: auth"),
        ({"endpoint": "https://127.0.0.1/" + "x" * 3_000}, "push: endpoint"),
    ],
)
def test_what_is_no_subscription_is_refused_by_its_key(wrong: dict[str, str], says: str) -> None:
    desk = open_desk("sqlite://")
    with pytest.raises(SweepwatchError, match=says):
        book_of(desk).add_browser(1, "x", subscription() | wrong, WHO)
    desk.close()


def test_a_group_has_no_browser(desk: DeskDatabase) -> None:
    with pytest.raises(InvalidInput, match="of a person"):
        book_of(desk).add(None, "all", ChannelKind.PUSH, subscription(), WHO)
