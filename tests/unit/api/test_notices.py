"""Notices by the API and on pages: one's own destinations, the link in a message, and what is dead."""

from collections.abc import Iterator
from typing import cast

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_device, anonymous, csrf_of, open_house, raise_alert, signed_in
from helpers.noticed import Post

from fleet.alerts import AlertState
from fleet.duty import Target, TargetKind
from fleet.events import Event, Subject
from fleet.faults import Level
from fleet.grants import Role
from fleet.notices import Channel, ChannelKind, Message, NotDelivered, Receipt
from fleet.outbox import NoticeState
from fleet.people import RoleAt, Scope
from fleet.principals import schedule
from fleet.tellings import TELL, Occasion, Telling
from notify.book import NoticeBook
from notify.notifier import Notifier
from notify.ports import Said
from notify.sender import Sender
from storage.records.alerts import alert_of
from storage.records.events import events_after, tell
from storage.records.notices import notices_about


class Told:
    """A house with mail, and an alert that is told to whom a test names."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.book = cast(NoticeBook, house.app.state.services.notices)
        self.mail = Post(ChannelKind.MAIL, house.clock)
        cast(dict[ChannelKind, Channel], self.book.channels)[ChannelKind.MAIL] = self.mail
        add_device(house, "R1")
        raise_alert(house, "R1", "brush_jam", 0.9)

    def send(self) -> None:
        sender = Sender(
            self.house.desk, self.book.channels, Said("https://c.example/"), self.house.clock, "tests"
        )
        for destination, _ in sender.due():
            sender.send_to(destination)

    def tell(self, person: int) -> str:
        """Tell somebody of the alert; return the path of the link in the message."""
        from helpers.noticed import PlainDuty

        target = Target(TargetKind.PERSON, str(person))
        duty = PlainDuty({target: (person,)})
        telling = Telling(
            Occasion.FIRING, "first", Level.L1, "brush_jam", self.house.clock.ms, "R1", to=(target,)
        )
        event = Event(
            self.house.clock.ms,
            Subject.ALERT,
            "1",
            TELL,
            schedule("care"),
            "first",
            "hongqiao",
            data=telling.as_data(),
        )
        with self.house.desk.transaction() as session:
            tell(session, event)
        with self.house.desk.transaction() as session:
            told = [each for each in events_after(session, 0, 1000) if each.what == TELL][-1]
        Notifier(self.house.desk, duty, self.house.clock, mail=lambda: True).handle(told)
        self.send()
        link = self.mail.taken[-1][2].link
        assert link is not None
        return link.removeprefix("https://c.example")

    def state(self) -> AlertState:
        with self.house.desk.transaction() as session:
            return alert_of(session, "1").state


@pytest.fixture
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield Told(house)


def me(client: TestClient) -> int:
    return int(client.get("/api/v1/me").json()["id"])


def test_the_link_shows_and_only_its_button_takes_care(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.MANAGER))
    path = told.tell(me(client))
    stranger = anonymous(told.house)
    shown = stranger.get(path, headers=HTML)
    assert shown.status_code == 200 and "I take care of it" in shown.text
    assert told.state() is AlertState.FIRING, "mail programs look at links too"
    done = stranger.post(f"{path}/acknowledge", data={"why": "on my way"}, follow_redirects=True)
    assert done.status_code == 200 and "You take care of it." in done.text
    assert told.state() is AlertState.ACKNOWLEDGED
    with told.house.desk.transaction() as session:
        event = next(e for e in events_after(session, 0, 1000) if e.after == "acknowledged")
    assert proof_of(told) == "acknowledged"
    assert event.reason == "on my way" and event.principal.kind == "person"


def test_a_browser_that_shows_it_proves_that_it_was_opened(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.MANAGER))
    path = told.tell(me(client))
    anonymous(told.house).get(path, headers=HTML)
    assert proof_of(told) == "accepted"
    assert anonymous(told.house).post(f"{path}/seen").status_code == 204
    assert proof_of(told) == "opened"


def proof_of(told: Told) -> str:
    with told.house.desk.transaction() as session:
        found = notices_about(session, Subject.ALERT, "1")
    return next(each.proof for each in found if each.person_id is not None)


def test_a_link_of_somebody_who_may_not_any_more_takes_care_of_nothing(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.MANAGER))
    person = me(client)
    path = told.tell(person)
    add_device(told.house, "R2", site="jingan")
    told.house.doors.people.give_roles(
        person, [RoleAt(Role.MANAGER, Scope.SITE, "jingan")], schedule("tests")
    )
    refused = anonymous(told.house).post(f"{path}/acknowledge", headers=HTML)
    assert refused.status_code == 403
    assert told.state() is AlertState.FIRING


def test_a_link_that_is_none_opens_nothing(told: Told) -> None:
    for path in ("/n/none", "/n/" + "x" * 300):
        assert anonymous(told.house).get(path, headers=HTML).status_code == 404
        assert anonymous(told.house).post(f"{path}/acknowledge", headers=HTML).status_code == 404


def test_ones_own_destinations_are_added_tested_and_removed_on_the_page(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.ENGINEER))
    page = client.get("/account/notices?channel=mail", headers=HTML)
    assert "address_email" in page.text
    form = {"csrf": csrf_of(client), "channel": "mail", "name": "at home", "address_email": "a@x.example"}
    added = client.post("/account/notices", data=form, headers=HTML, follow_redirects=True)
    assert "at home" in added.text and "Saved." in added.text
    (mine,) = client.get("/api/v1/me/destinations").json()["items"]
    client.post(f"/account/notices/{mine['id']}/test", data={"csrf": form["csrf"]})
    told.send()
    assert [message.title for _, _, message in told.mail.taken] == ["Sweepwatch: a test of this destination"]
    assert client.get("/api/v1/me/destinations").json()["items"][0]["proved_at"] is not None
    other = signed_in(told.house, RoleAt(Role.ENGINEER), email="other@example.org")
    assert other.get("/api/v1/me/destinations").json()["items"] == []
    token = csrf_of(other)
    assert other.post(f"/account/notices/{mine['id']}/remove", data={"csrf": token}).status_code == 404
    client.post(f"/account/notices/{mine['id']}/remove", data={"csrf": form["csrf"]})
    assert client.get("/api/v1/me/destinations").json()["items"] == []


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"quiet_from": "22:00"}, "give both"),
        ({"quiet_from": "25:00", "quiet_to": "07:00"}, "no time of day"),
        ({"language": "fr"}, "language"),
    ],
)
def test_a_wish_that_cannot_be_kept_is_told_with_what_is_allowed(
    told: Told, wish: dict[str, str], says: str
) -> None:
    client = signed_in(told.house, RoleAt(Role.ENGINEER))
    form = {"csrf": csrf_of(client), "zone": "UTC"} | wish
    answer = client.post("/account/notices/wishes", data=form, headers=HTML)
    assert answer.status_code == 422
    assert says in answer.text


def test_what_is_dead_is_listed_and_sent_again(told: Told) -> None:
    def refused(_message: Message) -> Receipt:
        raise NotDelivered("550 no such mailbox", again=False)

    client = signed_in(told.house, RoleAt(Role.MANAGER))
    person = me(client)
    told.mail.answer = refused
    with pytest.raises(IndexError):
        told.tell(person)
    (dead,) = client.get("/api/v1/notices?state=dead").json()["items"]
    assert dead["trouble"] == "550 no such mailbox"
    page = client.get("/notices", headers=HTML)
    assert "550 no such mailbox" in page.text
    told.mail.answer = None
    client.post(f"/notices/{dead['id']}/again", data={"csrf": csrf_of(client)})
    told.send()
    assert client.get(f"/api/v1/notices/{dead['id']}").json()["state"] == NoticeState.SENT
    again = client.post(f"/notices/{dead['id']}/again", data={"csrf": csrf_of(client)}, headers=HTML)
    assert again.status_code == 422 and "only a dead one" in again.text
