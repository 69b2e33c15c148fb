"""What a look at a roll-out saw, in words."""

from collections.abc import Mapping
from typing import Any

from access.firmware.comparing import ERRORS, RESTARTS, RISK, SILENCE
from fleet.text import Text

NAMES: Mapping[str, Text] = {
    ERRORS: Text("hours with an error", "出错小时占比"),
    RESTARTS: Text("hours with a restart", "重启小时占比"),
    RISK: Text("risk of a fault", "故障风险"),
    SILENCE: Text("hours not heard", "未上报小时占比"),
    "all": Text("all rates together", "各项指标合计"),
}

_OFTEN = 5


def verdict_in_words(evidence: Mapping[str, Any]) -> Text:
    """Return what a look saw, and why it stops or not."""
    if not evidence:
        return Text("Nothing has been compared yet.", "尚未开始比较。")
    if not evidence["control"]:
        return Text(
            "Every device has the firmware: there is none left to compare with, so it cannot stop by itself.",
            "所有设备都已升级：没有可对照的设备，因此无法自动停止。",
        )
    worst, bound = evidence["worst"], evidence["bound"]
    if evidence["statistic"] <= 0:
        return Text("No rate is worse with the new firmware.", "新固件的各项指标均未变差。")
    seen = _seen(evidence)
    once = round(1 / max(evidence["larger"], 1e-6))
    odds = Text(
        f"Were it no worse, chance alone would show as much about once in {once:,} times.",
        f"若固件并无变差，仅凭偶然出现这样的差异约为 {once:,} 次中 1 次。",
    )
    if once < _OFTEN:
        odds = Text("Chance alone often shows as much.", "仅凭偶然也常出现这样的差异。")
    name = NAMES[worst]
    stands = evidence["statistic"]
    if bound is None:
        far = Text(
            "Nothing could stop it yet: the comparison is too young, or the cohort too small.",
            "目前尚不足以判断：比较时间太短或设备太少。",
        )
    else:
        far = Text(
            f"Largest difference: {name.en}, {stands:.2f}; it stops at {bound:.2f}.",
            f"差异最大的指标：{name.zh}，{stands:.2f}；达到 {bound:.2f} 即停止。",
        )
    return Text(f"{seen.en} {odds.en} {far.en}", f"{seen.zh}{odds.zh}{far.zh}")


def _seen(evidence: Mapping[str, Any]) -> Text:
    worst = evidence["worst"]
    shown = [worst] if worst in evidence["rates"] else [ERRORS, RESTARTS]
    parts = [_pair(evidence["rates"][name], NAMES[name]) for name in shown]
    return Text("; ".join(each.en for each in parts) + ".", "；".join(each.zh for each in parts) + "。")


def _pair(rate: Mapping[str, Any], name: Text) -> Text:
    own, rest = (_percent(rate[side]) for side in ("cohort", "control"))
    return Text(
        f"{name.en[0].upper()}{name.en[1:]}: {own} with the new firmware, {rest} with the old one",
        f"{name.zh}：新固件 {own}，旧固件 {rest}",
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}".replace("%", " %")


def needs_in_words(needs: Mapping[str, Any], stage: int, devices: int) -> Text:
    """Return what a stage can see at all, by what its devices lived through before."""
    if not needs:
        return Text("", "")
    of = needs["stages"][stage]["rates"]
    parts_en, parts_zh = [], []
    for rate, found in of.items():
        name = NAMES[rate]
        if found["devices"] is None:
            parts_en.append(f"a doubling of the {name.en} cannot be seen in this time by any cohort")
            parts_zh.append(f"在此时间内无法看出{name.zh}翻倍")
        else:
            days = round(found["device_days"])
            parts_en.append(
                f"a doubling of the {name.en} needs about {days:,} device-days ({found['devices']:,} devices)"
            )
            parts_zh.append(f"要看出{name.zh}翻倍约需 {days:,} 设备·天（{found['devices']:,} 台）")
    can = any(each["can"] for each in of.values())
    named = any(each["devices"] is not None for each in of.values())
    tail = Text("", "") if can or not named else Text(f"; it has {devices:,}", f"；本阶段有 {devices:,} 台")
    return Text(f"{'; '.join(parts_en)}{tail.en}.".capitalize(), f"{'；'.join(parts_zh)}{tail.zh}。")
