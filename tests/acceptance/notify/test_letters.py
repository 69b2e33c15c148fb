"""What customers are written by themselves: whether a visit may come, that maintenance is due, how it was."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.api import HTML, NOW, House, add_device, anonymous, client_of, open_house, raise_alert
from helpers.noticed import Post

from desk.dispatch.assigning import Sent
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.customers import Contact, Customer
from fleet.engineers import Engineer
from fleet.notices import ChannelKind, Message, NotDelivered, Receipt
from fleet.principals import person, schedule
from fleet.sites import Site
from fleet.tickets import TicketState as T
from notify.sender import Sender
from storage.records.customers import keep_customer
from storage.records.destinations import all_destinations, destinations
from storage.records.devices import Device
from storage.records.engineers import keep_engineer
from storage.records.sites import describe_site
from sweepwatch.settings.notify import MailSettings, NotifySettings
from sweepwatch.wiring_words import said_of

LI = person("li")
EVENING = 1_795_374_000_000
"""2026-11-22 19:00 UTC."""
ANN = Customer("acme", language="en", contact=Contact("Ann", "+8613800000000", "ann@acme.example"))
NOTIFY = NotifySettings(mail=MailSettings(host="127.0.0.1", tls="none", sender="s@x.example"))


class Written:
    """A house with one robot at a customer's site, and a mail server that keeps what it is given."""

    def __init__(self, house: House) -> None:
        self.house, self.api, self.browser = house, client_of(house), anonymous(house, HTML)
        self.mail = Post(ChannelKind.MAIL, house.clock)
        self.services = house.services
        channels = {ChannelKind.MAIL: self.mail}
        self.sender = Sender(house.desk, channels, said_of(self.services), house.clock, "one")
        add_device(house, "R1", site="pudong", risk=0.9, fault="brush_jam", risk_ts=NOW)
        with house.desk.transaction() as session:
            describe_site(session, Site("pudong", customer="acme"))
        self.known(ANN)

    def known(self, customer: Customer) -> None:
        with self.house.desk.transaction() as session:
            keep_customer(session, customer)

    def after(self, ms: int) -> list[Message]:
        """Let time pass; return what the customer was written by then."""
        self.house.clock.ms += ms
        before = len(self.mail.taken)
        for destination, _ in self.sender.due():
            self.sender.send_to(destination)
        assert {to for _, to, _ in self.mail.taken[before:]} <= {"ann@acme.example"}
        return [message for _, _, message in self.mail.taken[before:]]

    def propose(self) -> None:
        raise_alert(self.house, "R1", "brush_jam", 0.9)

    def repair(self) -> int:
        number = self.house.tickets.report("R1", "brush_jam", LI, "it rattles")
        for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.REPAIRED):
            confirmed = ("brush_jam",) if state is T.REPAIRED else None
            self.house.tickets.change_state(number, state, LI, "", confirmed=confirmed)
        return number

    def open(self, link: str | None) -> str:
        assert link is not None
        return link.removeprefix("http://127.0.0.1:8000")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Written]:
    with open_house(tmp_path, notify=NOTIFY) as opened:
        yield Written(opened)


def test_who_had_a_repair_is_asked_two_hours_later_how_it_was(house: Written) -> None:
    number = house.repair()
    assert house.after(119 * MINUTE_MS) == [], "nobody is asked before they could try it"
    (letter,) = house.after(2 * MINUTE_MS)
    assert letter.title == "How was the repair of your robot R1 at pudong?"
    assert "Hello Ann," in letter.text
    assert "R1 at pudong (brush jamming)" in letter.text
    path = house.open(letter.link)
    assert house.browser.get(path).status_code == 200
    said = house.browser.post(path, data={"score": "5", "solved": "yes"}, follow_redirects=False)
    assert said.status_code == 303
    (kept,) = house.api.get("/api/v1/feedback").json()["items"]
    assert (kept["score"], kept["source"]) == (5, "link")
    page = house.api.get(f"/tickets/{number}", headers=HTML).text
    assert "Written to the customer" in page
    assert "mail: a…@acme.example" in page.lower()
    assert "ann@acme.example" not in house.api.get("/notices", headers=HTML).text
    assert house.after(30 * DAY_MS) == []


def test_who_had_a_repair_is_told_what_was_left_for_another_visit(house: Written) -> None:
    number = house.house.tickets.report("R1", "brush_jam", LI, "it rattles")
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        house.house.tickets.change_state(number, state, LI, "")
    said = {"confirmed": ["brush_jam"], "deferred": ["filter_clog"]}
    house.house.tickets.change_state(number, T.REPAIRED, LI, "", **said)  # type: ignore[arg-type]
    (letter,) = house.after(121 * MINUTE_MS)
    assert "also saw what has only begun: filter clogged. It still works" in letter.text


