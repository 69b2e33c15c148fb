"""The console's pages of ingest: the ledger, gaps, names nobody knows, and the quarantine."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from helpers.api import NOW, Counted, House, client_of, furnish, open_house
from hypothesis import given
from hypothesis import strategies as st

from api.console.render.payloads import show_payload, visible
from api.console.render.words import DROPPED, REASONS
from fleet.wire import Dropped, Reason
from storage.records.dropped_values import DroppedValue, DroppedValues
from storage.records.gaps import GapChanges, Gaps, StoredGap
from storage.records.quarantine import Evidence, Quarantine
from storage.records.topics_beside import TopicBeside, TopicsBeside

HTML = {"accept": "text/html"}
TOPIC = "sweepwatch/v1/hongqiao/robot/R1/telemetry"


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Yield a house for tests that change nothing."""
    with open_house(tmp_path_factory.mktemp("house")) as made:
        furnish(made)
        yield made


def quarantine(house: House, *payloads: bytes, device: str | None = "R1", reason: str = "bad_json") -> None:
    Quarantine(house.desk).add(
        [Evidence(TOPIC, device, reason, "why", payload, NOW - n) for n, payload in enumerate(payloads)]
    )


def test_the_ledger_says_since_when_and_that_it_adds_up(client: TestClient) -> None:
    page = client.get("/ingest").text
    for figure in ("1,200", "1,190", "7", "3"):
        assert f'<b class="figure">{figure}</b>' in page
    assert "22 Nov 07:00 UTC, 1 h ago" in page
    assert "It adds up" in page
    assert re.search(r"Not valid JSON</a> <code>bad_json</code></th><td class=\"num\">3", page)
    assert re.search(
        r"Beyond the plausible range</a> <code>out_of_range</code></th><td class=\"num\">2", page
    )


def test_a_ledger_that_does_not_add_up_says_by_how_much(house: House, client: TestClient) -> None:
    house.ledger.append(Counted(received=1205))
    page = client.get("/ingest").text
    assert "It does not add up: 5 readings are unaccounted for." in page
    assert "It adds up" not in page


def test_why_nothing_is_received_stands_on_the_page(house: House, client: TestClient) -> None:
    assert "connected to the broker" in client.get("/ingest").text
    house.wrong["ingest"] = "connection refused by <broker>"
    page = client.get("/ingest").text
    assert "not receiving" in page
    assert "connection refused by &lt;broker&gt;" in page
    assert "未在接收" in client.get("/ingest?lang=zh").text


def test_a_process_without_an_ingester_says_so_and_shows_what_is_stored(
    house: House, client: TestClient
) -> None:
    house.ledger.clear()
    page = client.get("/ingest").text
    assert "No ingester runs in this process" in page
    assert "connected to the broker" not in page
    assert "Unknown signals" in page


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", ["/ingest", "/ingest/gaps", "/ingest/quarantine"])
def test_each_page_names_the_device_and_holds_nothing_that_the_policy_forbids(
    furnished: House, path: str, language: str
) -> None:
    page = client_of(furnished).get(f"{path}?lang={language}").text
    assert "R0007" in page
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert not re.search(r"\s(style|on\w+)=", page)
    assert 'href="/ingest" aria-current="page"' in page


def test_gaps_show_their_ranges_and_go_on_page_by_page(house: House, client: TestClient) -> None:
    gaps = [StoredGap("R1", 1, n, n + 2, NOW - 5000, NOW) for n in range(10, 60, 10)]
    Gaps(house.desk).apply(GapChanges((), (), [*gaps, StoredGap("R2", 1, 4, 4, NOW, NOW)], (), 8))
    first = client.get("/ingest/gaps?device=R1&limit=3").text
    assert ("10–12" in first, "40–42" in first, "R2" in first) == (True, False, False)
    assert "8 older gaps" in first
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = client.get(following[1].replace("&amp;", "&")).text
    assert ("10–12" in second, "40–42" in second) == (False, True)
    assert 'rel="next"' not in second
    assert "This device has no gap." in client.get("/ingest/gaps?device=R9").text


