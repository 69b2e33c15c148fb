"""The console's pages: languages, forms, progress, hostile text, charts."""

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from babel.messages.pofile import read_po
from fastapi.testclient import TestClient
from helpers.api import (
    NOW,
    House,
    add_device,
    add_readings,
    add_risks,
    client_of,
    furnish,
    open_house,
    raise_alert,
    signed_in,
)
from jinja2.ext import babel_extract
from sqlalchemy import update

import api.console
from api.console.charts import drawing as charts
from api.console.render import formats
from api.console.render.language import translations
from api.console.render.templates import risk_band, shown_value
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.principals import person
from fleet.progress import StartProgress
from fleet.signals import STANDARD_SIGNALS
from fleet.text import Language, Text
from storage.records.devices import Device
from storage.records.tickets import SuspicionRow

CONSOLE = Path(api.console.__file__).parent
HTML = {"accept": "text/html"}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        add_device(made, "R1", risk=0.9, fault="brush_jam", risk_ts=NOW)
        raise_alert(made, "R1", "brush_jam", 0.9)
        yield made


@pytest.fixture
def client(house: House) -> TestClient:
    return client_of(house)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yield a house for tests that change nothing."""
    with open_house(tmp_path_factory.mktemp("house")) as made:
        add_device(made, "R1")
        raise_alert(made, "R1", "brush_jam", 0.9)
        yield made


def used_phrases() -> set[str]:
    """Return every phrase that some template asks to be translated."""
    found: set[str] = set()
    for path in (CONSOLE / "templates").rglob("*.html"):
        with path.open("rb") as file:
            options = {"trim_blocks": "1", "lstrip_blocks": "1", "newstyle_gettext": "1"}
            options["extensions"] = "jinja2.ext.do"
            for _, _, phrase, _ in babel_extract(file, ["_", "gettext"], [], options):
                found.add(phrase if isinstance(phrase, str) else phrase[0])
    return found


def test_the_chinese_catalogue_has_every_phrase_and_no_other() -> None:
    with (CONSOLE / "locale/zh_CN/LC_MESSAGES/console.po").open("rb") as file:
        catalogue = {str(message.id): message.string for message in read_po(file) if message.id}
    assert set(catalogue) == used_phrases()
    for phrase, translated in catalogue.items():
        assert translated, phrase
        assert sorted(re.findall(r"%\(\w+\)s", str(translated))) == sorted(re.findall(r"%\(\w+\)s", phrase))


def test_english_is_the_language_of_the_templates() -> None:
    assert translations("en").gettext("Fleet") == "Fleet"
    assert translations("zh").gettext("Fleet") == "设备"


@pytest.mark.parametrize(
    ("query", "cookie", "accepts", "language"),
    [
        ("", "", "", "en"),
        ("", "", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("", "", "fr,en;q=0.3,zh;q=0.5", "zh-CN"),
        ("", "", "zh;q=0, en", "en"),
        ("", "", ";;q=,zh;q=x", "en"),
        ("", "en", "zh", "en"),
        ("?lang=zh", "en", "en", "zh-CN"),
        ("?lang=xx", "", "zh", "zh-CN"),
    ],
)
def test_the_language_is_the_address_then_the_cookie_then_the_browsers(
    shared: House, query: str, cookie: str, accepts: str, language: str
) -> None:
    client = client_of(shared)
    headers = {"accept-language": accepts} | ({"cookie": f"lang={cookie}"} if cookie else {})
    page = client.get(f"/tickets{query}", headers=headers)
    assert f'<html lang="{language}">' in page.text


def test_a_language_once_chosen_stays(client: TestClient) -> None:
    client.get("/?lang=zh")
    assert "设备风险排名" in client.get("/").text


def test_text_from_outside_is_shown_and_never_run(house: House, client: TestClient) -> None:
    evil = "<script>alert(1)</script>"
    add_device(house, "R9", model=evil, serial='"><img src=x onerror=alert(1)>')
    change = {"state": "accepted", "why": evil, "who": evil, "version": "1"}
    client.post("/tickets/1/state", data=change)
    for path in ("/", "/devices/R9", "/tickets/1", "/?q=" + evil, "/devices/" + evil):
        page = client.get(path, headers=HTML).text
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
    assert "&lt;script&gt;" in client.get("/tickets/1").text


def test_pages_hold_no_script_or_style_that_the_policy_forbids(house: House, client: TestClient) -> None:
    add_risks(house, "R1", {"brush_jam": 0.9})
    for path in ("/", "/devices/R1", "/tickets", "/tickets/1", "/alerts", "/nowhere"):
        page = client.get(path, headers=HTML).text
        assert not re.search(r"<script(?![^>]*src=)", page), path
        assert not re.search(r"\s(style|on\w+)=", page), path
        assert "http://" not in page.replace("http://127.0.0.1", ""), path


def test_a_change_through_the_form_leads_back_and_is_whose_session_it_was(house: House) -> None:
    client = signed_in(house)
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/tickets/1").text)
    assert csrf
    form = {"state": "accepted", "why": "free now", "who": "somebody else", "version": "1", "csrf": csrf[1]}
    answer = client.post("/tickets/1/state", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/tickets/1")
    page = client.get("/tickets/1").text
    assert "free now" in page
    assert "Opened → Accepted" in page
    event = client.get("/api/v1/tickets/1").json()["events"][-1]
    assert event["by"] == {"kind": "person", "id": "1", "name": "Li Wei"}


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({"state": "cancelled", "why": ""}, 422, "a reason is required"),
        ({"state": "flying", "why": "x"}, 422, "is none; allowed: opened"),
        ({"state": "repaired", "why": "x", "confirmed_fault": "none"}, 409, "cannot become"),
        ({"state": "accepted", "why": "x", "version": "9"}, 409, "at version 1, not 9"),
    ],
)
def test_a_refused_form_comes_back_filled_in_with_the_reason(
    shared: House, form: dict[str, str], status: int, says: str
) -> None:
    client = client_of(shared)
    answer = client.post("/tickets/1/state", data=form)
    assert answer.status_code == status
    assert says in answer.text
    assert f">{form['why']}</textarea>" in answer.text
    assert client.get("/api/v1/tickets/1").json()["state"] == "opened"


def test_the_fleet_says_of_which_robot_too_little_is_known(house: House, client: TestClient) -> None:
    add_device(house, "R2", risk=0.4, fault="brush_jam", risk_ts=NOW, confidence="low")
    rows = re.findall(r"<tr>.*?</tr>", client.get("/?lang=en").text, re.DOTALL)
    unsure = [row for row in rows if "low confidence" in row]
    assert len(unsure) == 1
    assert 'href="/devices/R2"' in unsure[0]
    listed = {device["id"]: device["confidence"] for device in client.get("/api/v1/devices").json()["items"]}
    assert listed == {"R1": None, "R2": "low"}


def test_each_figure_of_the_fleet_leads_to_the_list_that_it_counts(tmp_path: Path) -> None:
    with open_house(tmp_path) as house:
        furnish(house)
        house.clock.ms += 3 * HOUR_MS
        with house.desk.transaction() as session:
            session.execute(update(Device).values(last_seen=house.clock.ms))
            session.execute(update(Device).where(Device.id.in_(["R0002", "R0003"])).values(state="error"))
        client = client_of(house)
        page = client.get("/", headers=HTML).text
        tiles = re.findall(r'<li><a href="([^"]+)"><b class="figure[^"]*">(\d+)', page)
        assert [address for address, _ in tiles] == [
            *("/?stands=working", "/?stands=stuck", "/?at_risk=0.5"),
            *("/alerts", "/tickets", "/tickets?overdue=true"),
        ]
        for address, figure in tiles:
            rows = client.get(address, headers=HTML).text
            listed = rows.count('<th scope="row">')
            assert listed == min(int(figure), 50), address
            assert listed, f"{address}: this fleet has some of each"


def test_alerts_are_chosen_by_level_fault_and_device(house: House, client: TestClient) -> None:
    add_device(house, "R2")
    raise_alert(house, "R2", "filter_clog", 0.9)
    for query, those in {
        "": {"R1", "R2"},
        "?fault=filter_clog": {"R2"},
        "?device=R1": {"R1"},
        "?level=L1": set(),
        "?show=all&device=R1": {"R1"},
    }.items():
        page = client.get(f"/alerts{query}", headers=HTML).text
        assert set(re.findall(r'href="/devices/(R\d)"', page)) == those, query
        assert ("No alert fits these filters." in page) is (not those)


def test_an_alert_is_acknowledged_from_its_row(client: TestClient) -> None:
    client.post("/alerts/1/acknowledge", data={"why": "on it", "who": "li"})
    assert "Acknowledged" in client.get("/alerts").text
    again = client.post("/alerts/1/acknowledge", data={"why": "on it", "who": "li"}, headers=HTML)
    assert again.status_code == 409
    assert client.post("/alerts/1/explode", data={"why": "x", "who": "li"}).status_code == 422


def test_the_first_start_shows_how_far_it_is_and_asks_again(house: House, client: TestClient) -> None:
    assert "http-equiv" not in client.get("/").text
    house.progress.append(StartProgress(Text("Training models", "正在训练模型"), 0.42))
    page = client.get("/").text
    assert "Training models" in page
    assert "42 %" in page
    assert '<meta http-equiv="refresh" content="3">' in page
    assert "http-equiv" not in client.get("/tickets/1").text  # nothing that is typed there may be lost
    assert "正在训练模型" in client.get("/?lang=zh").text


def test_an_error_is_a_page_for_browsers_and_a_problem_for_programs(shared: House) -> None:
    client = client_of(shared)
    page = client.get("/devices/nobody", headers=HTML)
    assert page.status_code == 404
    assert "there is no device &#34;nobody&#34;" in page.text
    assert client.get("/devices/nobody").headers["content-type"] == "application/problem+json"
    wrong = client.get("/?sort=colour", headers=HTML)
    assert wrong.status_code == 422
    assert "sort: Input should be" in wrong.text
    assert client.get("/api/v1/nothing", headers=HTML).headers["content-type"] == "application/problem+json"


def test_a_tickets_evidence_reads_in_words_whoever_noticed(house: House, client: TestClient) -> None:
    seen = {"source": "rule", "rule": "filter_clogged", "text": {"en": "It is clogged.", "zh": "已堵塞。"}}
    seen |= {"signal": "filter_clog_pct", "value": 97.0, "condition": "filter_clog_pct >= 90", "ts": NOW}
    with house.desk.transaction() as session:
        session.get_one(SuspicionRow, 1).evidence = seen
    page = client.get("/tickets/1?lang=en").text
    for words in ("It is clogged.", "<dd>97 %</dd>", "filter_clog_pct &gt;= 90", "22 Nov 08:00 UTC"):
        assert words in page
    assert "已堵塞。" in client.get("/tickets/1?lang=zh").text
    ticket = house.tickets.report("R1", "water_leak", person("front.desk"), "a puddle")
    assert ticket == 1
    assert "Reported by front.desk: a puddle" in client.get(f"/tickets/{ticket}?lang=en").text
    with house.desk.transaction() as session:
        session.get_one(SuspicionRow, 1).evidence = {"source": "rule", "signal": "status", "value": "offline"}
    assert client.get("/tickets/1").status_code == 200


def test_a_case_shows_every_suspicion_with_its_part_alert_and_chart(house: House, client: TestClient) -> None:
    raise_alert(house, "R1", "filter_clog", 0.7)
    page = client.get("/tickets/1?lang=en").text
    for words in ("Brush jamming", "Filter clogged", "Brush bearing, HEPA filter", "Alert 1", "Alert 2"):
        assert words in page
    listed = client.get("/tickets?lang=en").text
    assert "and 1 more" in listed
    assert "另有 1 项" in client.get("/tickets?lang=zh").text
    device = client.get("/devices/R1?lang=en").text
    assert "#1 Brush jamming" in device
    assert device.count('href="/tickets/1"') == 1


def test_the_form_of_a_repair_takes_several_faults_or_none(house: House, client: TestClient) -> None:
    raise_alert(house, "R1", "filter_clog", 0.7)
    for state in ("accepted", "en_route", "repairing"):
        client.post("/tickets/1/state", data={"state": state, "why": "next", "who": "li"})
    form = {"state": "repaired", "why": "done", "who": "li"}
    assert client.post("/tickets/1/state", data=form | {"confirmed_fault": ""}).status_code == 422
    found = ["brush_jam", "filter_clog", ""]
    client.post("/tickets/1/state", data=form | {"confirmed_fault": found})  # type: ignore[dict-item]
    assert client.get("/api/v1/tickets/1").json()["confirmed_faults"] == ["brush_jam", "filter_clog"]
    page = client.get("/tickets/1?lang=en").text
    assert "<dd>Brush jamming, Filter clogged</dd>" in page


def test_the_form_of_a_repair_says_what_is_mended_later(house: House, client: TestClient) -> None:
    raise_alert(house, "R1", "filter_clog", 0.7)
    for state in ("accepted", "en_route", "repairing"):
        client.post("/tickets/1/state", data={"state": state})
    page = client.get("/tickets/1?lang=zh").text
    assert "已发现，后续处理" in page
    form = {"state": "repaired", "confirmed_fault": "brush_jam"}
    refused = client.post("/tickets/1/state?lang=en", data=form | {"deferred_fault": "brush_jam"})
    assert refused.status_code == 422
    kept = 'name="deferred_fault" value="brush_jam" checked'
    assert kept in refused.text, "what was entered is there still"
    client.post("/tickets/1/state", data=form | {"deferred_fault": ["filter_clog", "water_leak", ""]})  # type: ignore[dict-item]
    page = client.get("/tickets/1?lang=en").text
    assert "<dt>Seen, to be mended later</dt><dd>Filter clogged, Water leaking</dd>" in page
    assert 'name="deferred_fault" value="filter_clog" checked' in page, "confirming says the same again"
    said = {"confirmed_fault": "brush_jam", "deferred_fault": ["filter_clog", "water_leak"]}
    client.post("/tickets/1/state", data={"state": "confirmed"} | said)  # type: ignore[dict-item]
    page = client.get("/tickets/1?lang=en").text
    assert 'Filter clogged (<a href="/tickets/2">#2</a>)' in page
    assert "Follow-up case opened" in page
    second = client.get("/tickets/2?lang=en").text
    assert 'Seen at an earlier visit, and left for this one: <a href="/tickets/1">#1</a>' in second
    assert "Found at the repair; nobody had suspected it." not in second
    assert 'Opened (One follows the other: <a href="/tickets/1">#1</a>)' in second


def test_a_case_that_cleared_itself_says_so_and_can_be_kept_open(house: House, client: TestClient) -> None:
    client.post("/alerts/1/resolve", data={"why": "nothing there", "who": "li"})
    page = client.get("/tickets/1?lang=en").text
    assert "it is closed at 23 Nov 08:00 UTC unless someone objects" in page
    assert "cleared itself" in client.get("/tickets?lang=en").text
    assert client.get("/api/v1/tickets/1").json()["closes_at"] == "2026-11-23T08:00:00.000Z"
    client.post("/tickets/1/keep-open", data={"why": "it squeaks", "who": "li"})
    page = client.get("/tickets/1?lang=en").text
    assert "unless someone objects" not in page
    for words in ("A suspicion cleared: Brush jamming", "Asks to be closed", "Kept open"):
        assert words in page
    again = client.post("/tickets/1/keep-open", data={"why": "it squeaks", "who": "li"})
    assert again.status_code == 409


def test_a_place_is_shown_to_the_metre(shared: House) -> None:
    services = shared.app.state.services
    assert shown_value(31.2304167, "lat", services, "en") == "31.23042 °"


def test_a_forms_empty_fields_count_as_not_given(shared: House) -> None:
    client = client_of(shared)
    page = client.get("/?q=&kind=&site=&model=&status=&fault=&sort=-risk")
    assert page.status_code == 200
    assert "R1" in page.text


def test_pages_go_on_where_the_last_one_ended(house: House, client: TestClient) -> None:
    for n in range(3):
        add_device(house, f"X{n}", risk=0.1 * n)
    first = client.get("/?limit=2").text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = client.get(following[1].replace("&amp;", "&")).text
    assert ("X2" in first, "X0" in first) == (True, False)
    assert ("X0" in second, "R1</a>" in second) == (True, False)


def test_a_chart_is_an_svg_that_needs_nothing_from_outside(house: House, client: TestClient) -> None:
    add_readings(house, "R1", days=1)
    add_risks(house, "R1", {"brush_jam": 0.9, "battery_wear": 0.1})
    for name in ("battery_pct", "risks"):
        answer = client.get(f"/devices/R1/charts/{name}.svg?lang=zh")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "<path" in answer.text
        assert not re.search(r"(href|src)=[\"'](?!data:)", answer.text.replace("xmlns:xlink", ""))
    assert "滚刷卡滞" in answer.text
    assert client.get("/devices/R1/charts/state.svg").status_code == 404
    assert client.get("/devices/R1/charts/battery_pct.svg?range=1y").status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/devices/R1/charts/why/brush_jam", "/alerts/1/why", "/tickets/1/why", "/tickets/1/why/brush_jam"],
)
def test_what_raised_an_alert_is_drawn_against_its_cohort_and_baseline(
    house: House, client: TestClient, path: str
) -> None:
    add_risks(house, "R1", {"brush_jam": 0.91})
    for language, names in (("en", ("This device", "Its own baseline")), ("zh", ("本设备", "自身基线"))):
        answer = client.get(f"{path}.svg?lang={language}")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert all(name in answer.text for name in names)
    page = client.get("/tickets/1").text
    assert 'src="/tickets/1/why/brush_jam.svg' in page
    assert 'src="/alerts/1/why.svg' in client.get("/alerts").text
    assert 'src="/devices/R1/charts/why/brush_jam.svg' in client.get("/devices/R1").text


def test_an_alert_of_which_no_course_is_stored_has_no_chart(house: House, client: TestClient) -> None:
    add_device(house, "R2")
    raise_alert(house, "R2", "filter_clog", 0.91)
    assert "/tickets/2/why" not in client.get("/tickets/2").text
    assert client.get("/tickets/2/why.svg").status_code == 404
    assert client.get("/tickets/2/why/filter_clog.svg").status_code == 404
    assert client.get("/tickets/2/why/brush_jam.svg").status_code == 404
    assert client.get("/devices/R1/charts/why/brush_jam.svg").status_code == 404


def test_a_risk_of_a_hardly_known_device_says_so(house: House, client: TestClient) -> None:
    add_risks(house, "R1", {"brush_jam": 0.91})
    assert "low confidence" not in client.get("/devices/R1").text
    risks = house.store.latest_risks("R1").with_columns(confidence=pl.lit("low"))
    house.store.write_risks(risks)
    assert "low confidence" in client.get("/devices/R1").text
    assert "置信度低" in client.get("/devices/R1?lang=zh").text


def test_a_device_without_readings_or_scores_still_has_its_page(house: House, client: TestClient) -> None:
    add_device(house, "new", newest_ts=None, last_seen=None)
    page = client.get("/devices/new").text
    assert "No reading is stored yet." in page
    assert "never" in page
    assert client.get("/devices/new/charts/risks.svg").status_code == 200


@pytest.mark.parametrize(
    ("ms", "en", "zh"),
    [
        (0, "0 s", "0 秒"),
        (-5, "0 s", "0 秒"),
        (90_000, "1 min 30 s", "1 分钟 30 秒"),
        (HOUR_MS, "1 h", "1 小时"),
        (2 * HOUR_MS + 10 * MINUTE_MS + 5, "2 h 10 min", "2 小时 10 分钟"),
        (3 * DAY_MS + 59_000, "3 d", "3 天"),
    ],
)
def test_a_length_of_time_is_told_in_its_two_largest_units(ms: int, en: str, zh: str) -> None:
    assert (formats.duration(ms, "en"), formats.duration(ms, "zh")) == (en, zh)


@pytest.mark.parametrize(
    ("value", "unit", "en", "zh"),
    [
        (1800.0, "s", "1,800 s", "1,800 s"),
        (5400.0, "s", "1.5 h", "1.5 小时"),
        (1200.0, "s/h", "20 min/h", "20 分钟/小时"),
        (0.005, "1/s", "18 /h", "18 /小时"),
        (0.125, "1/h", "3 /d", "3 /天"),
        (360.0, "1/h", "360 /h", "360 /小时"),
        (4.8, "A", "4.8 A", "4.8 A"),
    ],
)
def test_quantities_are_read_in_units_that_people_use(value: float, unit: str, en: str, zh: str) -> None:
    assert formats.quantity(value, unit, "en") == en
    assert formats.quantity(value, unit, "zh") == zh


def test_what_is_compared_is_read_in_one_unit() -> None:
    assert formats.quantity(0.8, "1/h", "en", beside=1.2) == "0.8 /h"
    assert formats.quantity(1.2, "1/h", "en", beside=0.8) == "1.2 /h"
    assert formats.quantity(1800.0, "s", "en", beside=7200.0) == "0.5 h"


def test_a_signal_of_yes_and_no_has_no_tenths_on_its_axis() -> None:
    stats = {f"sos.{stat}": [0.0, 1.0, 0.0] for stat in ("mean", "min", "max")}
    frame = pl.DataFrame({"ts": [0, HOUR_MS, 2 * HOUR_MS], **stats})
    drawn = charts.draw_signal(frame, STANDARD_SIGNALS["sos"], DAY_MS, "zh")
    assert [word in drawn for word in (">否<", ">是<", ">0.5<", ">0.2<")] == [True, True, False, False]


def test_numbers_keep_about_three_digits() -> None:
    shown = [formats.number(value, "en") for value in (1234.5, 91.08, 4.816, 0.0, -59.98)]
    assert shown == ["1,234", "91.1", "4.82", "0", "-60"]
    assert [formats.percent(share, "en") for share in (0.914, 0.004, 0.0, 1.0)] == [
        "91 %",
        "0.4 %",
        "0 %",
        "100 %",
    ]


def test_a_risk_falls_into_the_band_of_its_height() -> None:
    assert [risk_band(risk) for risk in (None, 0.0, 0.2, 0.499, 0.5, 1.0)] == [
        "none",
        "low",
        "medium",
        "medium",
        "high",
        "high",
    ]


def test_the_ranges_of_charts_need_few_points() -> None:
    for length, every in charts.RANGES.values():
        assert 100 <= length / every <= 200


def test_the_first_scores_are_seen_as_points() -> None:
    rows = {"ts": [NOW], "fault": ["brush_jam"], "risk": [0.5], "model": ["brush_jam-1"]}
    first = charts.draw_risks(pl.DataFrame(rows), {"brush_jam": "Brush jamming"}, DAY_MS, "en")
    assert 'aria-roledescription="point"' in first


@pytest.mark.parametrize(("language", "told"), [("en", "computed afterwards"), ("zh", "事后回算")])
def test_risks_that_were_computed_afterwards_are_told_apart(language: Language, told: str) -> None:
    rows = {
        "ts": [NOW - HOUR_MS * n for n in range(40)],
        "fault": ["brush_jam"] * 40,
        "risk": [0.5] * 40,
        "model": ["brush_jam-1"] * 20 + ["hindcast:brush_jam-1"] * 20,
    }
    both = charts.draw_risks(pl.DataFrame(rows), {"brush_jam": "Brush jamming"}, DAY_MS, language)
    ours = charts.draw_risks(pl.DataFrame(rows)[:20], {"brush_jam": "Brush jamming"}, DAY_MS, language)
    assert told in both
    assert told not in ours


def test_remaining_life_is_told_in_both_languages_and_as_more_than_the_cap(house: House) -> None:
    add_risks(house, "R1", {"battery_wear": 0.4, "brush_jam": 0.3})
    client = client_of(house)
    page = client.get("/devices/R1?lang=en", headers=HTML).text
    assert "Remaining life 12 days (5 to 21), 60 run hours (26 to 104)" in page
    assert page.count("Remaining life") == 1, "a jam is no wear"
    assert "剩余寿命约 12 天（5 至 21）" in client.get("/devices/R1?lang=zh", headers=HTML).text
    frame = house.store.latest_risks("R1").with_columns(life_p50_d=pl.lit(21.0))
    house.store.write_risks(frame)
    assert "Remaining life more than 21 days" in client.get("/devices/R1?lang=en", headers=HTML).text


def test_what_is_hardly_known_is_not_told_to_the_tenth() -> None:
    assert [formats.about(value, "en") for value in (12.4, 2.96, 0.44, 0.0)] == ["12", "3", "0.4", "0"]