def test_what_was_said_meanwhile_is_not_asked_for(house: Written) -> None:
    number = house.repair()
    house.api.post(f"/api/v1/tickets/{number}/feedback", json={"score": 4, "solved": True, "source": "call"})
    assert house.after(3 * HOUR_MS) == []
    (kept,) = house.api.get("/api/v1/notices", params={"subject": "ticket"}).json()["items"]
    assert (kept["state"], kept["reason"]) == ("dropped", "not_needed")


def test_nothing_comes_at_night(house: Written) -> None:
    house.house.clock.ms = EVENING
    house.repair()
    assert house.after(11 * HOUR_MS) == [], "until 08:00 by the clock of the site"
    assert len(house.after(2 * HOUR_MS)) == 1


def reach(house: Written, number: int, *states: T) -> None:
    for state in states:
        confirmed = ("brush_jam",) if state is T.REPAIRED else None
        house.house.tickets.change_state(number, state, LI, "again", confirmed=confirmed)


def reasons(house: Written) -> list[tuple[str, str]]:
    kept = house.api.get("/api/v1/notices", params={"subject": "ticket"}).json()["items"]
    return sorted((each["state"], each["reason"]) for each in kept)


def test_what_is_late_does_not_come_at_night_either(house: Written) -> None:
    def breaks(message: Message) -> Receipt:
        raise NotDelivered("the line broke", again=True)

    house.house.clock.ms = EVENING - 2 * HOUR_MS
    house.repair()
    house.mail.answer = breaks
    assert house.after(2 * HOUR_MS) == []
    house.mail.answer = None
    assert house.after(HOUR_MS) == [], "20:00: neither tried again, nor made up for after an outage"
    assert house.after(6 * HOUR_MS) == []
    assert len(house.after(6 * HOUR_MS)) == 1


def test_who_was_repaired_twice_is_asked_once_and_could_try_it_first(house: Written) -> None:
    number = house.repair()
    house.after(HOUR_MS)
    reach(house, number, T.REOPENED, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.REPAIRED)
    assert house.after(119 * MINUTE_MS) == []
    (letter,) = house.after(2 * MINUTE_MS)
    assert house.browser.get(house.open(letter.link)).status_code == 200
    assert reasons(house) == [("dropped", "told_anew"), ("sent", "letter")]


def test_what_staff_hands_on_is_not_ended_by_a_letter(house: Written) -> None:
    number = house.repair()
    link = house.api.post(f"/api/v1/tickets/{number}/feedback-link").json()["link"]
    assert house.after(3 * HOUR_MS) == []
    assert house.browser.get(house.open(link)).status_code == 200
    assert reasons(house) == [("dropped", "handed_on")]


def test_of_what_was_asked_twice_over_night_the_newest_alone_is_written(house: Written) -> None:
    house.house.clock.ms = EVENING + 2 * HOUR_MS
    house.propose()
    for offer in ("180 CNY", "70 CNY"):
        asked = {"offer": offer, "by_letter": True}
        assert house.api.post("/api/v1/tickets/1/consent-link", json=asked).status_code == 201
    (letter,) = house.after(12 * HOUR_MS)
    assert "70 CNY" in letter.text
    assert house.browser.get(house.open(letter.link)).status_code == 200


@pytest.mark.parametrize("left", ["moved", "inactive"])
def test_who_has_left_is_not_written_to_about_what_is_anothers(house: Written, left: str) -> None:
    house.repair()
    if left == "inactive":
        house.known(replace(ANN, active=False))
    else:
        house.known(replace(ANN, id="other", contact=Contact("Bob", "", "bob@other.example")))
        with house.house.desk.transaction() as session:
            describe_site(session, Site("pudong", customer="other"))
    assert house.after(3 * HOUR_MS) == []
    assert reasons(house) == [("dropped", "not_theirs")]


def test_a_letter_that_does_not_go_out_ends_no_link(house: Written) -> None:
    house.repair()
    secret = house.services.closing.feedback.new_link(1, schedule("letters"))
    house.known(replace(ANN, contact=Contact("Ann")))
    assert house.after(3 * HOUR_MS) == []
    assert house.browser.get(f"/f/{secret}").status_code == 200


def test_the_link_of_a_letter_that_was_tried_twice_opens(house: Written) -> None:
    def breaks(message: Message) -> Receipt:
        raise NotDelivered("the line broke", again=True, maybe=True)

    house.repair()
    house.mail.answer = breaks
    assert house.after(3 * HOUR_MS) == []
    house.mail.answer = None
    (letter,) = house.after(MINUTE_MS)
    assert house.browser.get(house.open(letter.link)).status_code == 200


def test_a_proposed_visit_is_asked_about_by_letter(house: Written) -> None:
    house.propose()
    page = house.api.get("/tickets/1", headers=HTML).text
    assert "Write to a…@acme.example" in page
    asked = {"offer": "Labour 180 CNY", "by_letter": True}
    made = house.api.post("/api/v1/tickets/1/consent-link", json=asked)
    assert (made.status_code, made.json()["link"]) == (201, None)
    (letter,) = house.after(MINUTE_MS)
    assert letter.title == "May we come to mend your robot R1 at pudong?"
    assert "Labour 180 CNY" in letter.text
    said = house.browser.post(house.open(letter.link), data={"answer": "yes"}, follow_redirects=False)
    assert said.status_code == 303
    assert house.api.get("/api/v1/tickets/1/consent").json()["answer"] == "yes"


