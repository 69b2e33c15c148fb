"""What pages show is in words of the page's language: no machine names, and English is marked as such."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.api import NOW, House, add_device, raise_alert

import api
from alerts.judging.rule_file import load_rules
from storage.records.alerts import AlertRow
from storage.records.devices import Devices, ReportedEvent
from storage.records.quarantine import Evidence, Quarantine
from storage.records.tickets import SuspicionRow

HTML = {"accept": "text/html"}


def test_a_rules_alert_says_what_the_rule_says_and_keeps_its_name_as_a_title(
    house: House, client: TestClient
) -> None:
    raise_alert(house, "R1", "brush_jam", 0.9)
    assert '<span title="risk">风险模型</span>' in client.get("/alerts?lang=zh").text
    assert '<span title="risk">Risk model</span>' in client.get("/alerts?lang=en").text
    for name, shown in (
        ("reports_code", "机器人报告了错误代码</span>"),
        ("gone_rule", "<code>gone_rule</code>"),
    ):
        with house.desk.transaction() as session:
            session.get_one(AlertRow, 1).rule = name
        assert shown in client.get("/alerts?lang=zh").text


def test_the_console_knows_the_text_of_every_rule(house: House) -> None:
    assert house.app.state.services.rules.keys() == {each.name for each in load_rules()}


def test_a_device_that_told_of_no_model_is_of_an_unknown_one(house: House, client: TestClient) -> None:
    add_device(house, "R2", model="unknown")
    for path in ("/", "/devices/R2"):
        assert "unknown<" not in client.get(f"{path}?lang=zh").text
        assert "未知<" in client.get(f"{path}?lang=zh").text
        assert "unknown<" in client.get(f"{path}?lang=en").text


def test_a_case_from_before_reads_in_the_language_of_the_page(house: House, client: TestClient) -> None:
    raise_alert(house, "R1", "brush_jam", 0.9)
    with house.desk.transaction() as session:
        row = session.get_one(SuspicionRow, 1)
        row.evidence = {"source": "report", "who": "customer", "why": "as filed"}
    page = client.get("/tickets/1?lang=zh").text
    assert "据历史记录" in page
    assert "客户" in page
    assert "as filed" not in page
    assert "Reported by the customer: as filed" in client.get("/tickets/1?lang=en").text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/devices/nobody", "没有设备 &#34;nobody&#34;"),
        ("/nowhere", "地址 /nowhere 不存在"),
        ("/?sort=colour", '参数“sort”无效。<br><code lang="en">sort: Input should be'),
    ],
)
def test_an_error_page_speaks_the_browsers_language(client: TestClient, path: str, shown: str) -> None:
    page = client.get(path, headers=HTML | {"accept-language": "zh-CN"}).text
    assert shown in page
    assert '<html lang="zh-CN">' in page
    assert "参数" not in client.get(path, headers=HTML).text


def test_a_refused_form_says_why_in_chinese(house: House, client: TestClient) -> None:
    raise_alert(house, "R1", "brush_jam", 0.9)
    answer = client.post("/tickets/1/state?lang=zh", data={"state": "cancelled", "why": "", "who": "li"})
    assert answer.status_code == 422
    assert "必须填写原因" in answer.text


def test_why_nothing_is_received_is_said_in_chinese_or_marked_as_english(
    house: House, client: TestClient
) -> None:
    house.wrong["ingest"] = "not connected to the broker yet"
    assert "尚未连接到消息代理" in client.get("/ingest?lang=zh").text
    assert "not connected to the broker yet" in client.get("/ingest?lang=en").text
    house.wrong["ingest"] = "the cable is <cut>"
    assert '<code lang="en">the cable is &lt;cut&gt;</code>' in client.get("/ingest?lang=zh").text


def test_the_detail_of_a_message_turned_away_is_translated_or_marked_as_english(
    house: House, client: TestClient
) -> None:
    details = ("no payload", "unexpected end of data: line 1 column 2 (char 1)")
    Quarantine(house.desk).add(
        [Evidence(f"t/{n}", "R1", "bad_json", detail, b"{", NOW) for n, detail in enumerate(details)]
    )
    page = client.get("/ingest/quarantine?lang=zh").text
    assert "<small>没有内容</small>" in page
    assert '<small><code lang="en">unexpected end of data' in page
    assert "<small>no payload</small>" in client.get("/ingest/quarantine?lang=en").text


def told_of(page: str) -> str:
    """Return what stands in the list of events, each run of white space as one space."""
    found = re.search(r'<ul class="stack events">.*?</ul>', page, re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ("Part replaced", "Part Battery pack", "Fault Battery worn", "Error code B12 battery worn")),
        ("zh", ("已更换部件", "部件 电池组", "故障 电池老化", "错误代码 B12 电池老化", "报错")),
    ],
)
def test_what_a_device_told_of_is_in_words(
    house: House, client: TestClient, language: str, shown: tuple[str, ...]
) -> None:
    events = [
        ("part_replaced", {"part": "battery-pack", "fault": "battery_wear"}),
        ("error", {"error_code": "B12"}),
        ("odd_thing", {"size": 3, "part": "a-leg", "error_code": "Z99"}),
    ]
    Devices(house.desk).record_events(
        [ReportedEvent("R1", NOW - n, code, detail, NOW) for n, (code, detail) in enumerate(events)]
    )
    page = client.get(f"/devices/R1?lang={language}").text
    for words in shown:
        assert words in told_of(page)
    assert "battery-pack" not in page
    for raw in ("odd_thing", "size", "3", "a-leg", "Z99"):
        assert f"<code>{raw}</code>" in page


def test_no_field_takes_more_than_its_form_may_hold() -> None:
    templates = Path(api.__file__).parent / "console" / "templates"
    fields = [
        (path.name, field)
        for path in templates.rglob("*.html")
        for field in re.findall(
            r"<(?:input|textarea)\b[^>]*>", re.sub(r"\{[{%].*?[}%]\}", "1", path.read_text())
        )
        if not re.search(r'type="(hidden|checkbox|radio|number|file|date)"|readonly', field)
    ]
    assert len(fields) > 30
    assert [each for each in fields if not re.search(r'maxlength="\d+"', each[1])] == []
