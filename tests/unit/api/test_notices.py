"""Notices by the API and on pages: one's own destinations, the link in a message, and what is dead."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_device, anonymous, csrf_of, open_house, raise_alert, signed_in
from helpers.care_rows import add_incident, add_member, end_incident
from helpers.noticed import Post
from sqlalchemy import update

from fleet.alerts import AlertState
from fleet.clock import DAY_MS
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
from storage.records.incidents import incident_of
from storage.records.notices import NoticeRow, change_notices, notices_about


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

    def tell(
        self,
        person: int,
        subject: Subject = Subject.ALERT,
        number: int = 1,
        occasion: Occasion = Occasion.FIRING,
        lists: tuple[str, ...] = (),
    ) -> str:
        """Tell somebody of the alert, or of something else; return the path of the link in the message."""
        self.write(person, subject, number, occasion, lists)
        self.send()
        return self.link()

    def write(
        self,
        person: int,
        subject: Subject = Subject.ALERT,
        number: int = 1,
        occasion: Occasion = Occasion.FIRING,
        lists: tuple[str, ...] = (),
        reason: str = "first",
    ) -> None:
        """Write a notice for somebody, which is not sent yet."""
        from helpers.noticed import PlainDuty

        target = Target(TargetKind.PERSON, str(person))
        duty = PlainDuty({target: (person,)})
        device, fault = ("R1", "brush_jam") if subject is Subject.ALERT else ("", "comms_loss")
        told = {"alerts": lists, "count": max(1, len(lists)), "to": (target,)}
        telling = Telling(occasion, reason, Level.L1, fault, self.house.clock.ms, device, **told)
        who, at = schedule("care"), self.house.clock.ms
        event = Event(at, subject, str(number), TELL, who, "first", "hongqiao", data=telling.as_data())
        with self.house.desk.transaction() as session:
            tell(session, event)
        with self.house.desk.transaction() as session:
            told = [each for each in events_after(session, 0, 1000) if each.what == TELL][-1]
        Notifier(self.house.desk, duty, self.house.clock, mail=lambda: True).handle(told)

    def link(self) -> str:
        """Return the path of the link in the newest message."""
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


def incident_in(told: Told) -> int:
    with told.house.desk.transaction() as session:
        number = add_incident(session, "hongqiao", "R1", told.house.clock.ms)
        add_member(session, number, "D7", "hongqiao", told.house.clock.ms)
    return number


def press(told: Told, path: str, about: str = "", language: str = "en") -> str:
    """Press a button of a link's page as somebody who is not signed in; return the page that follows."""
    headers = HTML | {"accept-language": language}
    page = anonymous(told.house).post(f"{path}/acknowledge", data={"about": about}, headers=headers)
    assert page.status_code == 200, page.text
    return page.text


def test_the_link_of_an_incident_shows_it_and_takes_care_of_it(told: Told) -> None:
    person = me(signed_in(told.house, RoleAt(Role.MANAGER)))
    number = incident_in(told)
    path = told.tell(person, Subject.INCIDENT, number)
    shown = anonymous(told.house).get(path, headers=HTML).text
    for part in ("hongqiao", "9 of 10 devices", "D7", "UTC", "I take care of it", f"/incidents/{number}"):
        assert part in shown, part
    assert "You take care of it." in press(told, path)
    with told.house.desk.transaction() as session:
        assert incident_of(session, number).state is AlertState.ACKNOWLEDGED
        end_incident(session, number, told.house.clock.ms)
    after = anonymous(told.house).get(path, headers=HTML).text
    assert "It is over." in after and "I take care of it" not in after
    assert "It is over." in press(told, path), "after the end the button changes nothing and says why"


@pytest.mark.parametrize(
    ("language", "says"), [("en", "Bo takes care of it until"), ("zh", "Bo 已接手处理，有效至")]
)
@pytest.mark.parametrize("subject", [Subject.ALERT, Subject.INCIDENT])
def test_who_presses_second_reads_who_was_first_and_until_when(
    told: Told, subject: Subject, language: str, says: str
) -> None:
    number = 1 if subject is Subject.ALERT else incident_in(told)
    first = me(signed_in(told.house, RoleAt(Role.MANAGER), email="bo@example.org", name="Bo"))
    second = me(signed_in(told.house, RoleAt(Role.MANAGER)))
    theirs, ours = told.tell(first, subject, number), told.tell(second, subject, number)
    press(told, theirs)
    page = press(told, ours, language=language)
    assert says in page
    assert "is possible from" not in page
    again = press(told, theirs, language=language)
    assert {"en": "You take care of it until", "zh": "由您处理，有效至"}[language] in again