def test_the_quarantine_is_narrowed_by_device_and_reason_and_paged(house: House, client: TestClient) -> None:
    quarantine(house, b"one", b"two", b"three")
    quarantine(house, b"four", reason="bad_ts")
    quarantine(house, b"five", device="R2")
    page = client.get("/ingest/quarantine?device=R1&reason=bad_json&limit=2").text
    assert [word in page for word in ("one", "two", "three", "four", "five")] == [True, True, *[False] * 3]
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    assert "three" in client.get(following[1].replace("&amp;", "&")).text
    assert client.get("/ingest/quarantine?reason=ugly", headers=HTML).status_code == 422
    assert "Nothing in quarantine fits" in client.get("/ingest/quarantine?device=R9").text


def test_only_a_device_of_the_fleet_is_a_link(house: House, client: TestClient) -> None:
    quarantine(house, b"x")
    quarantine(house, b"y", device="ghost")
    page = client.get("/ingest/quarantine").text
    assert 'href="/devices/R1"' in page
    assert "ghost" in page
    assert 'href="/devices/ghost"' not in page


def test_what_went_to_make_room_is_told(house: House, client: TestClient) -> None:
    Quarantine(house.desk, rows_per_device=1).add(
        [Evidence(TOPIC, "R1", "empty", "", bytes([n]), NOW) for n in range(4)]
    )
    assert "3 rows went to make room." in client.get("/ingest/quarantine").text


def test_a_payload_is_shown_and_never_run(house: House, client: TestClient) -> None:
    quarantine(house, b"<script>alert(1)</script>", '"\u202e"'.encode(), b"\x00\xff")
    page = client.get("/ingest/quarantine").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "⟨U+202E⟩" in page
    assert "00 ff" in page


def test_a_device_page_leads_to_its_own_gaps_and_quarantine(furnished: House) -> None:
    client = client_of(furnished)
    page = client.get("/devices/R0007").text
    assert '<a href="/ingest/gaps?device=R0007">3</a>' in page
    assert '<a href="/ingest/quarantine?device=R0007">4</a>' in page
    assert "/ingest/gaps?device" not in client.get("/devices/R0001").text


def test_each_reason_has_a_name_in_both_languages() -> None:
    assert set(REASONS) == set(Reason)
    assert set(DROPPED) == set(Dropped)


@pytest.mark.parametrize(
    ("payload", "truncated", "is_text", "body"),
    [
        (b'{"a": 1}\n', False, True, '{"a": 1}\n'),
        ("电量".encode(), False, True, "电量"),
        ("电量".encode()[:-1], True, True, "电"),
        (b"\xef\xbb\xbf{}", False, True, "⟨U+FEFF⟩{}"),
        ("电量".encode()[:-1], False, False, None),
        (b"a\x00b", False, False, f"0000  {'61 00 62':<47}  a.b"),
        (b"\x80" * 17, False, False, None),
    ],
)
def test_text_is_shown_as_text_and_anything_else_in_hex(
    payload: bytes, truncated: bool, is_text: bool, body: str | None
) -> None:
    shown = show_payload(payload, truncated)
    assert shown.is_text is is_text
    assert body is None or shown.body == body


def test_long_payloads_are_cut_and_say_so() -> None:
    text, raw = show_payload(b"x" * 5000, False), show_payload(b"\x00" * 600, False)
    assert (text.cut, len(text.body)) == (True, 4000)
    assert (raw.cut, len(raw.body.splitlines())) == (True, 32)
    assert text.preview.endswith("x…")
    assert raw.preview.endswith("00 …")


@given(st.binary(max_size=300), st.booleans())
def test_whatever_a_device_sends_every_character_shown_can_be_seen(payload: bytes, truncated: bool) -> None:
    shown = show_payload(payload, truncated)
    assert all(c.isprintable() or c in "\t\n" for c in shown.body + shown.preview)


