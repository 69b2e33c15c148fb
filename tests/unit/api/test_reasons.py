"""What the platform itself did and why is told in words of the reader's language."""

import ast
import inspect
import re

import pytest

from alerts.judging import decisions
from api.console.render.reasons import (
    REASONS,
    principal_in_words,
    reason_in_words,
    reporter_in_words,
    rule_in_words,
)
from fleet.principals import model, person, rule, schedule
from fleet.text import Language, Text

RULES = {"stands_in_error": Text("The robot stands in error.", "机器人处于故障状态。")}


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
        ("alert 3: wanted_by:risk", "zh", "告警 3：“风险模型”同样要求建单"),
        ("worsened_by:stands_in_error", "en", "it got worse: The robot stands in error"),
        ("joined_by:gone_rule", "zh", "设备自身也已上报：gone_rule"),
        ("as filed", "zh", "据历史记录"),
        ("confirmed fault: charging_failure", "zh", "已确认故障：充电故障"),
        ("confirmed fault: charging_failure", "en", "confirmed fault: Charging fails"),
        ("confirmed fault: none", "zh", "未发现故障"),
        ("the first model of its fault", "zh", "该故障的首个模型"),
        ("the brush squeals", "zh", "the brush squeals"),
        ("first come {first} served", "zh", "first come {first} served"),
    ],
)
def test_reasons_are_put_into_words_and_what_people_wrote_is_not(
    reason: str, language: Language, words: str
) -> None:
    assert reason_in_words(reason, language, RULES) == words


def test_the_platforms_own_parts_have_names_and_people_keep_theirs() -> None:
    assert principal_in_words(model("risk"), "zh") == "风险模型"
    assert principal_in_words(schedule("history"), "en") == "simulated past"
    assert principal_in_words(person("risk"), "zh") == "risk"


def test_what_a_person_gave_as_a_reason_stays_even_where_the_platform_says_the_same() -> None:
    assert reason_in_words("cleared", "zh", principal=person("li")) == "cleared"
    assert reason_in_words("cleared", "zh", principal=schedule("care")) == "已消除"


def test_a_rule_is_told_by_its_text_or_by_what_it_said_then() -> None:
    assert rule_in_words("stands_in_error", "zh", RULES) == "机器人处于故障状态"
    assert rule_in_words("stands_in_error", "en", RULES) == "The robot stands in error"
    assert [rule_in_words("risk", language) for language in ("en", "zh")] == ["Risk model", "风险模型"]
    assert [rule_in_words("model", language) for language in ("en", "zh")] == ["Check of models", "模型检查"]
    gone = {"rule": "gone", "text": {"en": "It is gone.", "zh": "已消失。"}}
    assert rule_in_words("gone", "zh", RULES, gone) == "已消失"
    assert rule_in_words("gone", "zh", RULES) is None
    assert principal_in_words(rule("stands_in_error"), "zh", RULES) == "机器人处于故障状态"
    assert principal_in_words(rule("gone"), "zh", RULES) == "gone"


def test_who_reported_before_sweepwatch_is_the_customer() -> None:
    assert [reporter_in_words("customer", language) for language in ("en", "zh")] == ["the customer", "客户"]
    assert reporter_in_words("front.desk", "zh") == "front.desk"
