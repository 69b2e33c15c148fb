"""A desk whose alerts are told by real channels to real receivers here, in processes that are killed."""

import itertools
import os
import random
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.harness.receivers import Asked, HttpReceiver, MailReceiver, http_receiver, mail_receiver
from fleet.clock import DAY_MS, SystemClock
from fleet.duty import Chain, Reached, Target, TargetKind
from fleet.events import Event, Subject
from fleet.faults import Level
from fleet.notices import Channel, ChannelKind
from fleet.outbox import Destination, NoticeState
from fleet.principals import schedule
from fleet.tellings import TELL, Occasion, Telling
from notify.channels.dingtalk import DingTalk
from notify.channels.http import Poster
from notify.channels.mail import Mail, MailServer
from notify.channels.pace import Pace
from notify.channels.wecom import WeCom
from notify.notifier import Notifier
from notify.ports import Said
from notify.post import Post
from notify.sender import Sender
from storage.records.database import DeskDatabase, open_desk
from storage.records.destinations import add_destination
from storage.records.events import events_after, tell
from storage.records.followers import begin_following
from storage.records.notices import NoticeRow, end_leases, lease_holders
from sweepwatch.run.followers import follow

_UNHURRIED = 1_000_000
_PAUSE_S = 0.01
_REFUSED = 0.1
"""So many requests in a hundred a receiver refuses for now."""
_ADDRESSES = {
    ChannelKind.MAIL: {"email": "ada@x.example"},
    ChannelKind.DINGTALK: {"token": "dingtalk-token-1"},
    ChannelKind.WECOM: {"key": "wecom-key-1"},
}
WAYS = tuple(_ADDRESSES)


@dataclass(frozen=True)
class Places:
    """Where the receivers listen."""

    mail: int
    http: str


class Groups:
    """Duty for which a target is a group's destination by its id."""

    def chain(self, level: Level, site: str | None, *, personal: bool = False) -> Chain:
        """Return a chain without steps."""
        return Chain("none", (), None, DAY_MS, loud=True)

    def reach(self, target: Target, site: str | None, at: int) -> Reached:
        """Return the destination that a target names."""
        return Reached(destinations=(int(target.name),))


def channels(places: Places) -> dict[ChannelKind, Channel]:
    """Return the product's own channels, to receivers on this machine."""
    trusted = ssl.create_default_context()
    poster = Poster(trusted, guarded=False)
    return {
        ChannelKind.MAIL: Mail(MailServer("127.0.0.1", places.mail, "s@x.example", tls="none"), trusted),
        ChannelKind.DINGTALK: DingTalk(poster, SystemClock(), places.http, Pace(_UNHURRIED)),
        ChannelKind.WECOM: WeCom(poster, places.http, Pace(_UNHURRIED)),
    }


def prepare(folder: Path, places: Places) -> None:
    """Make the desk and a destination by each channel: their ids count up in the order of WAYS."""
    with closing(open_desk(_url(folder))) as desk:
        begin_following(desk, Notifier.name)
        with desk.transaction() as session:
            for kind, address in _ADDRESSES.items():
                add_destination(session, Destination(0, None, kind, kind, kind), address)


def live(folder: Path, places: Places, started: Connection) -> None:
    """Tell of alerts, follow, and send, until killed."""
    with closing(open_desk(_url(folder))) as desk:
        _end_leases(desk)
        notifier = Notifier(desk, Groups(), SystemClock())
        sender = Sender(
            desk, channels(places), Said("https://c.example/"), SystemClock(), f"here:{os.getpid()}"
        )
        post = Post(sender)
        desk.when_told(post.wake)
        chance = random.Random(os.getpid())
        with post:
            started.send_bytes(b"ready")
            for number in itertools.count():
                _tell(desk, f"{os.getpid()}x{number}", chance)
                follow(desk, notifier, SystemClock())
                time.sleep(_PAUSE_S)


def settle(folder: Path, places: Places, patience_s: float = 600.0) -> None:
    """Let everything go out that is still to; what waits for another try is tried."""
    with closing(open_desk(_url(folder))) as desk:
        _end_leases(desk)
        clock = _Hurried()
        notifier = Notifier(desk, Groups(), clock)
        sender = Sender(desk, channels(places), Said("https://c.example/"), clock, "settling")
        ends = time.monotonic() + patience_s
        while time.monotonic() < ends:
            while follow(desk, notifier, clock)[0]:
                pass
            due = sender.due()
            for destination, _ in due:
                sender.send_to(destination)
            if not due and not _waiting(desk):
                return
            clock.ahead += 60_000


