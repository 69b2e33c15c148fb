"""A feedback link judges one repair of one case, once; whatever else is done with it records nothing."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_device, anonymous, open_house, raise_alert, signed_in

from fleet.clock import DAY_MS, HOUR_MS
from fleet.feedback import Feedback, FeedbackSource, Said
from fleet.principals import person
from fleet.tickets import TicketState as T
from storage.records.feedback import feedback_of_case
from storage.records.follow_ups import open_follow_ups

LI = person("li")
GOOD = {"score": "5", "solved": "yes", "remark": "quick and clean"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        yield made


class Repaired:
    """A house with repaired cases, and a browser that nobody knows."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.feedback = house.app.state.services.closing.feedback
        self.browser = anonymous(house, HTML)

    def case(self) -> int:
        """Open a case of a new device and repair it; return its number."""
        Repaired.count += 1
        device = f"R{Repaired.count}"
        add_device(
            self.house, device, site="pudong", risk=0.9, fault="brush_jam", risk_ts=self.house.clock.ms
        )
        raise_alert(self.house, device, "brush_jam", 0.9)
        number = Repaired.count
        for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
            self.house.tickets.change_state(number, state, LI, "so it is")
        self.house.tickets.change_state(number, T.REPAIRED, LI, "done", confirmed=["brush_jam"])
        return number

    def link(self, ticket_id: int) -> str:
        return str(self.feedback.new_link(ticket_id, LI))

    def said(self, ticket_id: int) -> list[Feedback]:
        with self.house.desk.transaction() as session:
            return list(feedback_of_case(session, ticket_id))

    def post(self, secret: str, **fields: str):
        return self.browser.post(f"/f/{secret}", data=GOOD | fields, follow_redirects=False)

    count = 0


@pytest.fixture
def desk(whole: House) -> Repaired:
    return Repaired(whole)


def test_a_post_by_the_link_records_and_thanks(desk: Repaired) -> None:
    case = desk.case()
    secret = desk.link(case)
    assert desk.post(secret).status_code == 303
    (said,) = desk.said(case)
    assert (said.said, said.source) == (Said(5, True, "quick and clean"), FeedbackSource.LINK)
    page = desk.browser.get(f"/f/{secret}").text
    assert "Thank you" in page
    assert "quick and clean" not in page, "a link on a robot is read by others too"


@pytest.mark.parametrize("ask", ["get", "head", "options"])
@pytest.mark.parametrize("purpose", [{}, {"Sec-Purpose": "prefetch"}, {"User-Agent": "LinkScanner/1.0"}])
def test_to_look_records_nothing(desk: Repaired, ask: str, purpose: dict[str, str]) -> None:
    case = desk.case()
    secret = desk.link(case)
    desk.browser.request(ask.upper(), f"/f/{secret}?score=1&solved=no", headers=purpose)
    answer = desk.browser.request(ask.upper(), f"/f/{secret}", headers=purpose)
    assert answer.status_code in (200, 405)
    assert desk.said(case) == []
    assert desk.post(secret).status_code == 303, "nothing was used up"


def test_a_forged_link_records_nothing_and_leaks_nothing(desk: Repaired) -> None:
    case = desk.case()
    secret = desk.link(case)
    for forged in (secret[:-1] + ("A" if secret[-1] != "A" else "B"), "x" * 32, "%00", secret * 9):
        shown, posted = desk.browser.get(f"/f/{forged}"), desk.post(forged)
        assert (shown.status_code, posted.status_code) == (404, 404), forged
        for answer in (shown, posted):
            assert "opens nothing" in answer.text
            assert f"R{case}" not in answer.text and "pudong" not in answer.text
    assert desk.said(case) == []


def test_an_expired_link_records_nothing_and_says_so_to_its_holder_alone(desk: Repaired) -> None:
    case = desk.case()
    secret = desk.link(case)
    begun = desk.house.clock.ms
    desk.house.clock.ms += 30 * DAY_MS
    shown, posted = desk.browser.get(f"/f/{secret}"), desk.post(secret)
    forged = desk.browser.get(f"/f/{'x' * 32}")
    desk.house.clock.ms = begun
    assert shown.status_code == posted.status_code == forged.status_code == 404
    assert "has expired" in shown.text and "has expired" in posted.text and "has expired" not in forged.text
    assert f"R{case}" not in shown.text + posted.text
    assert desk.said(case) == []