def test_a_customer_without_an_address_cannot_be_asked_by_letter_and_nothing_is_written(
    house: Written,
) -> None:
    house.known(replace(ANN, contact=Contact("Ann", "+8613800000000")))  # and no gateway is set up
    house.repair()
    assert house.after(3 * HOUR_MS) == []
    house.propose()
    assert "Write to" not in house.api.get("/tickets/1", headers=HTML).text
    refused = house.api.post("/api/v1/tickets/1/consent-link", json={"offer": "free", "by_letter": True})
    assert (refused.status_code, "no address" in refused.json()["detail"]) == (422, True)


def test_a_letter_says_nothing_that_is_not_so(house: Written) -> None:
    asked = {"offer": "free", "by_letter": True}
    raise_alert(house.house, "R1", "battery_overheat", 0.9)
    for works in (True, False):
        if not works:
            house.house.tickets.report("R1", "battery_overheat", person("Li"), "it is too hot to touch")
        house.api.post("/api/v1/tickets/1/consent-link", json=asked)
        (letter,) = house.after(MINUTE_MS)
        assert ("It still works" in letter.text) is works, "of level L1 it does not"
        assert "Nobody comes" not in letter.text, "for a reason somebody does"


def test_who_took_their_address_away_is_not_written_to(house: Written) -> None:
    number = house.repair()
    house.known(replace(ANN, contact=Contact("Ann")))
    assert house.after(3 * HOUR_MS) == []
    assert "has no such address any more" in house.api.get(f"/tickets/{number}", headers=HTML).text


def test_maintenance_that_comes_is_told_with_what_can_be_done_alone(house: Written) -> None:
    maintenance = house.services.work.maintenance
    maintenance.tick()
    house.house.clock.ms += 83 * DAY_MS
    with house.house.desk.transaction() as session:
        robot = session.get(Device, "R1")
        assert robot is not None
        robot.last_seen = house.house.clock.ms
    assert maintenance.tick() >= 1
    letters = house.after(MINUTE_MS)
    assert letters
    assert all(each.link is None and "is due by" in each.title for each in letters)
    assert any("What you can do yourself" in each.text for each in letters)


def test_customers_are_no_group_of_ours_and_are_never_tested(house: Written) -> None:
    house.repair()
    house.after(3 * HOUR_MS)
    with house.house.desk.transaction() as session:
        assert destinations(session) == []
        assert all_destinations(session) == []
    house.house.clock.ms += 30 * DAY_MS
    assert house.services.notices.test_all() == 0


def test_a_house_may_leave_letters_to_its_people(tmp_path: Path) -> None:
    with open_house(tmp_path, notify=NOTIFY.model_copy(update={"letters": ()})) as opened:
        house = Written(opened)
        house.repair()
        assert house.after(3 * HOUR_MS) == []


def test_when_somebody_comes_is_told_with_a_link_and_told_again_when_it_is_another_time(
    house: Written,
) -> None:
    with house.house.desk.transaction() as session:
        keep_engineer(session, Engineer("chen", "Chen", skills=frozenset({"mechanical"})))
    number = house.house.tickets.report("R1", "brush_jam", LI, "it rattles")
    board, now = house.services.dispatch, house.house.clock.ms

    def send(after_h: float) -> list[Message]:
        board.assigning.assign(number, Sent("chen", now + round(after_h * HOUR_MS), HOUR_MS), LI)
        board.appointments.tell(number, LI)
        return house.after(0)

    (letter,) = send(28)
    assert letter.title.startswith("We come to your robot R1 at pudong, 2026-11-23 ")
    said = house.browser.post(house.open(letter.link), data={"answer": "confirmed"}, follow_redirects=False)
    assert said.status_code == 303
    assert send(28.5) == [], "what they know still holds"
    (again,) = send(33)
    assert again.title.startswith("Another time: we come")
    assert house.browser.get(house.open(letter.link)).status_code == 404
    board.release(number, LI, "ill")
    (off,) = house.after(0)
    assert off.title.startswith("We do not come to your robot R1") and off.link is None


def test_of_two_times_told_in_one_night_the_newer_alone_is_written(house: Written) -> None:
    with house.house.desk.transaction() as session:
        keep_engineer(session, Engineer("chen", "Chen", skills=frozenset({"mechanical"})))
    house.house.clock.ms = EVENING + 3 * HOUR_MS
    number = house.house.tickets.report("R1", "brush_jam", LI, "it rattles")
    board, now = house.services.dispatch, house.house.clock.ms
    for after_h in (30, 36):
        board.assigning.assign(number, Sent("chen", now + after_h * HOUR_MS, HOUR_MS), LI)
        board.appointments.tell(number, LI)
    assert house.after(HOUR_MS) == []
    assert len(house.after(12 * HOUR_MS)) == 1
