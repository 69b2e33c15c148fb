"""What is wrong with a document of rules (alerts/judging/), as the console says it in Chinese.

Its English says most of it in words of the document itself; what nobody translated stands behind its place.
"""

import re
from dataclasses import dataclass

from api.console.render.told import in_chinese, sentences
from fleet.text import Language, Text

OF_RULES = (
    Text("is missing", "缺少此项"),
    Text("must not be empty", "不能为空"),
    Text("used twice; each rule needs a name of its own", "名称重复；每条规则须有自己的名称"),
    Text(
        "{0} is no condition; words are separated by commas, others stand in quotes",
        "{0} 不是条件；词语以逗号分隔，其他文本须加引号",
    ),
    Text("{0} is no condition; write {1}", "{0} 不是条件；可写：{1}"),
    Text("{0} compares wrongly; write {1}", "{0} 的比较写法有误；可写：{1}"),
    Text(
        "{0} is no signal of a {1:kind}; allowed: {2}; did you mean {3}?",
        "{0} 不是{1}的信号；可用：{2}；是否指 {3}？",
    ),
    Text("{0} is no signal of a {1:kind}; allowed: {2}", "{0} 不是{1}的信号；可用：{2}"),
    Text(
        "{0} is no fault of a {1:kind}; allowed: {2}; did you mean {3}?",
        "{0} 不是{1}的故障；可用：{2}；是否指 {3}？",
    ),
    Text("{0} is no fault of a {1:kind}; allowed: {2}", "{0} 不是{1}的故障；可用：{2}"),
    Text("{0} is no state; allowed: {1}; did you mean {2}?", "{0} 不是状态；可用：{1}；是否指 {2}？"),
    Text("{0} is no state; allowed: {1}", "{0} 不是状态；可用：{1}"),
    Text("unknown key {0}; allowed: {1}; did you mean {2}?", "未知的键 {0}；可用：{1}；是否指 {2}？"),
    Text("unknown key {0}; allowed: {1}", "未知的键 {0}；可用：{1}"),
    Text(
        "{0} is no duration; write a number and s, m, h or d, such as 90s or 30m",
        "{0} 不是时长；请写数字加 s、m、h 或 d，例如 90s 或 30m",
    ),
    Text(
        "{0} is no name; allowed: small letters, digits and _, a letter first, up to 64",
        "{0} 不能作为名称；可用小写字母、数字和 _，以字母开头，最长 64 个字符",
    ),
    Text(
        "a value could satisfy both `when` and `clear` ({0}; {1}); let `clear` name a signal of `when` and "
        "the other side of its threshold",
        "同一数值可能同时满足 `when` 与 `clear`（{0}；{1}）；`clear` 须取 `when` 中的信号及其阈值的另一侧",
    ),
    Text("{0} can never hold: its parts exclude each other", "{0} 永远不会成立：各部分互相排斥"),
    Text("not valid YAML: {0}", "YAML 格式有误：{0}"),
    Text("{0}: allowed: {1} to {2}", "{0}：允许 {1} 至 {2}"),
    Text("allowed: {0}", "可用：{0}"),
)
_KNOWN = sentences(OF_RULES)
_IN_RULE = re.compile(r"rules\.([^.:\s]+)(?:\.([^:\s]+))?: (.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MistakeTold:
    """A mistake in Chinese: where it is, and what is wrong (None where only English says it)."""

    where: str
    why: str | None


def mistake_told(text: str, language: Language) -> MistakeTold | None:
    """Return where a mistake is and what is wrong, in Chinese; None on an English page."""
    if language == "en":
        return None
    found = _IN_RULE.fullmatch(text)
    if found is None:
        return MistakeTold("内容有误", in_chinese(text, _KNOWN))
    rule, key, why = found.groups()
    place = f"规则 {rule}，键 {key}" if key else f"规则 {rule}"
    return MistakeTold(f"{place} 有误", in_chinese(why, _KNOWN))
