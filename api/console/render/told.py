"""Sentences that other parts of Sweepwatch write in English, as the console says them in Chinese.

They are kept and logged in English; a page looks them up here. One that is not here stays English, and the
page marks it as such.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from string import Formatter

from api.console.render.prove_words import OF_PROOFS
from api.console.render.service_words import COLUMNS
from api.console.render.told_at_doors import AT_DOORS
from api.console.render.told_of_cases import OF_CASES
from api.console.render.told_of_closing import OF_CLOSING
from api.console.render.told_of_dispatch import OF_DISPATCH
from api.console.render.told_of_duty import OF_DUTY
from api.console.render.told_of_intake import OF_INTAKE
from api.console.render.told_of_service import OF_SERVICE
from api.console.render.told_of_stock import OF_STOCK
from api.console.render.words import FORMS, KINDS, MATCHERS, word
from fleet.text import Language, Text

SENTENCES = (
    *OF_CASES,
    *OF_PROOFS,
    # Why rules were not kept, tried or put to work.
    Text("version {0} of the rules is at work already", "规则版本 {0} 已启用"),
    Text(
        "version {0} is at work by now, not {1}; look at what it changed",
        "现已启用版本 {0}，而不是 {1}；请先查看其变化",
    ),
    Text("other rules are being tried at this moment; try again soon", "正在试算其他规则，请稍后再试"),
    Text(
        "this takes too long; ask for fewer days, one rule, or some devices",
        "耗时过长；请减少天数，或只选一条规则",
    ),
    Text("examples fail: {0}", "示例不符合：{0}"),
    Text(
        "there is nothing to replay: no {0} of any {1} are stored",
        "没有可供试算的历史数据：尚未存有 {1} 的 {0}",
    ),
    # Why nothing goes to a destination any more.
    Text("this destination has ended: nothing goes there any more", "此通知渠道已失效，不再发送"),
    Text("the destination has ended", "通知渠道已失效"),
    Text("this browser was added at this very moment", "此浏览器刚刚已被添加"),
    Text("somebody else is told in this browser now", "此浏览器现由他人接收通知"),
    Text("HTTP {0}: this browser wants no more of these", "HTTP {0}：此浏览器已不再接收通知"),
    # Why tickets and models changed.
    Text("as filed", "据历史记录"),
    Text("brought in from the past", "导入的历史记录"),
    Text("cleared itself", "已自行消除"),
    Text("nothing is suspected any more and nobody has set out", "已无疑似故障，且无人出发"),
    Text("the first model of its fault", "该故障的首个模型"),
    Text("registered; to prove itself beside the champion", "已登记，需与在用模型并行评分以证明自身"),
    Text(
        "the champion cannot be used: {0:told}; its successor is not proved",
        "在用模型无法使用：{0}；后继模型尚未证实",
    ),
    Text("the champion cannot be used: {0:told}", "在用模型无法使用：{0}"),
    Text(
        "not proved to be better than chance on held-out rows: {0}, and in the riskiest tenth the fault "
        "comes {1} times as often as in all rows (in brackets what 95 % of the bootstrap reach); "
        "the anomaly score speaks for this fault",
        "尚未证实在留出数据上优于随机：{0}，风险最高的十分之一中故障发生率为总体的 {1} 倍"
        "（括号内为自助法 95 % 下限）；该故障由异常评分代为预警",
    ),
    Text(
        "saves {0} of the champion's cost (95 % of the bootstrap: {1} to {2}; {3} failures on {4} devices)",
        "比当前模型节省 {0} 的成本（自助法 95 % 区间：{1} 至 {2}；{4} 台设备，{3} 次故障）",
    ),
    # What is wrong with a model's file.
    Text("model file {0} cannot be read: {1}", "无法读取模型文件 {0}：{1}"),
    Text("model file {0} lies outside the models' folder", "模型文件 {0} 不在模型文件夹内"),
    Text(
        "model file {0} takes another number of features for remaining life",
        "模型文件 {0} 的剩余寿命特征数量不符",
    ),
    Text("model file {0} takes another number of features", "模型文件 {0} 的特征数量不符"),
    Text(
        "model {0} was trained on other features than this version computes",
        "模型 {0} 的训练特征与当前版本不同",
    ),
    Text(
        "model file {0} is not the one that was registered (SHA-256 differs)",
        "模型文件 {0} 与登记的不符（SHA-256 不同）",
    ),
    Text(
        "model {0} was written by scikit-learn {1}, this is {2}",
        "模型 {0} 由 scikit-learn {1} 写入，当前为 {2}",
    ),
    Text("model file {0} cannot be decoded: {1}", "模型文件 {0} 无法解码：{1}"),
    Text("model file {0} holds types that are not trusted: {1}", "模型文件 {0} 含有不受信任的类型：{1}"),
    Text("model file {0} holds a {1}, not a classifier", "模型文件 {0} 中是 {1}，不是分类器"),
    # Why nothing is received.
    Text("not connected to the broker yet", "尚未连接到消息代理"),
    Text("broker {0} refuses our subscription to {1}", "消息代理 {0} 拒绝订阅 {1}"),
    Text("broker {0} refuses us: {1}", "消息代理 {0} 拒绝连接：{1}"),
    Text("broker {0}: connection lost ({1})", "与消息代理 {0} 的连接中断（{1}）"),
    Text("store {0} cannot be reached: {1}", "无法连接存储 {0}：{1}"),
    # Why a page or a change was refused.
    Text("there is no device {0}", "没有设备 {0}"),
    Text(
        "command {0} is {1}: only one that waits can be cancelled",
        "命令 {0} 已处于 {1}，只能撤回等待中的命令",
    ),
    Text("{0} is more than {1} may order", "{1} 无权下达 {0}"),
    Text("device {0} has no command {1}", "设备 {0} 没有命令 {1}"),
    Text("params.value: {0} is a whole number from {1} to {2}", "{0} 须为 {1} 到 {2} 的整数"),
    # Why commands ended.
    Text("it was not heard before the command expired", "命令到期前设备未上线"),
    Text("it is not known whether it was sent", "无法确认命令是否已发出"),
    Text("it did not answer", "设备没有应答"),
    Text("it did not say that it was done", "设备没有报告完成"),
    Text(
        "it is not known whether it was sent: the broker has lost its memory",
        "无法确认命令是否已发出：消息代理丢失了会话",
    ),
    Text("there is no ticket {0}", "没有工单 {0}"),
    Text("there is no indicator {0}; there are: {1}", "没有指标 {0}，现有：{1}"),
    Text("there is no task {0}", "没有任务 {0}"),
    Text("task {0} is done already", "任务 {0} 已经完成"),
    Text("there is no alert {0}", "没有告警 {0}"),
    Text("there is no incident {0}", "没有事件 {0}"),
    Text(
        "this link opens nothing any more; sign in to see what is open",
        "此链接已失效；请登录查看未解除的告警",
    ),
    Text(
        "there is nothing to take care of by this link; sign in to see what is open",
        "此链接没有可接手处理的内容；请登录查看未解除的告警",
    ),
    Text(
        "this link is of nobody who may sign in now: sign in to take care of it",
        "此链接的收件人目前无法登录；请登录后再接手处理",
    ),
    Text(
        "{0:matcher}: {1} fits nothing known; did you mean {2}?",
        "“{0}”：{1} 与任何已知内容都不符；是否指 {2}？",
    ),
    Text("{0:matcher}: {1} fits nothing known", "“{0}”：{1} 与任何已知内容都不符"),
    Text("end: more than a year after the start; allowed: up to 366 days", "静音最长为 366 天"),
    Text("by the link in the notice", "通过通知中的链接"),
    Text(
        "incident {0} is {1:alert}; {2:alert} is possible from: {3:alerts}",
        "事件 {0} 处于“{1}”；仅可由以下状态变为“{2}”：{3}",
    ),
    Text("there is no model {0}", "没有模型 {0}"),
    Text("there is nothing at {0}", "地址 {0} 不存在"),
    Text("{0:id}: at most {1} characters", "“{0}”最多 {1} 个字符"),
    Text("{0} is not possible here; allowed: {1}", "此处不支持 {0}；允许：{1}"),
    Text("something went wrong on our side; the log says what", "服务器内部出错，详情见日志"),
    Text("a reason is required and must not be blank", "必须填写原因"),
    Text("a reason must not contain a NUL character", "原因中不得含有 NUL 字符"),
    Text(
        "who: the name of who does this is required, 1 to {0} characters", "必须填写姓名（1 至 {0} 个字符）"
    ),
    Text("state: {0} is none; allowed: {1:states}", "没有状态 {0}；允许：{1}"),
    Text(
        "a ticket that is {0:state} cannot become {1:state}; allowed: none: it is final",
        "工单处于“{0}”，不能变为“{1}”：该工单已终结",
    ),
    Text(
        "a ticket that is {0:state} cannot become {1:state}; allowed: {2:states}",
        "工单处于“{0}”，不能变为“{1}”；允许：{2}",
    ),
    Text(
        "ticket {0} is at version {1}, not {2}; read it again", "工单 {0} 已是版本 {1}，而非 {2}；请重新打开"
    ),
    Text("ticket {0} does not ask to be closed", "工单 {0} 未申请关闭"),
    Text("the device has another open ticket; read the list again", "该设备另有未关闭的工单；请重新打开列表"),
    Text(
        "alert {0} was changed by someone else meanwhile; read it again", "告警 {0} 已被他人更改；请重新打开"
    ),
    Text(
        "alert {0} is {1:alert}; {2:alert} is possible from: {3:alerts}",
        "告警 {0} 处于“{1}”；仅可由以下状态变为“{2}”：{3}",
    ),
    Text(
        "cursor: not one of ours; pass next_cursor of the page before",
        "参数“cursor”无效；请使用上一页给出的值",
    ),
    Text("{0} is no signal of a {1:kind} that can be drawn", "{0} 不是{1}可绘制的信号"),
    Text("nothing was stored that could be drawn here", "没有可在此绘制的数据"),
    # What is wrong with a message in quarantine.
    Text("{0} bytes; at most {1} are taken", "{0} 字节；最多接收 {1} 字节"),
    Text("an empty array holds no reading", "空数组，不含读数"),
    Text("nothing but white space", "只有空白字符"),
    Text("no payload", "没有内容"),
    Text("no payload; online or offline is expected", "没有内容；应为 online 或 offline"),
    Text("expected a JSON object, got {0}", "应为 JSON 对象，收到 {0}"),
    Text(
        "no known signal of a {0:kind} is left; its keys are {1} and {2} more",
        "不含{0}的已知信号；其键为 {1}，另有 {2} 个",
    ),
    Text("no known signal of a {0:kind} is left; its keys are {1}", "不含{0}的已知信号；其键为 {1}"),
    Text(
        "no known signal of a {0:kind} is left; it has no other key than ts and seq",
        "不含{0}的已知信号；除 ts 和 seq 外没有其他键",
    ),
    Text("nested deeper than {0} levels", "嵌套超过 {0} 层"),
    Text("not UTF-8: {0} at byte {1}", "不是 UTF-8：第 {1} 字节处 {0}"),
    Text("{0} is neither online nor offline", "{0} 既非 online 也非 offline"),
    Text(
        "code must be 1 to 64 of A-Z a-z 0-9 _ - . :, got {0}",
        "code 须为 1 至 64 个字符（A-Z a-z 0-9 _ - . :），收到 {0}",
    ),
    Text("detail must be a JSON object", "detail 须为 JSON 对象"),
    Text("a retained copy without ts: nobody knows how old it is", "保留消息没有 ts，无法得知其时间"),
    Text("ts must be a number of milliseconds since 1970, got {0}", "ts 须为 1970 年以来的毫秒数，收到 {0}"),
    Text(
        "ts {0} is before 2015: seconds where milliseconds are meant?",
        "ts {0} 早于 2015 年：是否误用秒代替毫秒？",
    ),
    Text("ts {0} is more than 10 minutes after receipt", "ts {0} 比接收时间晚 10 分钟以上"),
    Text("ts {0} is older than the readings that are kept", "ts {0} 早于数据保留期"),
    Text("a reading in an array needs a ts of its own", "数组中的每条读数须有自己的 ts"),
    Text("a reading in an array needs a time of its own", "数组中的每条读数须有自己的时间"),
    Text("the topic's kind is none of robot, tool, wristband", "主题中的类型不是 robot、tool 或 wristband"),
    Text(
        "site and device ids are 1 to 64 of A-Z a-z 0-9 _ -; events is no site",
        "站点与设备编号须为 1 至 64 个字符（A-Z a-z 0-9 _ -）；events 不能作站点",
    ),
    Text("{0:id} belongs to site {1:id}", "{0} 属于站点 {1}"),
    Text("{0:id} is a {1:kind}", "{0} 是{1}"),
    Text("{0:id} is not registered and registration is closed", "{0} 未登记，且登记已关闭"),
    *AT_DOORS,
    *OF_CLOSING,
    *OF_DISPATCH,
    *OF_DUTY,
    *OF_SERVICE,
    *OF_INTAKE,
    *OF_STOCK,
)


_PATTERNS = {
    "id": r"\S+",
    "kind": "|".join(KINDS),
    "column": "|".join(COLUMNS),
    "matcher": "|".join(MATCHERS),
    "state": r"\w+",
    "alert": r"\w+",
    "form": "|".join(FORMS),
    "order_state": r"\w+",
    "reservation_state": r"\w+",
}
"""What a value of a sort looks like, so that no foreign sentence is taken for one of ours."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    """One sentence: how its English is recognised, the table of words for each of its values, its Chinese."""

    english: re.Pattern[str]
    tables: tuple[str, ...]
    chinese: str

    def said(self, values: tuple[str, ...]) -> str:
        """Return it in Chinese with its values."""
        return self.chinese.format(*(_value(*pair) for pair in zip(values, self.tables, strict=True)))


def _sentence(text: Text) -> _Sentence:
    pattern, tables = "", []
    for literal, field, table, _ in Formatter().parse(text.en):
        pattern += re.escape(literal)
        if field is not None:
            pattern += _PATTERNS.get(table or "", ".+?").join("()")
            tables.append(table or "")
    return _Sentence(re.compile(pattern, re.DOTALL), tuple(tables), text.zh)


def _value(value: str, table: str) -> str:
    if table == "told":
        return in_chinese(value) or value
    if table == "doubts":
        return "；".join(_value(each, "told") for each in value.split("; "))
    if table in ("states", "alerts", "order_states"):
        return "、".join(_value(each, table.removesuffix("s")) for each in value.split(", "))
    return word(table, value, "zh") if table in _IN_WORDS else value


_IN_WORDS = frozenset(
    {"kind", "matcher", "state", "alert", "column", "order_state", "reservation_state", "form"}
)


def sentences(texts: Iterable[Text]) -> tuple[_Sentence, ...]:
    """Return sentences so that they are recognised."""
    return tuple(_sentence(text) for text in texts)


_KNOWN = sentences(SENTENCES)
_BY_STATUS = {
    404: "此内容不存在。",
    405: "此处不支持该操作。",
    409: "与当前状态冲突，请重新打开后再试。",
    412: "与当前状态冲突，请重新打开后再试。",
    503: "暂时无法使用，请稍后再试。",
}
_NAMED = re.compile(r"([A-Za-z_][\w.-]*): ", re.ASCII)


def in_chinese(text: str, known: tuple[_Sentence, ...] = _KNOWN) -> str | None:
    """Return one of our sentences in Chinese; None for a text that is none of them."""
    return next(_said(text, known), None)


def _said(text: str, known: tuple[_Sentence, ...]) -> Iterator[str]:
    for sentence in known:
        found = sentence.english.fullmatch(text)
        if found:
            yield sentence.said(found.groups())


def told(text: str, language: Language) -> str | None:
    """Return one of our sentences in the language of the page; None where only its English is there."""
    return text if language == "en" else in_chinese(text)


def refusal_by_kind(status: int, detail: str) -> str:
    """Return in Chinese what kind of error a status is; one that names a parameter with its name."""
    named = _NAMED.match(detail)
    if status in (400, 422):
        return f"参数“{named[1]}”无效。" if named else "无法理解该请求。"
    return _BY_STATUS.get(status, "操作未成功。")