@given(st.text())
def test_what_can_be_seen_already_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_a_dropped_value_is_found_from_its_device_with_what_was_sent(
    house: House, client: TestClient
) -> None:
    rows = [
        DroppedValue("R1", "battery_pct", "out_of_range", "300", 12, NOW - 5_000, NOW - 1_000),
        DroppedValue("R1", "state", "unknown_state", '"<b>washing"', 1, NOW - 9_000, NOW - 9_000),
    ]
    DroppedValues(house.desk).add(rows)
    assert '<a href="/ingest/dropped?device=R1">2</a>' in client.get("/devices/R1").text
    page = client.get("/ingest/dropped?device=R1").text
    assert page.index("battery_pct") < page.index("&lt;b&gt;washing")
    assert "Beyond the plausible range <code>out_of_range</code>" in page
    assert "washing" not in client.get("/ingest/dropped?reason=out_of_range").text
    assert "超出合理范围" in client.get("/ingest/dropped?lang=zh").text
    answer = client.get(
        "/api/v1/ingest/dropped-values?device=R1&signal=battery_pct&reason=out_of_range"
    ).json()
    assert answer == {
        "items": [
            {
                "device_id": "R1",
                "signal": "battery_pct",
                "reason": "out_of_range",
                "example": "300",
                "count": 12,
                "first_seen": "2026-11-22T07:59:55.000Z",
                "last_seen": "2026-11-22T07:59:59.000Z",
                "withheld": False,
            }
        ],
        "next_cursor": None,
        "evicted": 0,
    }


@pytest.mark.parametrize("what", ["dropped-values", "topics-beside"])
def test_the_lists_come_page_by_page(house: House, client: TestClient, what: str) -> None:
    DroppedValues(house.desk).add(
        [DroppedValue("R1", f"s{n}", "bad_text", "1", 1, NOW, NOW + n // 2) for n in range(5)]
    )
    TopicsBeside(house.desk).add(
        [TopicBeside(f"sweepwatch/{n}", b"", False, 1, NOW, NOW + n // 2) for n in range(5)]
    )
    found, cursor = [], None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = client.get(f"/api/v1/ingest/{what}", params=query).json()
        found += [one.get("signal") or one["topic"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(found) == len(set(found)) == 5


def test_topics_beside_ours_are_shown_with_the_newest_message(house: House, client: TestClient) -> None:
    topic = "sweepwatch/v1/s1/robot/R1/telemtry"
    TopicsBeside(house.desk).add([TopicBeside(topic, b'{"x_m": 1}', False, 1, NOW - 9_000, NOW - 9_000)])
    TopicsBeside(house.desk).add([TopicBeside(topic, b'{"x_m": 2}', False, 2, NOW, NOW)])
    page = client.get("/ingest/beside").text
    assert topic in page
    assert "&#34;x_m&#34;: 2" in page
    item = client.get("/api/v1/ingest/topics-beside").json()["items"][0]
    assert (item["topic"], item["count"], item["payload"]) == (topic, 3, "eyJ4X20iOiAyfQ==")
    few = TopicsBeside(house.desk, most=1)
    few.add([TopicBeside("sweepwatch/other", b"", False, 1, NOW + 1, NOW + 1)])
    assert [one.topic for one in few.find().items] == ["sweepwatch/other"]
    assert few.find().evicted == 1


def test_a_gap_whose_times_run_backwards_says_that_the_clock_did(house: House, client: TestClient) -> None:
    gap = StoredGap("R1", 1, 5, 6, NOW, NOW - 90_000)
    Gaps(house.desk).apply(GapChanges((), (), [gap], (), 0))
    assert "clock went back by 1 min 30 s" in client.get("/ingest/gaps").text
    assert "时钟回退" in client.get("/ingest/gaps?lang=zh").text