def test_the_link_of_a_list_shows_each_and_takes_care_of_one(told: Told) -> None:
    add_device(told.house, "R2")
    raise_alert(told.house, "R2", "filter_clog", 0.9)
    person = me(signed_in(told.house, RoleAt(Role.MANAGER)))
    path = told.tell(person, occasion=Occasion.STILL_OPEN, lists=("1", "2"))
    shown = anonymous(told.house).get(path, headers=HTML).text
    assert shown.count("I take care of it</button>") == 2 and "R2" in shown
    press(told, path, "alert:2")
    assert told.state() is AlertState.FIRING
    with told.house.desk.transaction() as session:
        assert alert_of(session, "2").state is AlertState.ACKNOWLEDGED
    unnamed = anonymous(told.house).post(f"{path}/acknowledge", headers=HTML)
    assert unnamed.status_code == 404, "a list says which"
    assert anonymous(told.house).post(f"{path}/acknowledge", data={"about": "alert:99"}).status_code == 404


def test_the_link_of_a_digest_shows_all_that_went_out_in_it(told: Told) -> None:
    person = me(signed_in(told.house, RoleAt(Role.MANAGER)))
    number = incident_in(told)
    for device, fault in (("R1", "brush_jam"), ("R2", "filter_clog"), ("R3", "wheel_slip")):
        if device != "R1":
            add_device(told.house, device)
            raise_alert(told.house, device, fault, 0.9)
    for alert in (1, 2, 3):
        told.write(person, Subject.ALERT, alert)
    told.write(person, Subject.INCIDENT, number)
    told.send()
    assert told.mail.taken[-1][2].title.startswith("4 ")
    path = told.link()
    assert path.startswith("/n/")
    shown = anonymous(told.house).get(path, headers=HTML).text
    assert "Brush jamming" in shown and "9 of 10 devices" in shown
    press(told, path, f"incident:{number}")
    with told.house.desk.transaction() as session:
        assert incident_of(session, number).state is AlertState.ACKNOWLEDGED
    anonymous(told.house).post(f"{path}/seen")
    with told.house.desk.transaction() as session:
        about = notices_about(session, Subject.ALERT, "1")
        assert {each.proof for each in about if each.was_out} == {"opened"}


def test_the_link_of_a_test_says_that_nothing_is_to_be_done(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.MANAGER))
    form = {"csrf": csrf_of(client), "channel": "mail", "name": "at home", "address_email": "a@x.example"}
    client.post("/account/notices", data=form, headers=HTML)
    (mine,) = client.get("/api/v1/me/destinations").json()["items"]
    client.post(f"/account/notices/{mine['id']}/test", data={"csrf": form["csrf"]})
    told.send()
    shown = anonymous(told.house).get(told.link(), headers=HTML).text
    assert "Nothing is to be done." in shown and "<button" not in shown.partition("<main")[2]


def test_a_link_shows_no_more_than_was_told_to_who_may_not_see_it_any_more(told: Told) -> None:
    person = me(signed_in(told.house, RoleAt(Role.MANAGER)))
    number = incident_in(told)
    path = told.tell(person, Subject.INCIDENT, number)
    add_device(told.house, "R2", site="jingan")
    roles = [RoleAt(Role.MANAGER, Scope.SITE, "jingan")]
    told.house.doors.people.give_roles(person, roles, schedule("tests"))
    shown = anonymous(told.house).get(path, headers=HTML).text.replace(path, "")  # of any letters
    assert "Connection lost" in shown and "D7" not in shown and "I take care of it" not in shown


def test_a_link_that_is_over_says_so_in_the_pages_language(told: Told) -> None:
    path = told.tell(me(signed_in(told.house, RoleAt(Role.MANAGER))))
    told.house.clock.ms += 8 * DAY_MS
    over = anonymous(told.house).get(f"{path}?lang=zh", headers=HTML)
    assert over.status_code == 404 and "此链接已失效" in over.text and "opens nothing" not in over.text


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


def test_the_newest_destination_can_be_the_one_that_is_tried_first(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.ENGINEER))
    client.headers["X-CSRF-Token"] = token = csrf_of(client)
    for name in ("home", "work", "phone"):
        body = {"name": name, "channel": "mail", "address": {"email": f"{name}@x.example"}}
        assert client.post("/api/v1/me/destinations", json=body).status_code == 201
    home, work, phone = (each["id"] for each in client.get("/api/v1/me/destinations").json()["items"])

    page = client.get("/account/notices", headers=HTML).text
    assert [f"/account/notices/{each}/first" in page for each in (home, work, phone)] == [False, True, True]
    saved = client.post(f"/account/notices/{phone}/first", data={"csrf": token}, headers=HTML)
    assert "Saved." in saved.text
    assert client.post(f"/api/v1/me/destinations/{work}/first").json()["position"] == 0
    order = [each["id"] for each in client.get("/api/v1/me/destinations").json()["items"]]
    assert order == [work, phone, home]
    told.tell(me(client))
    assert [to for _, to, _ in told.mail.taken] == ["work@x.example"]
    other = signed_in(told.house, RoleAt(Role.ENGINEER), email="other@example.org")
    other.headers["X-CSRF-Token"] = csrf_of(other)
    assert other.post(f"/api/v1/me/destinations/{home}/first").status_code == 404


