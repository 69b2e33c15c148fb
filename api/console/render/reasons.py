"""The named reasons and names under which the platform itself acts, in words of both languages.

What people wrote themselves is shown as they wrote it.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from api.console.render import words
from api.console.render.dispatch_words import REASONS as DISPATCH_REASONS
from api.console.render.notice_words import NOTICE_REASONS
from api.console.render.stock_words import STOCK_REASONS
from api.console.render.told import told
from fleet.care import GroupKind
from fleet.events import Subject
from fleet.principals import PEOPLE, Principal, PrincipalKind
from fleet.text import Language, Text
from fleet.tickets import NO_FAULT

RuleTexts = Mapping[str, Text]
"""What people read when a rule fires, by the name of the rule."""
_NO_RULES: RuleTexts = MappingProxyType({})

REASONS = (
    {
        "first": Text("seen for the first time", "首次出现"),
        "for_elapsed": Text("it lasted as long as the rule asks", "持续时间达到规则要求"),
        "not_sustained": Text("it did not last", "未持续"),
        "cleared": Text("cleared", "已消除"),
        "absent": Text("nothing was heard", "未收到数据"),
        "silent": Text("nothing was heard", "未收到数据"),  # as it was called at first
        "heard_again": Text("heard again", "已恢复通信"),
        "rule_removed": Text("its rule was removed", "规则已删除"),
        "wanted_by": Text("“{}” asks for a ticket as well", "“{}”同样要求建单"),
        "seen_by": Text("“{}” sees it in readings", "“{}”已在读数中检测到"),
        "joined_by": Text("the device says so as well: {}", "设备自身也已上报：{}"),
        "told_more_by": Text("the device said more: {}", "设备补充上报：{}"),
        "reported_more": Text("another system reported more", "其他系统又上报了告警"),
        "partly_cleared": Text("a part of it is over", "部分已消除"),
        "worsened_by": Text("it got worse: {}", "情况加重：{}"),
        "part_replaced": Text("the part was replaced", "已更换部件"),
        "pulled_forward": Text(
            "pulled forward: a repair is open there and the risk is high",
            "提前保养：该设备有未关闭的维修工单且风险较高",
        ),
        "device_replaced": Text("the device was replaced", "设备已更换"),
        "acknowledged_by": Text("acknowledged by {}", "由 {} 响应"),
        "resolved_by": Text("ended by {}", "由 {} 解除"),
        "recurrence_of": Text("again, after alert {}", "告警 {} 之后再次出现"),
        "told_after_repair": Text("the device told of it again after the repair", "维修后设备再次上报"),
        "ticket_confirmed": Text("its ticket was confirmed", "工单已确认"),
        "member_of": Text("part of incident {}, which is told in its place", "属于事件 {}，由该事件统一通知"),
        "inhibited_by": Text("hidden while the device is absent (alert {})", "设备失联期间不通知（告警 {}）"),
        "muted_by": Text("muted (mute {})", "已静音（静音 {}）"),
        "over_budget": Text("waits for the next digest of {}", "等待 {} 的下一次汇总"),
        "settling": Text("waits a moment: many have it at once", "稍候：多台设备同时出现"),
        "escalated": Text("nobody took care: step {} was told", "无人响应：已通知第 {} 级"),
        "repeat_elapsed": Text("still open: told again", "仍未解除：再次通知"),
        "ack_expired": Text("the acknowledgement ran out", "响应已过期"),
        "unreached": Text("nobody was reached ({}): on to the next step", "未能送达（{}）：转入下一级"),
        "level": Text("it got worse: {}", "级别升高：{}"),
        "unmuted": Text("still open when mute {} ended", "静音 {} 结束时仍未解除"),
        "outlived": Text("left over from incident {}", "事件 {} 结束后仍存在"),
        "many_at_once": Text("many at once: {}", "同时大量出现：{}"),
        "members_resolved": Text("all its devices are well again", "所有设备均已恢复"),
        "outlived_by": Text("all but {} are well again", "除 {} 台外均已恢复"),
        "part_of": Text("it is part of incident {}", "属于事件 {} 的一部分"),
        "window_over": Text("its time was over", "时间已到"),
        "ticket_refuted": Text("a visit looked for it in vain", "上门检查未发现该故障"),
        "ticket_cancelled": Text("its ticket was cancelled", "工单已取消"),
    }
    | NOTICE_REASONS
    | STOCK_REASONS
    | DISPATCH_REASONS
)
_PLATFORM = {
    "risk": Text("risk model", "风险模型"),
    "anomaly": Text("anomaly score", "异常评分"),
    "history": Text("simulated past", "模拟的历史"),
    "import": Text("history brought in", "导入的历史"),
    "expiry": Text("expiry", "到期清理"),
    "trial": Text("trial of models", "模型试用"),
    "training": Text("training", "训练"),
    "maintenance": Text("maintenance plans", "保养计划"),
    "care": Text("care of tickets", "工单维护"),
    "stock": Text("stock of parts", "备件库存"),
    "dispatch": Text("dispatch", "自动排程"),
    "follow_ups": Text("follow-up of low scores", "低分跟进"),
    "alert care": Text("care for alerts", "告警跟进"),
    "model care": Text("check of models", "模型检查"),
    "rollout": Text("roll-out of firmware", "固件发布"),
}
_OF_RULES = frozenset({"wanted_by", "seen_by", "joined_by", "told_more_by", "worsened_by"})
"""The reasons that name a rule."""
_NAMING = {
    "reported_more": Text("another system reported: {}", "其他系统又上报：{}"),
    "partly_cleared": Text("a part of it is over: {}", "部分已消除：{}"),
}
"""The reasons that may name what they are about."""
_CONFIRMED, _NOTHING = Text("confirmed fault: {}", "已确认故障：{}"), Text("no fault found", "未发现故障")
_OF_CONFIRMED = re.compile(r"confirmed fault: (\w+)")
_AFTER_INCIDENT = Text("again, after incident {}", "事件 {} 之后再次出现")
_CUSTOMER = Text("the customer", "客户")
_ALERT = Text("alert {}: {}", "告警 {}：{}")
_OF_ALERT = re.compile(r"alert (\d+): (.+)", re.DOTALL)


def reason_in_words(
    reason: str,
    language: Language,
    rules: RuleTexts = _NO_RULES,
    principal: Principal | None = None,
    subject: str | None = None,
) -> str:
    """Return a reason of the platform's in words; any other text, and what people gave, as it is.

    `subject` is what it is the reason of: what comes again after another names one of its own kind.
    """
    if principal is not None and principal.kind in PEOPLE:
        return reason
    of_alert = _OF_ALERT.fullmatch(reason)
    if of_alert:
        inner = reason_in_words(of_alert[2], language, rules)
        return _ALERT.in_language(language).format(of_alert[1], inner)
    confirmed = _OF_CONFIRMED.fullmatch(reason)
    if confirmed:
        return _confirmed(confirmed[1], language)
    name, _, rest = reason.partition(":")
    if name not in REASONS:
        return told(reason, language) or reason
    text = REASONS[name]
    if name == "recurrence_of" and subject == Subject.INCIDENT:
        text = _AFTER_INCIDENT
    elif rest and name in _NAMING:
        text = _NAMING[name]
    elif name == "many_at_once":
        rest = group_in_words(rest, language)
    elif name == "unreached":
        rest = words.word("unreached", rest, language)
    elif name in _OF_RULES:
        rest = rule_in_words(rest, language, rules) or rest
    return text.in_language(language).format(rest)


def group_in_words(group: str, language: Language) -> str:
    """Return the group of an incident (`site:hall`) in words."""
    kind, _, name = group.partition(":")
    known = words.word("device_model", name, language) if kind == GroupKind.MODEL else name
    return words.word("group_place", kind, language).format(known)


def _confirmed(fault: str, language: Language) -> str:
    if fault == NO_FAULT:
        return _NOTHING.in_language(language)
    return _CONFIRMED.in_language(language).format(words.word("fault", fault, language))


def rule_in_words(
    name: str,
    language: Language,
    rules: RuleTexts = _NO_RULES,
    evidence: Mapping[str, Any] = MappingProxyType({}),
) -> str | None:
    """Return what a rule says, without its full stop; None for one that nobody knows any more.

    What stands in an alert's `evidence` is what the rule said then.
    """
    said = evidence.get("text") if evidence.get("rule") == name else None
    if said and said.get(language):
        return _unstopped(said[language])
    text = words.RULES.get(name) or rules.get(name)
    return _unstopped(text.in_language(language)) if text else None


def _unstopped(sentence: str) -> str:
    return sentence.rstrip(".。")


_BY_TOKEN = Text("(by token {0})", "（通过令牌 {0}）")


def principal_in_words(principal: Principal, language: Language, rules: RuleTexts = _NO_RULES) -> str:
    """Return who it was: people by their names, rules by what they say, the platform's own parts in words."""
    if principal.kind is PrincipalKind.RULE:
        return rule_in_words(principal.id, language, rules) or principal.name
    if principal.kind is PrincipalKind.TOKEN:  # it may name the person for whom it does something
        return f"{principal.name} {_BY_TOKEN.in_language(language).format(principal.id)}"
    if principal.kind is PrincipalKind.CUSTOMER:
        return reporter_in_words(principal.name, language)
    text = None if principal.kind is PrincipalKind.PERSON else _PLATFORM.get(principal.id)
    return text.in_language(language) if text else principal.name


def reporter_in_words(name: str, language: Language) -> str:
    """Return who reported a fault; cases from before Sweepwatch name only `customer`."""
    return _CUSTOMER.in_language(language) if name == "customer" else name