def test_a_link_is_used_once_corrected_within_a_day_and_then_no_more(desk: Repaired) -> None:
    case = desk.case()
    secret = desk.link(case)
    begun = desk.house.clock.ms
    desk.post(secret)
    assert desk.post(secret, score="4", remark="well, almost").status_code == 303
    (said,) = desk.said(case)
    assert (said.said.score, said.said.remark, said.changed_at) == (4, "well, almost", begun)
    desk.house.clock.ms += DAY_MS
    again = desk.post(secret, score="1")
    page = desk.browser.get(f"/f/{secret}")
    desk.house.clock.ms = begun
    assert again.status_code == 409
    assert "Thank you" in again.text and "cannot be changed any more" in again.text
    assert page.status_code == 200 and "<form" not in page.text.split("<main")[1]
    assert desk.said(case) == [said]


def test_a_link_is_of_its_own_case_and_repair_alone(desk: Repaired) -> None:
    one, other = desk.case(), desk.case()
    secret = desk.link(one)
    desk.post(secret, ticket_id=str(other), ticket=str(other))
    assert len(desk.said(one)) == 1
    assert desk.said(other) == []
    # The next repair of the same case is asked about by a new link.
    third = desk.case()
    old = desk.link(third)
    for state in (T.REOPENED, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        desk.house.tickets.change_state(third, state, LI, "again")
        assert desk.post(old).status_code == 404, state
    desk.house.tickets.change_state(third, T.REPAIRED, LI, "done", confirmed=["brush_jam"])
    assert desk.post(old).status_code == 404
    assert desk.post(desk.link(third)).status_code == 303
    assert [each.repair for each in desk.said(third)] == [1]


def test_a_new_link_replaces_the_old_one(desk: Repaired) -> None:
    case = desk.case()
    old, new = desk.link(case), desk.link(case)
    assert desk.post(old).status_code == 404
    assert desk.said(case) == []
    assert desk.post(new).status_code == 303


def test_a_page_of_another_site_can_post_nothing(desk: Repaired) -> None:
    case = desk.case()
    secret = desk.link(case)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = desk.browser.post(f"/f/{secret}", data=GOOD, headers=headers)
        assert answer.status_code == 403
    assert desk.said(case) == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"score": "6"}, "1 to 5"),
        ({"score": "0"}, "choose one"),
        ({"solved": ""}, "yes or no"),
        ({"solved": "maybe"}, "yes or no"),
        ({"remark": "x" * 2001}, "at most 2000"),
    ],
)
def test_what_cannot_be_taken_comes_back_with_what_was_typed(
    desk: Repaired, fields: dict[str, str], told: str
) -> None:
    case = desk.case()
    answer = desk.post(desk.link(case), **fields)
    assert answer.status_code == 422
    assert told in answer.text
    assert (fields | {"remark": fields.get("remark", GOOD["remark"])})["remark"] in answer.text
    assert desk.said(case) == []


def test_a_low_score_is_looked_after_within_a_day_and_told_of_once_when_not(desk: Repaired) -> None:
    case = desk.case()
    desk.post(desk.link(case), score="3", solved="no", remark="it still squeals")
    with desk.house.desk.transaction() as session:
        (due,) = [each for each in open_follow_ups(session, None, 99) if each.ticket_id == case]
    assert due.due - due.opened_at == 24 * HOUR_MS
    assert (due.owner, due.remark) == ("director", "it still squeals")
    assert desk.feedback.end_follow_up(due.id, LI, "called, going again").by == "li"
    with pytest.raises(Exception, match="done already"):
        desk.feedback.end_follow_up(due.id, LI, "me too")


def test_a_link_is_shown_once_with_its_code_to_be_scanned_and_cases_say_what_came(desk: Repaired) -> None:
    case = desk.case()
    browser = signed_in(desk.house, email=f"a{case}@example.org")
    browser.headers.update(HTML)
    page = browser.get(f"/tickets/{case}").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    made = browser.post(f"/tickets/{case}/feedback-link", data={"csrf": csrf[1]})
    found = re.search(r'<code class="secret">http://127.0.0.1:\d+(/f/[^<]+)<', made.text)
    assert found and "<svg" in made.text
    assert desk.browser.post(found[1], data=GOOD | {"solved": "no"}).status_code == 200
    page = browser.get(f"/tickets/{case}").text
    assert found[1] not in page
    assert "the fault is not gone" in page and 'name="state" value="reopened"' in page
    assert "quick and clean" in page


def test_it_speaks_the_browsers_language(desk: Repaired) -> None:
    secret = desk.link(desk.case())
    chinese: TestClient = anonymous(desk.house, HTML | {"Accept-Language": "zh-CN"})
    page = chinese.get(f"/f/{secret}").text
    assert "本次维修怎么样？" in page and "How was" not in page
    assert "此链接无法打开" in chinese.get("/f/none").text
