"""Who is in the crew, when they work, and what they keep in mind over a restart."""

import json
from pathlib import Path

from fleet.clock import DAY_MS, HOUR_MS
from simulators.crew import hours
from simulators.crew.customer import Mind, Owned, Post
from simulators.crew.engineer import AtWork
from simulators.crew.mailbox import Mailbox, text_of
from simulators.crew.memory import Minds
from simulators.crew.people import CrewPlan, SiteOf, plan_crew

MONDAY = 1_795_996_800_000 - 8 * HOUR_MS
"""2026-11-30, midnight in Shanghai."""
SITES = [
    SiteOf("mall-01", "mall", (31.23, 121.47), tuple(f"robot-{n:03d}" for n in range(20))),
    SiteOf("mall-02", "mall", (31.24, 121.46), ("robot-100",)),
    SiteOf("office-01", "office", (31.29, 121.56), tuple(f"robot-{n:03d}" for n in range(30, 58))),
]


def test_there_are_engineers_for_the_robots_and_a_customer_for_each_type_of_site() -> None:
    plan = plan_crew(SITES, 1)
    assert plan == plan_crew(SITES, 1) != plan_crew(SITES, 2)
    assert len(plan.engineers) == 5
    assert {skill for each in plan.engineers for skill in each.skills} >= {
        "electrical",
        "navigation",
        "mechanical",
    }
    assert [(each.id, [site.id for site in each.sites]) for each in plan.customers] == [
        ("mall-group", ["mall-01", "mall-02"]),
        ("office-group", ["office-01"]),
    ]
    assert CrewPlan.from_data(json.loads(json.dumps(plan.as_data()))) == plan


def test_shifts_go_by_the_city_s_clock() -> None:
    shifts = {"mon": ("08:00-18:00",), "tue": ("08:00-18:00",)}
    assert (hours.weekday(MONDAY), hours.hour(MONDAY), hours.iso_day(MONDAY)) == (0, 0, "2026-11-30")
    assert not hours.in_shift(shifts, MONDAY + 7 * HOUR_MS)
    assert hours.in_shift(shifts, MONDAY + 8 * HOUR_MS)
    assert not hours.in_shift(shifts, MONDAY + 18 * HOUR_MS)
    assert hours.next_shift(shifts, MONDAY + 9 * HOUR_MS) == MONDAY + DAY_MS + 8 * HOUR_MS
    assert hours.next_shift(shifts, MONDAY + DAY_MS + 9 * HOUR_MS) == MONDAY + 7 * DAY_MS + 8 * HOUR_MS
    assert hours.ms_of("2026-11-29T16:00:00.000Z") == MONDAY and hours.ms_of(None) is None


def test_minds_come_back_whole_and_what_cannot_be_read_is_forgotten(tmp_path: Path) -> None:
    minds = Minds(
        {"li": AtWork("drive", 5, 7, "robot-001", "mall-01", "repair", ["brush_jam"], 3, (31.0, 121.0))}
    )
    minds.customers["mall-group"] = Mind(
        {"robot-001": Owned(5, vain=1)}, [Post("/a/x", 9, {"answer": "confirmed"})]
    )
    minds.save(tmp_path / "minds.json")
    assert Minds.load(tmp_path / "minds.json") == minds
    (tmp_path / "minds.json").write_text("{")
    assert Minds.load(tmp_path / "minds.json") == Minds() == Minds.load(tmp_path / "none.json")


def test_letters_come_in_by_smtp() -> None:
    import smtplib
    from email.message import EmailMessage

    taken: list[tuple[str, str]] = []
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = (
        "维修",
        "a@sweepwatch.invalid",
        "b@customers.sweepwatch.invalid",
    )
    letter.set_content("请确认 http://127.0.0.1:8000/a/abcdefghijkl\n")
    with (
        Mailbox(lambda to, text: taken.append((to, text))) as box,
        smtplib.SMTP("127.0.0.1", box.port, timeout=5) as server,
    ):
        server.send_message(letter)
    assert [(to, "/a/abcdefghijkl" in text) for to, text in taken] == [
        ("b@customers.sweepwatch.invalid", True)
    ]
    assert text_of(b"no message at all") in {"no message at all", ""}
