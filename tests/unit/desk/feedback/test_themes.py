"""Remarks are taken apart by what they are about, and a theme that comes more often opens one task."""

from collections import Counter
from dataclasses import replace
from zoneinfo import ZoneInfo

from benchmarks.harness.remarks import TOPICS, generated
from desk.feedback.themes import Themes, themes_of
from fleet.clock import DAY_MS
from fleet.feedback import Feedback, FeedbackSource, Said

NOW = 1_795_334_400_000
"""2026-11-22T08:00:00Z"""
UTC = ZoneInfo("UTC")
PURITY = 0.95
"""Of 204 generated remarks of six topics in two languages at least this share stands with its like."""


def feedback(number: int, remark: str, at: int = NOW, faults: tuple[str, ...] = ()) -> Feedback:
    return Feedback(
        number,
        0,
        Said(3, True, remark),
        FeedbackSource.LINK,
        at,
        "customer",
        None,
        "R1",
        "hall",
        faults,
        number,
    )


def test_remarks_of_six_topics_in_two_languages_stand_with_their_like() -> None:
    for seed in (1,):
        remarks = generated(204, seed)
        topic = {n: topic for n, (_, topic, _) in enumerate(remarks, 1)}
        found = themes_of([feedback(n, text) for n, (text, *_) in enumerate(remarks, 1)], NOW, UTC)
        inside = [[topic[each.id] for each in theme.remarks] for theme in found.themes]
        right = sum(Counter(those).most_common(1)[0][1] for those in inside)
        assert right / len(remarks) >= PURITY, (seed, right, [t.name for t in found.themes])
        assert {each.language for each in found.themes} == {"zh", "en"}
        assert {Counter(those).most_common(1)[0][0] for those in inside} == set(TOPICS)


def test_the_same_remarks_have_the_same_themes() -> None:
    remarks = [feedback(n, text) for n, (text, *_) in enumerate(generated(60), 1)]
    assert themes_of(remarks, NOW, UTC) == themes_of(remarks, NOW, UTC)


def test_a_young_installation_says_that_there_is_not_enough_yet() -> None:
    texts = [text for text, *_ in generated(10)]
    for many in (0, 1, 5, 10):
        found = themes_of([feedback(n, text) for n, text in enumerate(texts[:many], 1)], NOW, UTC)
        assert found.too_few
        assert found.remarks == many
    nothing_in_common = [feedback(n, f"word{n}") for n in range(40)]
    assert themes_of(nothing_in_common, NOW, UTC) == Themes("2026-11", 40, ())
    one_month = [feedback(n, text) for n, (text, *_) in enumerate(generated(120), 1)]
    found = themes_of(one_month, NOW, UTC)
    assert found.too_young and not any(each.is_above for each in found.themes)


def months(of_water: int) -> list[Feedback]:
    """Return half a year of remarks, and this month with so many of water more."""
    texts = [(text, topic) for text, topic, language in generated(480) if language == "en"]
    before = [feedback(n, text, NOW - (25 + n % 150) * DAY_MS) for n, (text, _) in enumerate(texts[:180], 1)]
    own = [feedback(1000 + n, text) for n, (text, _) in enumerate(texts[180:210])]
    water = [text for text, topic in texts if topic == "water"][:of_water]
    more = [feedback(2000 + n, text, faults=("water_leak",)) for n, text in enumerate(water)]
    return [*before, *own, *more]


def test_a_theme_above_its_usual_share_is_told_and_one_as_usual_is_not() -> None:
    assert not any(each.is_above for each in themes_of(months(0), NOW, UTC).themes)
    above = [each for each in themes_of(months(20), NOW, UTC).themes if each.is_above]
    assert above
    first = above[0]
    assert first.faults[0][0] == "water_leak"
    assert first.share is not None and first.usual is not None and first.share > 2 * first.usual
    later = themes_of([replace(each, at=each.at - 200 * DAY_MS) for each in months(20)], NOW, UTC)
    assert all(each.share is None and not each.is_above for each in later.themes)
