"""Stock in the API and on pages: places, pieces, reservations, orders, and what is short."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from helpers.api import NOW, House, add_device, client_of, open_house, signed_in

from fleet.clock import DAY_MS, to_rfc3339
from fleet.engineers import Engineer
from fleet.feedback import PartUsed, Visit
from fleet.grants import Permission, Role
from fleet.part_catalogue import Part
from fleet.people import RoleAt
from fleet.principals import person, schedule
from fleet.sites import Site
from fleet.tickets import TicketState as T
from storage.records.sites import describe_site

ALL = (Permission.PARTS_READ, Permission.PARTS_CHANGE, Permission.PARTS_ORDER, Permission.FLEET_READ)
DEPOT, VAN = "/api/v1/places/depot", "/api/v1/places/van-li"
ZH = {"accept-language": "zh", "accept": "text/html"}


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        by = schedule("tests")
        with made.desk.transaction() as session:
            describe_site(session, Site("pudong", region="east"))
        add_device(made, "R1", site="pudong")
        book = made.services.service
        book.part(Part("brush-bearing", supplier="Acme", lot=5, lead_days=10), by)
        book.part(Part("battery-pack", supplier="Volt", serialised=True, warranty_months=12), by)
        book.engineer(Engineer("e1", "Li", region="east", van="van-li"), by)
        yield made


@pytest.fixture
def client(house: House) -> TestClient:
    made = client_of(house, *ALL)
    for address, kind in ((DEPOT, "depot"), (VAN, "van")):
        assert made.put(address, json={"kind": kind, "region": "east"}).status_code == 200
    return made


@pytest.fixture
def browser(house: House, client: TestClient) -> TestClient:
    assert client
    return signed_in(house, RoleAt(Role.MANAGER), email="manager@example.org")


def book(client: TestClient, kind: str, place: str, quantity: int, **more: object) -> tuple[int, object]:
    said = {"kind": kind, "place": place, "part": "brush-bearing", "quantity": quantity, **more}
    answer = client.post("/api/v1/movements", json=said)
    found = answer.json()
    return answer.status_code, found.get("on_hand", found.get("detail"))


def send(browser: TestClient, page: str, address: str, **fields: str) -> tuple[int, str]:
    """Send a form of a page; return the status and what is shown in Chinese."""
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get(page).text)
    assert found is not None
    answer = browser.post(address, data={"csrf": found[1], **fields}, headers=ZH)
    return answer.status_code, answer.text


@pytest.mark.parametrize("ends", [0, NOW, NOW + 367 * DAY_MS])
def test_nothing_is_held_until_the_past_or_for_good(house: House, client: TestClient, ends: int) -> None:
    book(client, "received", "depot", 5)
    number = house.tickets.report("R1", "brush_jam", person("li"), "it rattles")
    said = {"ticket": number, "part": "brush-bearing", "places": ["depot"], "ends": to_rfc3339(ends)}
    answer = client.post("/api/v1/reservations", json=said)
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "ends: allowed: a time from now on, within a year",
    )


def test_a_place_is_described_and_nobody_overwrites_what_they_have_not_seen(client: TestClient) -> None:
    found = client.get(DEPOT)
    assert (found.headers["etag"], found.json()["kind"], found.json()["region"]) == ('"1"', "depot", "east")
    said = {"name": {"en": "Main depot", "zh": "总库"}, "region": "east", "lat": 31.2, "lon": 121.4}
    assert client.put(DEPOT, json=said, headers={"If-Match": '"1"'}).headers["etag"] == '"2"'
    assert client.put(DEPOT, json=said, headers={"If-Match": '"1"'}).status_code == 412
    assert client.put(DEPOT, json=said | {"lon": None}).json()["detail"] == "lat, lon: allowed: both or none"
    assert [each["id"] for each in client.get("/api/v1/places").json()["items"]] == ["depot", "van-li"]


def test_pieces_move_by_the_api_and_the_ledger_tells_of_it(client: TestClient) -> None:
    assert book(client, "received", "depot", 5) == (201, 5)
    assert book(client, "moved", "depot", 2, to="van-li") == (201, 3)
    assert book(client, "scrapped", "van-li", 1, reason="bent") == (201, 1)
    assert book(client, "counted", "van-li", 4) == (201, 4)
    assert book(client, "returned", "van-li", 1) == (201, 5)
    lines = client.get("/api/v1/movements", params={"place": "van-li"}).json()["items"]
    assert [(each["kind"], each["quantity"]) for each in lines] == [
        ("returned", 1),
        ("counted", 3),
        ("scrapped", 1),
        ("moved", 2),
    ]
    first = client.get("/api/v1/movements", params={"limit": 2})
    rest = client.get("/api/v1/movements", params={"limit": 3, "cursor": first.json()["next_cursor"]})
    assert len(first.json()["items"] + rest.json()["items"]) == 5
    stock = client.get("/api/v1/stock", params={"place": "van-li"}).json()["items"]
    assert [(each["on_hand"], each["free"], each["counted_at"] is None) for each in stock] == [(5, 5, False)]


@pytest.mark.parametrize(
    ("said", "status", "why"),
    [
        ({"kind": "moved"}, 422, "to: say where they go"),
        ({"kind": "received", "to": "van-li"}, 422, "to: allowed with moved, not with received"),
        ({"kind": "scrapped"}, 422, "why: say why they are written off"),
        ({"kind": "used"}, 422, "ticket: say for which case"),
        ({"kind": "moved", "to": "van-li", "quantity": 9}, 409, "5 of brush-bearing are free at depot"),
        ({"kind": "received", "place": "nowhere"}, 404, "there is no place"),
        ({"kind": "received", "part": "brush-bearin"}, 422, "did you mean brush-bearing?"),
        ({"kind": "received", "part": "battery-pack"}, 422, "serials: 0 of 1 pieces"),
        ({"kind": "received", "quantity": 0}, 422, "quantity: 0; allowed: 1 to 100000"),
        ({"kind": "stolen"}, 422, "kind"),
        ({"kind": "used", "ticket": 99}, 404, "there is no ticket 99"),
    ],
)
def test_what_cannot_be_booked_is_refused_in_words(
    client: TestClient, said: dict[str, object], status: int, why: str
) -> None:
    book(client, "received", "depot", 5)
    body = {"place": "depot", "part": "brush-bearing", "quantity": 1} | said
    answer = client.post("/api/v1/movements", json=body)
    assert answer.status_code == status
    assert why in answer.json()["detail"]


def test_what_is_sent_twice_with_one_key_is_booked_once(client: TestClient) -> None:
    said = {"kind": "received", "place": "depot", "part": "brush-bearing", "quantity": 5}
    for _ in range(2):
        answer = client.post("/api/v1/movements", json=said, headers={"Idempotency-Key": "k1"})
        assert (answer.status_code, answer.json()["on_hand"]) == (201, 5)


def test_a_case_holds_a_part_and_lets_go_of_it(house: House, client: TestClient) -> None:
    book(client, "received", "depot", 1)
    number = house.tickets.report("R1", "brush_jam", person("Ada"), "it squeals")
    said = {"ticket": number, "part": "brush-bearing", "places": ["van-li", "depot"]}
    held = client.post("/api/v1/reservations", json=said)
    assert (held.status_code, held.json()["place"], held.json()["state"]) == (201, "depot", "held")
    assert held.json()["ends"] == to_rfc3339(NOW + 7 * DAY_MS)
    again = client.post("/api/v1/reservations", json=said)
    assert again.status_code == 409
    assert again.json()["detail"] == "1 of brush-bearing are free at none of: van-li, depot"
    assert client.get("/api/v1/stock/shortages").json()["items"] == []
    free = client.post(f"/api/v1/reservations/{held.json()['id']}/release", json={"reason": "not needed"})
    assert free.json()["state"] == "released"
    assert client.post("/api/v1/reservations/1/release", json={}).status_code == 409
    told = client.get(f"/api/v1/tickets/{number}").json()["events"]
    assert [each["what"] for each in told][-2:] == ["part_reserved", "part_released"]


def test_a_shortage_names_the_case_that_it_endangers(house: House, client: TestClient) -> None:
    number = house.tickets.report("R1", "brush_jam", person("Ada"), "it squeals")
    (short,) = client.get("/api/v1/stock/shortages").json()["items"]
    assert (short["part"], [each["ticket"] for each in short["cases"]]) == ("brush-bearing", [number])
    book(client, "received", "depot", 1)
    assert client.get("/api/v1/stock/shortages").json()["items"] == []


def test_an_order_is_proposed_ordered_and_arrives_in_parts(house: House, client: TestClient) -> None:
    for back in range(1, 100, 3):
        house.clock.ms = NOW - back * DAY_MS
        number = house.tickets.report("R1", "brush_jam", person("Ada"), "it squeals")
        book(client, "received", "depot", 1)
        book(client, "used", "depot", 1, ticket=number)
    house.clock.ms = NOW
    (found,) = client.get("/api/v1/orders/proposals").json()["items"]
    assert (found["supplier"], found["place"], found["lead_days"]) == ("Acme", "depot", 10)
    assert found["quantity"] % 5 == 0 and 5 <= found["target"] <= found["quantity"] <= 10
    said = {"part": found["part"], "place": "depot", "quantity": found["quantity"]}
    order = client.post("/api/v1/orders", json=said)
    address = order.headers["location"]
    assert (order.json()["state"], client.get("/api/v1/orders/proposals").json()["items"]) == ("proposed", [])
    assert client.post("/api/v1/orders", json=said | {"quantity": 3}).json()["detail"] == (
        "quantity: 3; allowed: multiples of 5"
    )
    early = client.post(f"{address}/arrive", json={"quantity": 1})
    assert early.json()["detail"] == "order 1 is proposed, 0 are to come; not 1 arrive"
    ordered = client.post(f"{address}/order", json={}).json()
    assert (ordered["state"], ordered["expected_at"]) == ("ordered", to_rfc3339(NOW + 10 * DAY_MS))
    partly = client.post(f"{address}/arrive", json={"quantity": 2}).json()
    assert (partly["state"], partly["to_come"]) == ("partly_arrived", found["quantity"] - 2)
    rest = client.post(f"{address}/arrive", json={"quantity": partly["to_come"]}).json()
    assert rest["state"] == "arrived"
    assert client.get("/api/v1/stock").json()["items"][0]["on_hand"] == found["quantity"]
    gone = client.post(f"{address}/cancel", json={"reason": "too late"})
    assert gone.json()["detail"].startswith("order 1 is arrived; cancelled is possible from: proposed")
    assert client.get("/api/v1/orders", params={"state": "arrived"}).json()["items"] == [rest]


def test_a_serial_number_is_found_where_it_is(house: House, client: TestClient) -> None:
    said = {"kind": "received", "place": "depot", "part": "battery-pack", "quantity": 1, "serials": ["S1"]}
    assert client.post("/api/v1/movements", json=said).status_code == 201
    address = "/api/v1/stock/serials"
    asked = {"part": "battery-pack", "serial": "S1"}
    assert client.get(address, params=asked).json()["items"][0]["place"] == "depot"
    assert len(client.get(address, params={"place": "depot"}).json()["items"]) == 1
    assert client.get(address).status_code == 422
    number = house.tickets.report("R1", "battery_wear", person("Ada"), "it is empty")
    for state in (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING):
        house.tickets.change_state(number, state, person("Ada"), "")
    visit = Visit(number, 0, "", None, 30, (PartUsed("battery-pack", 1, "S1"),))
    house.services.closing.visits.write(visit, person("Li"))
    (found,) = client.get(address, params={"device": "R1"}).json()["items"]
    assert (found["serial"], found["warranty_until"][:10]) == ("S1", "2027-11-22")
    (missing,) = client.get("/api/v1/stock/discrepancies").json()["items"]
    assert (missing["place"], missing["part"], missing["quantity"]) == ("van-li", "battery-pack", 1)


def test_the_van_takes_along_what_its_engineers_cases_need(house: House, client: TestClient) -> None:
    book(client, "received", "van-li", 3)
    (found,) = client.get("/api/v1/stock/van-lists").json()["items"]
    assert (found["van"], found["day"], found["take"]) == ("van-li", "2026-11-23", [])
    assert found["give_back"] == [{"part": "brush-bearing", "quantity": 3}]
    later = client.get("/api/v1/stock/van-lists", params={"day": "2026-12-24"}).json()["items"]
    assert later[0]["day"] == "2026-12-24"
    assert client.get("/api/v1/stock/transfers").json()["items"] == []


def test_the_pages_show_what_is_short_and_take_counts_by_phone(house: House, browser: TestClient) -> None:
    number = house.tickets.report("R1", "brush_jam", person("Ada"), "it squeals")
    assert f'href="/tickets/{number}"' in browser.get("/stock").text
    where = "/stock/places/depot"
    status, page = send(
        browser, where, f"{where}/movements", kind="received", part="brush-bearing", quantity="4"
    )
    assert status == 200 and "已保存" in page
    label = browser.get(f"{where}/label/brush-bearing")
    assert label.headers["content-type"].startswith("image/svg+xml") and "<svg" in label.text
    page = browser.get(where).text
    assert f'src="{where}/label/brush-bearing"' in page and f'href="{where}/count/brush-bearing"' in page
    count = f"{where}/count/brush-bearing"
    assert 'maxlength="6"' in browser.get(count).text
    status, page = send(browser, count, count, on_hand="3")
    assert status == 200 and "盘点已保存" in page and "账面 3 件" in page
    status, page = send(browser, count, count, on_hand="many")
    assert status == 422 and "须为 0 到 100000 的整数" in page and 'value="many"' in page
    assert "缺件" not in browser.get("/stock", headers=ZH).text
    page = browser.get(where, headers=ZH).text
    assert "盘点差异" in page and "入库" in page


def test_the_form_of_a_movement_comes_back_with_why_it_was_refused(browser: TestClient) -> None:
    where = "/stock/places/depot"
    fields = {"kind": "moved", "part": "brush-bearing", "quantity": "2", "to": "van-li"}
    status, page = send(browser, where, f"{where}/movements", **fields)
    assert status == 409 and "可用的 brush-bearing 只有 0 件" in page and 'value="2"' in page
    status, page = send(browser, where, f"{where}/movements", **fields | {"quantity": "x"})
    assert status == 422 and "须为 1 到 100000 的整数" in page
    status, page = send(browser, where, f"{where}/movements", **fields | {"to": "nowhere"})
    assert status == 404 and "没有存放处" in page


def test_a_place_is_described_on_the_page(browser: TestClient) -> None:
    fields = {"id": "west", "kind": "depot", "region": "west", "name_zh": "西库", "active": "yes"}
    status, page = send(browser, "/stock", "/stock/places", **fields)
    assert status == 200 and "西库" in page
    status, page = send(browser, "/stock", "/stock/places", **fields)
    assert status == 409 and 'value="西库"' in page
    where = "/stock/places/west"
    status, page = send(browser, where, where, **fields | {"active": "no", "version": "1"})
    assert status == 200 and "已保存" in page and "未启用" in page
    status, page = send(browser, where, where, **fields | {"lat": "99"})
    assert status == 422 and "纬度" in page


def test_orders_are_taken_over_ordered_and_taken_in_on_the_page(browser: TestClient) -> None:
    fields = {"part": "brush-bearing", "place": "depot", "quantity": "5"}
    status, page = send(browser, "/orders", "/orders", **fields)
    assert status == 200 and "待下单" in page and "Acme" in page
    status, page = send(browser, "/orders", "/orders", **fields | {"quantity": "4"})
    assert status == 422 and "须为 5 的倍数" in page
    status, page = send(browser, "/orders", "/orders/1/order", expected="someday")
    assert status == 422 and "不是日期" in page
    status, page = send(browser, "/orders", "/orders/1/order", expected="2026-12-01")
    assert status == 200 and "2026" in page and "已下单" in page
    status, page = send(browser, "/orders", "/orders/1/arrive", quantity="6")
    assert status == 409 and "尚有 5 件未到" in page
    status, page = send(browser, "/orders", "/orders/1/arrive", quantity="5")
    assert status == 200 and "已到货" in page
    send(browser, "/orders", "/orders", **fields)
    status, page = send(browser, "/orders", "/orders/2/cancel", why="")
    assert status == 422
    status, page = send(browser, "/orders", "/orders/2/cancel", why="too many")
    assert status == 200 and "已取消" in page
    assert "brush-bearing" in browser.get("/stock?part=brush-bearing").text


def test_whoever_may_only_look_sees_no_form(house: House, client: TestClient) -> None:
    reader = client_of(house, Permission.PARTS_READ)
    book(client, "received", "depot", 1)
    for address in ("/stock", "/stock/places/depot", "/orders"):
        page = reader.get(address, headers={"accept": "text/html"})
        assert page.status_code == 200
        assert 'method="post" action="/stock' not in page.text
        assert 'method="post" action="/orders' not in page.text
