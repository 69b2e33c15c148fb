"""The pages of customers, engineers and lists: what is typed is kept, and what is refused comes back."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from helpers.api import House, add_device, open_house, signed_in

from fleet.grants import Role
from fleet.people import RoleAt
from fleet.principals import person
from fleet.sites import Site
from storage.records.customers import contract_of, customer_of
from storage.records.engineers import engineer_of, region_at
from storage.records.sites import describe_site


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        with made.desk.transaction() as session:
            describe_site(session, Site("pudong", customer="hotel", region="east"))
        add_device(made, "R1", site="pudong")
        made.tickets.report("R1", "brush_jam", person("Ada"), "it squeals")
        yield made


@pytest.fixture(scope="module")
def browser(house: House) -> TestClient:
    return signed_in(house, RoleAt(Role.MANAGER), email="manager@example.org")


def csrf(browser: TestClient, address: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get(address).text)
    assert found is not None
    return found[1]


def send(browser: TestClient, page: str, address: str, **fields: object) -> tuple[int, str]:
    """Send a form of a page; return the status and what is shown in Chinese."""
    data = {"csrf": csrf(browser, page), **fields}
    answer = browser.post(address, data=data, headers={"accept-language": "zh", "accept": "text/html"})
    return answer.status_code, answer.text


def test_a_customer_whom_sites_name_is_described(house: House, browser: TestClient) -> None:
    assert "<code>hotel</code>" in browser.get("/customers").text, "sites name it"
    fields = {
        "id": "hotel",
        "name_zh": "上海酒店",
        "tier": "A",
        "plan": "gold",
        "visits": ["before_8", "weekends"],
    }
    status, page = send(
        browser, "/customers", "/customers", **fields, contact_phone="+86 21 5555", active="yes"
    )
    assert status == 200 and "上海酒店" in page
    for shown in ("tel:+86215555", "金牌版", "早 8 点前", "1 台设备", "pudong", "#1"):
        assert shown in page, shown
    with house.desk.transaction() as session:
        kept = customer_of(session, "hotel")
    assert sorted(kept.visits) == ["before_8", "weekends"]
    status, page = send(browser, "/customers/hotel", "/customers/hotel", tier="B", version="7")
    assert status == 409 and "已被他人更改" in page
    status, page = send(browser, "/customers/hotel", "/customers/hotel", contact_phone="call", version="1")
    assert status == 422 and "“电话”：&#34;call&#34; 无效" in page and 'value="call"' in page


def test_a_contract_is_added_on_its_customers_page(house: House, browser: TestClient) -> None:
    send(browser, "/customers", "/customers", id="hotel")
    where = "/customers/hotel/contracts"
    fields = {"number": "K-1", "plan": "premium", "begins": "2026-01-01", "version": "0"}
    status, page = send(browser, "/customers/hotel", where, **fields, includes=["parts", "labour"])
    assert status == 200 and "K-1" in page and "执行中" in page
    with house.desk.transaction() as session:
        assert contract_of(session, "K-1").includes == {"parts", "labour"}
    status, page = send(browser, "/customers/hotel", where, **fields | {"number": "K-2"}, ends="2025-01-01")
    assert status == 422 and "早于开始日期" in page


def test_an_engineer_and_a_region(house: House, browser: TestClient) -> None:
    fields = {
        "id": "e1",
        "name": "李伟",
        "region": "east",
        "skills": ["electrical", "mechanical"],
        "certificates": "电工证|electrical|E-1||2026-11-01\r\n叉车证|||",
        "shifts": "mon 08:00-12:00 13:00-17:00\r\ntue 08:00-12:00",
        "active": "yes",
    }
    status, page = send(browser, "/engineers", "/engineers", **fields)
    assert status == 422 and "“证书”：&#34;叉车证|||&#34; 有 4 部分" in page
    status, page = send(
        browser, "/engineers", "/engineers", **fields | {"certificates": "电工证|electrical|E-1||2026-11-01"}
    )
    assert status == 200 and "已于 2026-11-01 过期" in page and "不生效" in page and "周一" in page
    with house.desk.transaction() as session:
        assert engineer_of(session, "e1").shifts["tue"] == ("08:00-12:00",)
    status, page = send(browser, "/engineers", "/regions", id="east", director="e1")
    assert status == 200 and "证书已过期" in page
    with house.desk.transaction() as session:
        region = region_at(session, "pudong")
    assert region is not None and region.director == "e1"
    status, page = send(browser, "/engineers", "/regions", id="east", leader="nobody")
    assert status == 422 and "没有工程师 &#34;nobody&#34;" in page


def test_a_list_is_looked_at_and_then_taken(house: House, browser: TestClient) -> None:
    def upload(content: bytes) -> str:
        files = {"file": ("parts.csv", content, "text/csv")}
        data = {"csrf": csrf(browser, "/lists")}
        return browser.post("/lists/parts", data=data, files=files, headers={"accept-language": "zh"}).text

    page = upload(b"code;price\nbrush;12\nfan;much\n")
    assert "将导入：新增 1，更改 0，不变 0；拒绝 1" in page
    assert "无效；须为 0 到 1e+09 的数字" in page
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    status, page = send(browser, "/lists", "/lists/parts/take", key=key[1])
    assert status == 200 and "已导入：新增 1" in page
    status, page = send(browser, "/lists", "/lists/parts/take", key=key[1])
    assert status == 409 and "该文件已不存在" in page
    assert "没有列 &#34;prize&#34;；允许：code" in upload(b"code,prize\n")
    assert "请先选择 CSV 文件" in upload(b"")
    assert browser.get("/lists/parts.csv").text.startswith("\ufeffcode,name_en")


def test_a_viewer_sees_no_numbers_and_no_forms(house: House, browser: TestClient) -> None:
    send(browser, "/customers", "/customers", id="inn", contact_phone="+86 777", notes="the back door")
    send(browser, "/engineers", "/engineers", id="e9", name="Wu", phone="+86 999", active="yes")
    viewer = signed_in(house, RoleAt(Role.VIEWER), email="viewer@example.org")
    for address in ("/customers", "/customers/inn", "/engineers", "/engineers/e9"):
        page = viewer.get(address)
        assert page.status_code == 200
        for hidden in ("777", "999", "back door", 'method="post" action="/customers', 'action="/engineers'):
            assert hidden not in page.text, (address, hidden)
