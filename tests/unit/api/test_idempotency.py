"""A ticket is opened once, however often the same request is sent with the same Idempotency-Key."""

import threading

import pytest
from fastapi.testclient import TestClient
from helpers.api import House, add_device
from sqlalchemy import func, select

from fleet.clock import DAY_MS, MINUTE_MS
from storage.records.answers import KeptAnswerRow, KeptAnswers, KeyedRequest

PATH = "/api/v1/tickets"
REPORT = {"device_id": "R1", "fault": "water_leak", "reason": "water in the lobby", "who": "front.desk"}
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


def events(client: TestClient, ticket_id: int = 1) -> int:
    return len(client.get(f"{PATH}/{ticket_id}").json()["events"])


def test_the_same_key_gets_the_same_answer_and_changes_nothing(house: House, client: TestClient) -> None:
    first = client.post(PATH, json=REPORT, headers=KEY)
    house.clock.ms += 5 * MINUTE_MS
    client.patch(f"{PATH}/1", json={"state": "accepted", "reason": "on my way"})
    again = client.post(PATH, json=REPORT, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert [again.headers[name] for name in ("location", "etag")] == ["/api/v1/tickets/1", '"1"']
    assert events(client) == 2
    client.post(PATH, json=REPORT)
    assert events(client) == 3  # without the key the report is noted again


def test_what_is_left_to_its_default_is_the_same_request(client: TestClient) -> None:
    report = {name: value for name, value in REPORT.items() if name != "who"}
    first = client.post(PATH, json=report, headers=KEY)
    assert client.post(PATH, json=report | {"who": None}, headers=KEY).content == first.content


def test_a_key_used_for_another_request_is_refused(client: TestClient) -> None:
    client.post(PATH, json=REPORT, headers=KEY)
    other = client.post(PATH, json=REPORT | {"fault": "brush_jam"}, headers=KEY)
    assert other.status_code == 422
    assert "was used for another request" in other.json()["detail"]
    assert len(client.get(PATH).json()["items"]) == 1


def test_a_request_that_failed_may_be_sent_again_with_its_key(house: House, client: TestClient) -> None:
    report = REPORT | {"device_id": "R2"}
    assert client.post(PATH, json=report, headers=KEY).status_code == 404
    add_device(house, "R2")
    assert client.post(PATH, json=report, headers=KEY).status_code == 201


def test_a_key_is_free_again_after_a_day(house: House, client: TestClient) -> None:
    client.post(PATH, json=REPORT, headers=KEY)
    house.clock.ms += DAY_MS - 1
    assert client.post(PATH, json=REPORT | {"reason": "x"}, headers=KEY).status_code == 422
    house.clock.ms += 1
    assert client.post(PATH, json=REPORT | {"reason": "x"}, headers=KEY).status_code == 201
    with house.desk.transaction() as session:
        assert session.scalar(select(func.count()).select_from(KeptAnswerRow)) == 1


def test_while_a_request_is_handled_the_same_is_told_to_wait_until_it_must_have_died(
    house: House, client: TestClient
) -> None:
    first = client.post(PATH, json=REPORT, headers=KEY)
    with house.desk.transaction() as session:  # as a process that died before it could keep its answer
        row = session.scalars(select(KeptAnswerRow)).one()
        row.status, row.body = None, ""
    assert client.post(PATH, json=REPORT, headers=KEY).status_code == 409
    house.clock.ms += MINUTE_MS
    again = client.post(PATH, json=REPORT, headers=KEY)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert client.post(PATH, json=REPORT, headers=KEY).content == again.content


def test_of_many_at_once_one_is_handled(house: House) -> None:
    answers = KeptAnswers(house.desk)
    outcomes: list[str] = []

    def begin() -> None:
        try:
            outcomes.append(str(answers.begin(KeyedRequest("op", "key", "digest"), house.clock.ms)))
        except Exception as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["Conflict"] * 5 + ["None"]


@pytest.mark.parametrize("key", ["", "x" * 256, "two words"])
def test_a_key_that_is_none_is_refused(client: TestClient, key: str) -> None:
    answer = client.post(PATH, json=REPORT, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["name"] == "idempotency-key"
    assert client.get(PATH).json()["items"] == []
