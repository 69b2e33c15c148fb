"""What the platform itself did and why is told in words of the reader's language."""

import ast
import inspect
import re

import pytest

from alerts.judging import decisions
from api.console.render.reasons import REASONS, principal_in_words, reason_in_words
from fleet.principals import model, person, schedule
from fleet.text import Language


def named_reasons() -> set[str]:
    """Return every reason for which the rules change an alert, without what follows a colon."""
    found: set[str] = set()
    for call in ast.walk(ast.parse(inspect.getsource(decisions))):
        if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Decision"):
            continue
        state, reason = call.args
        if isinstance(state, ast.Constant):
            continue  # None: nothing changes, and nobody is told
        if isinstance(reason, ast.Name):
            reason = ast.Constant(getattr(decisions, reason.id, None))
        if isinstance(reason, ast.JoinedStr):
            reason = reason.values[0]
        if isinstance(reason, ast.Constant) and isinstance(reason.value, str):
            found.add(reason.value.partition(":")[0])
    return found


def test_every_reason_of_the_rules_has_words_in_both_languages() -> None:
    assert len(named_reasons()) > 5
    assert named_reasons() <= REASONS.keys()
    for text in REASONS.values():
        assert re.search(r"[\u4e00-\u9fff]", text.zh)
        assert text.en.count("{}") == text.zh.count("{}")


@pytest.mark.parametrize(
    ("reason", "language", "words"),
    [
        ("alert 17: first", "zh", "告警 17：首次出现"),
        ("alert 17: recurrence_of:9", "en", "alert 17: again, after alert 9"),
        ("the brush squeals", "zh", "the brush squeals"),
        ("first come {first} served", "zh", "first come {first} served"),
    ],
)
def test_reasons_are_put_into_words_and_what_people_wrote_is_not(
    reason: str, language: Language, words: str
) -> None:
    assert reason_in_words(reason, language) == words


def test_the_platforms_own_parts_have_names_and_people_keep_theirs() -> None:
    assert principal_in_words(model("risk"), "zh") == "风险模型"
    assert principal_in_words(schedule("history"), "en") == "simulated past"
    assert principal_in_words(person("risk"), "zh") == "risk"
