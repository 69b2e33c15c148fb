"""The named reasons and names under which the platform itself acts, in words of both languages.

What people wrote themselves is shown as they wrote it.
"""

import re

from fleet.principals import Principal, PrincipalKind
from fleet.text import Language, Text

REASONS = {
    "first": Text("seen for the first time", "首次出现"),
    "for_elapsed": Text("it lasted as long as the rule asks", "持续时间达到规则要求"),
    "not_sustained": Text("it did not last", "未持续"),
    "cleared": Text("cleared", "已消除"),
    "absent": Text("nothing was heard", "未收到数据"),
    "silent": Text("nothing was heard", "未收到数据"),  # as it was called at first
    "heard_again": Text("heard again", "已恢复通信"),
    "rule_removed": Text("its rule was removed", "规则已删除"),
    "wanted_by": Text("rule {} asks for a ticket as well", "规则 {} 同样要求建单"),
    "acknowledged_by": Text("acknowledged by {}", "由 {} 响应"),
    "resolved_by": Text("ended by {}", "由 {} 解除"),
    "recurrence_of": Text("again, after alert {}", "告警 {} 之后再次出现"),
    "ticket_confirmed": Text("its ticket was confirmed", "工单已确认"),
    "ticket_cancelled": Text("its ticket was cancelled", "工单已取消"),
}
_PLATFORM = {
    "risk": Text("risk model", "风险模型"),
    "anomaly": Text("anomaly score", "异常评分"),
    "history": Text("simulated past", "模拟的历史"),
    "expiry": Text("expiry", "到期清理"),
    "trial": Text("trial of models", "模型试用"),
    "training": Text("training", "训练"),
}
_ALERT = Text("alert {}: {}", "告警 {}：{}")
_OF_ALERT = re.compile(r"alert (\d+): (.+)", re.DOTALL)


def reason_in_words(reason: str, language: Language) -> str:
    """Return a reason of the platform's in words; any other text as it is."""
    of_alert = _OF_ALERT.fullmatch(reason)
    if of_alert:
        inner = reason_in_words(of_alert[2], language)
        return _ALERT.in_language(language).format(of_alert[1], inner)
    name, _, number = reason.partition(":")
    words = REASONS.get(name)
    return words.in_language(language).format(number) if words else reason


def principal_in_words(principal: Principal, language: Language) -> str:
    """Return who it was: people by their names, the platform's own parts in words."""
    words = None if principal.kind is PrincipalKind.PERSON else _PLATFORM.get(principal.id)
    return words.in_language(language) if words else principal.name
