"""Sentences of other parts of Sweepwatch are said in Chinese; one nobody translated is marked as English."""

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

import api
from api.console.render.told import SENTENCES, in_chinese, refusal_by_kind, told
from api.console.render.told_of_duty import OF_PLANS
from api.console.render.told_of_plans import plan_mistake_told
from api.console.render.told_of_rules import OF_DOUBTS, OF_RULES, doubt_told, mistake_told
from fleet.text import Text
from fleet.tickets import TicketKind, TicketState
from fleet.workflows import WORKFLOWS
from models.learning.proof import Proof

ROOT = Path(api.__file__).parents[1]
PARTS = ("fleet", "storage", "ingest", "models", "alerts", "notify", "desk", "access", "simulators", "api")


@cache
def written() -> str:
    """Return every text that stands in the source, the table itself left out."""
    found: list[str] = []
    for part in PARTS:
        for path in (ROOT / part).rglob("*.py"):
            if not path.name.startswith("told"):
                tree = ast.walk(ast.parse(path.read_text()))
                found.extend(
                    n.value for n in tree if isinstance(n, ast.Constant) and isinstance(n.value, str)
                )
    return "\n".join(found)


@pytest.mark.parametrize(
    "text", [*SENTENCES, *OF_RULES, *OF_PLANS, *OF_DOUBTS], ids=lambda text: text.en[:40]
)
def test_each_sentence_is_one_that_is_written_and_its_chinese_takes_the_same_values(text: Text) -> None:
    parsed = list(Formatter().parse(text.en))
    for literal, *_ in parsed:
        for piece in re.split(r"; |: |, ", literal):
            assert len(piece) < 8 or piece in written(), piece
    named = {field for _, field, *_ in parsed if field}
    assert {field for _, field, *_ in Formatter().parse(text.zh) if field} == named
    assert re.search(r"[\u4e00-\u9fff]", text.zh)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("not connected to the broker yet", "尚未连接到消息代理"),
        ("the first model of its fault", "该故障的首个模型"),
        ('there is no device "nobody"', '没有设备 "nobody"'),
        ("70000 bytes; at most 65536 are taken", "70000 字节；最多接收 65536 字节"),
        ("R1 is a wristband", "R1 是手环"),
        (
            "reason: say why all the same: two people are needed there; chen is away then",
            "若仍要这样派工，请填写原因：该处需要两人；chen 届时不在岗",
        ),
        ("ticket 7: nobody is to go there", "工单 7 尚未派人"),
        ('site: "x" fits nothing known', '“站点”："x" 与任何已知内容都不符'),
        ("no known signal of a robot is left; its keys are a, b", "不含机器人的已知信号；其键为 a, b"),
        (
            "the champion cannot be used: model file a.skops takes another number of features",
            "在用模型无法使用：模型文件 a.skops 的特征数量不符",
        ),
        (
            "alert 7 is resolved; acknowledged is possible from: firing",
            "告警 7 处于“已解除”；仅可由以下状态变为“已响应”：告警中",
        ),
    ],
)
def test_a_sentence_is_said_in_the_language_of_the_page(english: str, chinese: str) -> None:
    assert told(english, "zh") == chinese
    assert told(english, "en") == english


@pytest.mark.parametrize("text", ["R1 is a fridge", "mosquitto is gone", "<b>", ""])
def test_a_text_that_nobody_knows_has_no_chinese(text: str) -> None:
    assert told(text, "zh") is None


def test_a_refused_step_names_the_states_in_words() -> None:
    with pytest.raises(Exception, match="cannot become") as refused:
        WORKFLOWS[TicketKind.REPAIR].check(TicketState.OPENED, TicketState.REPAIRED)
    said = in_chinese(str(refused.value))
    assert said is not None
    assert "工单处于“已创建”，不能变为“已修复”" in said
    assert not re.search("[a-z]", said)


def test_the_proof_of_a_model_reads_as_it_was_written_in_chinese() -> None:
    text = Proof(0.61, 0.44, 1.2, 0.6).text
    assert in_chinese(text.en) == text.zh


def test_what_is_not_translated_says_of_what_kind_it_is() -> None:
    assert refusal_by_kind(422, "sort: Input should be 'id'") == "参数“sort”无效。"
    assert refusal_by_kind(422, "what is this") == "无法理解该请求。"
    assert refusal_by_kind(404, "nothing of the sort") == "此内容不存在。"


@pytest.mark.parametrize(
    ("english", "where", "why"),
    [
        (
            "rules.fan_falls.when: 'fan' is no condition; write `signal >= number`",
            "规则 fan_falls，键 when 有误",
            "'fan' 不是条件；可写：`signal >= number`",
        ),
        (
            "rules.hot.when: 'battery_tmp_c' is no signal of a robot; allowed: battery_temp_c; "
            "did you mean battery_temp_c?",
            "规则 hot，键 when 有误",
            "'battery_tmp_c' 不是机器人的信号；可用：battery_temp_c；是否指 battery_temp_c？",
        ),
        ("rules.hot.text.zh: is missing", "规则 hot，键 text.zh 有误", "缺少此项"),
        ('rules.hot: unknown key "wen"; allowed: when', "规则 hot 有误", '未知的键 "wen"；可用：when'),
        ("rules.hot.for: something else is wrong", "规则 hot，键 for 有误", None),
        ("not valid YAML: while parsing", "内容有误", "YAML 格式有误：while parsing"),
    ],
)
def test_a_mistake_in_rules_says_in_chinese_where_and_what(english: str, where: str, why: str | None) -> None:
    said = mistake_told(english, "zh")
    assert said is not None
    assert (said.where, said.why) == (where, why)
    assert mistake_told(english, "en") is None


@pytest.mark.parametrize(
    ("english", "line", "key", "why"),
    [
        (
            "plan:12: schedules.night.layers.first.handover: '8' is no handover; write 08:00, or mon 08:00",
            "12",
            "schedules.night.layers.first.handover",
            "'8' 不是交班时间；请写 08:00 或 mon 08:00",
        ),
        (
            "plan:3: schedules: here stands a list, each item after `- `, not a text",
            "3",
            "schedules",
            "此处应为列表，每项以 `- ` 开头，而不是文本",
        ),
        (
            'plan:9: nobody with the address "li@x.cn" may sign in',
            "9",
            "",
            '邮箱为 "li@x.cn" 的人员不存在或已停用',
        ),
        ("plan:2: chains.days.remind: something else is wrong", "2", "chains.days.remind", None),
    ],
)
def test_a_mistake_in_a_plan_says_in_chinese_where_and_what(
    english: str, line: str, key: str, why: str | None
) -> None:
    said = plan_mistake_told(english, "zh")
    assert said is not None
    assert (said.line, said.key, said.why) == (line, key, why)
    assert plan_mistake_told(english, "en") is None


def test_a_doubt_about_rules_is_said_in_chinese() -> None:
    doubt = 'rules.spilled: event "eror" is in no rule that ships; did you mean error?'
    assert doubt_told(doubt, "zh") == '规则 spilled：自带规则中没有事件 "eror"；是否指 error？'
    assert doubt_told(doubt, "en") == doubt
