"""Indicators over HTTP: figures with their cases, the report of a month, and nothing of a foreign site."""

import csv
import io
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, NOW, House, client_of, csrf_of, open_house, signed_in

from benchmarks.harness.case_lives import add_lives
from fleet.events import Subject
from fleet.grants import Permission, Role
from fleet.people import RoleAt, Scope
from storage.records.events import events_after

MONTH = "2026-10"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        add_lives(made.desk, 70, NOW, days=50, a_device=4)
        made.app.state.services.reports.open_tasks()
        yield made


@pytest.fixture(scope="module")
def client(house: House) -> TestClient:
    return client_of(house, Permission.INDICATORS_READ, Permission.INDICATORS_CHANGE)


@pytest.fixture(scope="module")
def browser(house: House) -> TestClient:
    return signed_in(house, RoleAt(Role.ADMIN))


def test_the_cases_behind_each_share_are_as_many_as_it_says(client: TestClient) -> None:
    for item in client.get(f"/api/v1/indicators?month={MONTH}").json()["items"]:
        if item["hits"] is None:
            continue
        address = f"/api/v1/indicators/{item['id']}/cases?month={MONTH}&limit=1000"
        hits, missed = (client.get(f"{address}&hit={hit}").json()["items"] for hit in ("true", "false"))
        assert (len(hits), len(hits) + len(missed)) == (item["hits"], item["count"]), item["id"]
        assert item["value"] == (item["hits"] / item["count"] if item["count"] else None)


def test_groups_add_up(client: TestClient) -> None:
    items = client.get(f"/api/v1/indicators?month={MONTH}&by=region").json()["items"]
    for item in items:
        assert sum(group["count"] for group in item["groups"]) == item["count"], item["id"]


def test_cases_come_page_by_page(client: TestClient) -> None:
    address = f"/api/v1/indicators/opened/cases?month={MONTH}"
    whole = [each["ticket_id"] for each in client.get(f"{address}&limit=1000").json()["items"]]
    seen, cursor = [], ""
    while True:
        page = client.get(f"{address}&limit=20{cursor}").json()
        seen += [each["ticket_id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == whole
    foreign = client.get(f"/api/v1/indicators/opened/cases?month=2026-09{cursor}")
    assert foreign.status_code == 422, "a cursor of another month"


def test_a_young_installation_has_no_share(client: TestClient) -> None:
    items = client.get("/api/v1/indicators?month=2020-01").json()["items"]
    shares = [item for item in items if item["unit"] == "1"]
    assert {(item["value"], item["count"], item["missed"]) for item in shares} == {(None, 0, False)}


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/api/v1/indicators?month=2026-13", 422, "allowed: YYYY-MM"),
        ("/api/v1/indicators?by=colour", 422, "by"),
        ("/api/v1/indicators/none/cases", 404, "there are: response_on_time"),
        ("/api/v1/reports/soon.csv", 422, "allowed: YYYY-MM"),
    ],
)
def test_what_cannot_be_asked_is_named(client: TestClient, path: str, status: int, says: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert says in answer.text


def test_nothing_of_a_foreign_site_counts(house: House) -> None:
    own = client_of(house, Permission.INDICATORS_READ, sites=frozenset({"site03"}))
    items = own.get(f"/api/v1/indicators?month={MONTH}&by=site").json()["items"]
    assert {group["key"] for item in items for group in item["groups"]} == {"site03"}
    cases = own.get(f"/api/v1/indicators/opened/cases?month={MONTH}&limit=1000").json()["items"]
    assert {case["site"] for case in cases} == {"site03"}
    foreign = own.get(f"/api/v1/indicators?month={MONTH}&site=site01").json()["items"]
    assert {item["count"] for item in foreign} == {0}
    page = signed_in(house, RoleAt(Role.MANAGER, Scope.SITE, "site03"), email="own@example.org")
    shown = page.get(f"/indicators?month={MONTH}", headers=HTML).text
    assert "site03" in shown
    assert "site01" not in shown


def test_the_report_as_csv_and_pdf(client: TestClient) -> None:
    told = client.get(f"/api/v1/reports/{MONTH}.csv?lang=zh")
    rows = list(csv.DictReader(io.StringIO(told.content.decode("utf-8-sig"))))
    items = {each["id"]: each for each in client.get(f"/api/v1/indicators?month={MONTH}").json()["items"]}
    whole = {row["indicator"]: row for row in rows if not row["site"]}
    assert set(whole) == set(items)
    assert int(whole["opened"]["count"]) == items["opened"]["count"]
    assert whole["opened"]["name"] == "新建工单"
    for lang in ("en", "zh"):
        paper = client.get(f"/api/v1/reports/{MONTH}.pdf?lang={lang}")
        assert paper.content.startswith(b"%PDF")
        assert paper.headers["content-disposition"] == f'attachment; filename="sweepwatch-{MONTH}.pdf"'


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_pages_lead_to_the_cases(browser: TestClient, lang: str) -> None:
    page = browser.get(f"/indicators?month={MONTH}&lang={lang}", headers=HTML)
    assert page.status_code == 200
    assert f"/indicators/first_time_fix?month={MONTH}" in page.text
    assert "—" in page.text, "nobody gave a score"
    one = browser.get(f"/indicators/response_on_time?month={MONTH}&hit=false&lang={lang}", headers=HTML)
    assert 'href="/tickets/' in one.text


def test_the_task_of_a_missed_indicator_is_opened_once_and_ends(house: House, browser: TestClient) -> None:
    reports = house.app.state.services.reports
    tasks = reports.tasks()
    assert tasks
    assert reports.open_tasks() == 0, "they are there already"
    page = browser.get("/indicators?lang=en", headers=HTML)
    assert tasks[0].title.en in page.text
    done = browser.post(
        f"/indicators/tasks/{tasks[0].id}/done", data={"csrf": csrf_of(browser)}, follow_redirects=False
    )
    assert done.status_code == 303
    again = client_of(house, Permission.INDICATORS_CHANGE).post(
        f"/api/v1/indicators/tasks/{tasks[0].id}/done"
    )
    assert again.status_code == 409
    assert tasks[0].id not in {each.id for each in reports.tasks()}
    with house.desk.transaction() as session:
        told = [event for event in events_after(session, 0, 100_000) if event.subject is Subject.TASK]
    assert {event.what for event in told} == {"opened", "done"}