class _Hurried:
    """A clock that can be put forward, so that nobody waits for the next try."""

    ahead = 0

    def now_ms(self) -> int:
        """Return the present time and what it was put forward by, epoch ms."""
        return SystemClock().now_ms() + self.ahead


@dataclass
class Received:
    """What the receivers took, by message key; of WeCom, which has none, by site."""

    keys: Counter[str]
    sites: Counter[str]


class Receivers:
    """The receivers, which refuse now and then, each in its own way; errors stand inside a 200."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.received = Received(Counter(), Counter())
        self._stack = ExitStack()
        self._mail: MailReceiver
        self._http: HttpReceiver

    @contextmanager
    def open(self) -> Iterator[Places]:
        """Listen."""
        with ExitStack() as stack:
            self._mail = stack.enter_context(mail_receiver())
            self._http = stack.enter_context(http_receiver(echo=self._answer))
            yield Places(self._mail.port, self._http.url)

    def _answer(self, asked: Asked) -> object:
        busy = self._chance.random() < _REFUSED
        if asked.path.startswith("/robot/send"):
            if not busy:
                self.received.keys[asked.json["msgUuid"]] += 1
            return {"errcode": -1 if busy else 0, "errmsg": "busy" if busy else "ok"}
        if asked.path.startswith("/cgi-bin"):
            if not busy:
                for site in _sites(asked.json["markdown"]["content"]):
                    self.received.sites[site] += 1
            return {"errcode": -1 if busy else 0, "errmsg": "busy" if busy else "ok"}
        raise ValueError(f"nobody was to ask for {asked.path}")

    def all(self) -> Received:
        """Return what came, mail included."""
        keys = Counter(self.received.keys)
        for raw in self._mail.raw:
            keys[_key_of_mail(raw)] += 1
        return Received(keys, self.received.sites)


@dataclass(frozen=True)
class Account:
    """What the desk and the receivers say together."""

    notices: int
    lost: int
    doubled: int
    under_other_keys: int


def account(folder: Path, received: Received) -> Account:
    """Add up: each notice was received under its key; what was received under keys that no notice has."""
    with closing(open_desk(_url(folder))) as desk, desk.transaction() as session:
        rows = session.query(NoticeRow).all()
        sent = [each for each in events_after(session, 0, 10_000_000) if each.what == "sent"]
    keys = {each.subject_id: str(each.data["key"]) for each in sent}
    wecom = WAYS.index(ChannelKind.WECOM) + 1
    lost, used, sites = 0, set(), Counter[str]()
    for row in rows:
        key = keys.get(str(row.id))
        if row.destination_id == wecom:
            sites[row.site or ""] += 1
            lost += row.state != NoticeState.SENT or not received.sites[row.site or ""]
            continue
        used.add(key or "")
        lost += row.state != NoticeState.SENT or key is None or not received.keys[key]
    doubled = sum(times - 1 for times in received.keys.values() if times > 1)
    doubled += sum(1 for times in received.sites.values() if times > 1)
    return Account(len(rows), lost, doubled, len(set(received.keys) - used))


def _tell(desk: DeskDatabase, name: str, chance: random.Random) -> None:
    # WeCom's messages have no key: few are sent, so that none is in a digest that does not list it.
    way = chance.choices(range(1, len(WAYS) + 1), [10, 10, 1])[0]
    now, to = SystemClock().now_ms(), (Target(TargetKind.DESTINATION, str(way)),)
    telling = Telling(
        Occasion.FIRING, "first", Level.L1, "brush_jam", now, "R1", "r", (name,), to=to, loud=True
    )
    event = Event(
        now, Subject.ALERT, name, TELL, schedule("bench"), "first", f"S{name}", data=telling.as_data()
    )
    with desk.transaction() as session:
        tell(session, event)


def _end_leases(desk: DeskDatabase) -> None:
    with desk.transaction() as session:
        for holder in lease_holders(session, SystemClock().now_ms()):
            end_leases(session, holder)


def _waiting(desk: DeskDatabase) -> bool:
    with desk.transaction() as session:
        return session.query(NoticeRow).filter(NoticeRow.state == NoticeState.WAITING).first() is not None


def _sites(text: str) -> set[str]:
    return {word.strip(":,*") for word in text.split() if word.startswith("S") and "x" in word}


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'desk.sqlite'}"


def _key_of_mail(raw: bytes) -> str:
    return str(message_from_bytes(raw)["X-Sweepwatch-Key"])
