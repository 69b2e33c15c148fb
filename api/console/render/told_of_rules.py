"""What is wrong with a document of rules (alerts/judging/), as the console says it in Chinese.

Its English says most of it in words of the document itself; what nobody translated stands behind its place.
"""

import re
from dataclasses import dataclass

from api.console.render.told import in_chinese, sentences
from api.console.render.told_of_files import OF_FILES
from fleet.text import Language, Text

OF_RULES = (
    *OF_FILES,
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
    Text("{0} is no signal of a {1:kind}, but {2}", "{0} 不是{1}的信号，而是 {2}"),
    Text(
        "{0} is no place of the file; describe it under `places`", "文件中没有地点 {0}；请在 `places` 中描述"
    ),
    Text(
        "{0} is no group of the file; describe it under `groups`", "文件中没有分组 {0}；请在 `groups` 中描述"
    ),
    Text(
        "it is told at another time than `when`; readings, hours and models stay apart",
        "其数据到达时间与 `when` 不同；读数、小时汇总与模型不能混用",
    ),
    Text(
        "{0} joins what is told at different times; readings, hours and models stay apart",
        "{0} 混用了不同时间到达的数据；读数、小时汇总与模型须分开",
    ),
    Text("{0} is kept for alerts of models; choose another name", "{0} 专用于模型告警；请另取名称"),
    Text(
        "`when: offline` needs `absent`: for how long nothing is heard, such as 30m",
        "`when: offline` 需要 `absent`：多久没有消息，例如 30m",
    ),
    Text(
        "`absent` belongs to `when: offline`, and to nothing else", "`absent` 只能与 `when: offline` 一起使用"
    ),
    Text("`for` is at most {0}d; write a window over hours instead", "`for` 最长 {0}d；更长请改用小时窗口"),
    Text(
        "an offline rule clears when the device is heard again; leave out `clear`",
        "离线规则在设备恢复消息时自动解除；请去掉 `clear`",
    ),
    Text(
        "`clear: event ...` belongs to `when: event ...`",
        "`clear: event ...` 只能与 `when: event ...` 一起使用",
    ),
    Text("an event's alert is ended by an event or by hand", "事件告警只能由事件或人工解除"),
    Text("`levels` and `stuck` go with a condition over signals", "`levels` 与 `stuck` 只用于信号条件"),
    Text(
        "levels.{0}: worse than the rule's own level {1} only; {2}",
        "levels.{0}：只能高于规则自身的等级 {1}；{2}",
    ),
    Text("levels.{0}: it is told at another time than `when`", "levels.{0}：其数据到达时间与 `when` 不同"),
    Text(
        "levels.{0}: it holds whenever `when` does; give it a threshold beyond",
        "levels.{0}：只要 `when` 成立它就成立；请取更严的阈值",
    ),
    Text("fault {0} goes with {1}, {2} or events in `when`", "故障 {0} 须在 `when` 中使用 {1}、{2} 或事件"),
    Text(
        "with fault {0} the device says when it is over; leave out `clear`",
        "故障为 {0} 时由设备自行报告结束；请去掉 `clear`",
    ),
    Text("{0} names several words; write {1}", "{0} 列出了多个词；可写：{1}"),
    Text("{0} is a duration; write {1}", "{0} 是时长；可写：{1}"),
    Text("{0} is no duration; write {1}", "{0} 不是时长；可写：{1}"),
    Text("{0} is no number; write {1}", "{0} 不是数值；可写：{1}"),
    Text("{0} is true or false; write {1}", "{0} 为真假值；可写：{1}"),
    Text("{0} is a number; write {1}", "{0} 是数值；可写：{1}"),
    Text("{0} is one of a few; write {1}", "{0} 只取若干固定值；可写：{1}"),
    Text("{0}: only texts are compared so", "{0}：只有文本可以这样比较"),
    Text("{0} is no regular expression: {1}", "{0} 不是正则表达式：{1}"),
    Text("{0}: a window has a measure and a length; write {1}", "{0}：窗口需有度量和长度；可写：{1}"),
    Text("{0}: `while` goes with a window; write {1}", "{0}：`while` 只用于窗口；可写：{1}"),
    Text(
        "while {0}: neither a state nor true or false; allowed: {1}; did you mean {2}?",
        "while {0}：既不是状态也不是真假值；可用：{1}；是否指 {2}？",
    ),
    Text(
        "while {0}: neither a state nor true or false; allowed: {1}",
        "while {0}：既不是状态也不是真假值；可用：{1}",
    ),
    Text(
        "{0}: only a mean is told so; write what must last as a comparison of its own, such as {1}",
        "{0}：只有均值可以这样写；须持续的状态请另写一个比较，例如 {1}",
    ),
    Text("{0} has no hourly {1}: it is no number", "{0} 不是数值，没有小时 {1}"),
    Text("{0} is no counter and has no rise; write {1}", "{0} 不是计数器，没有 rise；可写：{1}"),
    Text(
        "time of {0}: only what is true or false has a time; write {1}",
        "time of {0}：只有真假值才有时间；可写：{1}",
    ),
    Text("{0}: it is no number; write {1}", "{0}：它不是数值；可写：{1}"),
    Text("{0}: `over` is from {1}", "{0}：`over` 的范围为 {1}"),
    Text("no {0} is told of {1}; allowed: {2}; did you mean {3}?", "{1} 没有 {0}；可用：{2}；是否指 {3}？"),
    Text("no {0} is told of {1}; allowed: {2}", "{1} 没有 {0}；可用：{2}"),
    Text("[{0}, {1}] is no latitude and longitude", "[{0}, {1}] 不是纬度和经度"),
    Text(
        "place {0} is in {1}, in which a {2:kind} does not say where it is; allowed: {3}",
        "地点 {0} 以 {1} 描述，而{2}不以此报告位置；可用：{3}",
    ),
    Text(
        "`every` and `until` go together: {0}",
        "`every` 与 `until` 须同时使用：{0}",
    ),
    Text(
        "`until` is not before `at`, and `every` is longer than nothing",
        "`until` 不得早于 `at`，且 `every` 须大于零",
    ),
    Text("it is repeated at most {0} times", "最多重复 {0} 次"),
    Text("`at` counts from the beginning and never goes back", "`at` 从头计时，不能倒退"),
    Text("{0}: {1} does not fit it", "{0}：{1} 与之不符"),
    Text(
        "{0} is no part of a day; write two times, such as 08:00-18:30",
        "{0} 不是一天中的时段；请写两个时间，例如 08:00-18:30",
    ),
    Text(
        "{0} begins when it ends; leave `hours` out for the whole day",
        "{0} 的开始与结束相同；全天请去掉 `hours`",
    ),
    Text(
        "it names nothing, and would never fit; leave it out for all",
        "未列出任何内容，永远不会匹配；如指全部请去掉此项",
    ),
    Text("{0}: allowed: {1} to {2}", "{0}：允许 {1} 至 {2}"),
    Text("allowed: {0}", "可用：{0}"),
)
OF_DOUBTS = (
    Text(
        "rules.{0}: event {1} is in no rule that ships; did you mean {2}?",
        "规则 {0}：自带规则中没有事件 {1}；是否指 {2}？",
    ),
)
_KNOWN = sentences(OF_RULES)
_DOUBTS = sentences(OF_DOUBTS)
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


def doubt_told(text: str, language: Language) -> str | None:
    """Return what to look at again in the language of the page; None where only its English is there."""
    return text if language == "en" else in_chinese(text, _DOUBTS)