def test_a_groups_destination_that_no_chain_names_tells_nobody_and_the_page_says_so(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.ADMIN))
    cast(dict[ChannelKind, Channel], told.book.channels).clear()
    robot = Post(ChannelKind.DINGTALK, told.house.clock)
    cast(dict[ChannelKind, Channel], told.book.channels)[ChannelKind.DINGTALK] = robot
    told.book.add(None, "hall", ChannelKind.DINGTALK, {"token": "t"}, schedule("test"))
    assert "Nobody can be told yet" in client.get("/notices", headers=HTML).text
    steps = "steps: [{after: 0, to: [destination: hall]}]"
    plan = f"chains:\n  - {{name: all, {steps}, remind: never, acknowledge: 2h, loud: false}}\n"
    told.house.app.state.services.planning.apply(plan, 0, schedule("test"), "hall")
    assert "Nobody can be told yet" not in client.get("/notices", headers=HTML).text


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


@pytest.mark.parametrize(
    ("state", "reason", "en", "zh"),
    [
        (NoticeState.HELD, "quiet_hours", "in quiet hours", "免打扰时段"),
        (NoticeState.HELD, "digest", "comes with the day&#39;s digest", "等待每日汇总"),
        (NoticeState.HELD, "muted_by:3", "muted (mute 3)", "已静音（静音 3）"),
        (NoticeState.DROPPED, "resolved_before_sent", "it was over before it could go out", "发送前已解除"),
        (NoticeState.DROPPED, "told_anew", "something newer says it", "已有更新的通知"),
        (NoticeState.DROPPED, "arrived_by:7", "by another way (notice 7)", "已通过其他渠道送达（通知 7）"),
    ],
)
def test_the_page_says_why_a_notice_is_held_or_does_not_go_out(
    told: Told, state: NoticeState, reason: str, en: str, zh: str
) -> None:
    client = signed_in(told.house, RoleAt(Role.MANAGER))
    told.write(me(client))
    with told.house.desk.transaction() as session:
        *_, notice = notices_about(session, Subject.ALERT, "1")
        change_notices(session, [notice.id], state=state, reason=reason)
    assert en in client.get("/notices?lang=en", headers=HTML).text
    page = client.get("/notices?lang=zh", headers=HTML).text
    assert zh in page
    assert "等待汇总" not in page, "what is held is not all for a digest"


def test_notices_are_found_by_the_device_and_by_whom_they_told(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.MANAGER))
    told.tell(me(client))
    told.tell(me(client), Subject.INCIDENT, 9)

    def found(query: str) -> list[str]:
        return [each["subject"] for each in client.get(f"/api/v1/notices?{query}").json()["items"]]

    assert "alert" in found("device_id=R1") and "incident" not in found("device_id=R1")
    assert found("device_id=R2") == []
    mine = client.get("/api/v1/me").json()
    assert found(f"to={mine['name'][1:-1]}") == found("to=%40") == ["incident", "alert"]
    assert found("to=nobody%25") == []
    page = client.get("/notices?device_id=R2", headers=HTML).text
    assert "No notice fits these filters." in page and 'name="to"' in page


def test_of_a_wristbands_notices_none_is_found_by_its_device(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.MANAGER))
    told.write(me(client))
    with told.house.desk.transaction() as session:
        telling = notices_about(session, Subject.ALERT, "1")[-1].telling
        assert telling is not None
        personal = replace(telling, fault="worker_fall")
        session.execute(update(NoticeRow).values(telling=personal.as_data()))
    assert client.get("/api/v1/notices?device_id=R1").json()["items"] == []
    assert client.get("/api/v1/notices").json()["items"]


def test_what_joined_an_alert_that_was_told_is_not_called_told_first(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.MANAGER))
    told.write(me(client), reason="reported_more")
    page = client.get("/notices?lang=en", headers=HTML).text
    assert page.count("told that more joined") == 1
    assert "通知有新的上报" in client.get("/notices?lang=zh", headers=HTML).text


def test_where_a_destination_goes_is_no_scope_in_chinese(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.MANAGER))
    told.book.add(me(client), "mine", ChannelKind.MAIL, {"email": "ada@x.example"}, schedule("tests"))
    page = client.get("/account/notices?lang=zh", headers=HTML).text
    assert ">去向</th>" in page and "范围" not in page


def test_what_is_told_after_a_mute_ended_is_not_called_a_digest(told: Told) -> None:
    client = signed_in(told.house, RoleAt(Role.MANAGER))
    told.write(me(client), occasion=Occasion.STILL_OPEN, reason="unmuted:1")
    for path in ("/notices", "/alerts/1"):
        assert "told what is still open" in client.get(f"{path}?lang=en", headers=HTML).text
        page = client.get(f"{path}?lang=zh", headers=HTML).text
        assert "通知仍未解除" in page and "汇总通知" not in page
