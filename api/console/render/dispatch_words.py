"""What dispatch says in words: points for and against, why a plan chose somebody, why nobody can go."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from api.console.render import formats
from desk.dispatch.jobs import WAYS_OUT, Unplanned
from desk.dispatch.on_the_spot import ON_THE_SPOT, Hindered, There
from fleet.assignments import AppointmentState, AssignmentState, Rather
from fleet.dayplan import Chosen, Lack, Remedy, Undone
from fleet.proposals import REPLANNED, Cause, Trouble
from fleet.suggestions import Against, For
from fleet.text import Language, Text
from fleet.tickets import TicketState

ASSIGNMENTS = {
    AssignmentState.PLANNED: Text("planned", "已派单"),
    AssignmentState.UNDER_WAY: Text("under way", "进行中"),
    AssignmentState.DONE: Text("done", "已完成"),
    AssignmentState.RELEASED: Text("released", "已取消"),
}
APPOINTMENTS = {
    AppointmentState.TOLD: Text("told, no answer yet", "已告知，尚未答复"),
    AppointmentState.CONFIRMED: Text("it suits", "时间合适"),
    AppointmentState.MOVE: Text("another time would suit better", "希望改时间"),
    AppointmentState.OFF: Text("called off", "已取消"),
}
RATHER = {
    Rather.BEFORE_8: Text("before 8:00", "8 点前"),
    Rather.AFTER_20: Text("after 20:00", "20 点后"),
    Rather.WEEKENDS: Text("on a weekend", "周末"),
    Rather.MORNINGS: Text("in the morning", "上午"),
    Rather.AFTERNOONS: Text("in the afternoon", "下午"),
}
UNPLANNED: dict[str, Text] = {
    Unplanned.NO_POSITION: Text("nobody said where its site is", "站点没有坐标"),
    Unplanned.NO_CONSENT: Text("its customer has not agreed to the visit", "客户尚未同意上门"),
    Unplanned.WAITS: Text("it waits for the customer", "等待客户"),
    Unplanned.PART_MISSING: Text("a part that it needs is nowhere", "所需备件无货"),
}
UNDONE: dict[str, Text] = {
    Undone.NO_SKILL: Text("nobody who works then has the skill", "当班工程师均无此技能"),
    Undone.NO_PART: Text("no van has the part", "没有车上有此备件"),
    Undone.PART_DISCONTINUED: Text("the part is discontinued", "备件已停产"),
    Undone.NOBODY_HAS_BOTH: Text("who has the skill lacks the part", "有技能的工程师缺备件"),
    Undone.WINDOW_PAST: Text("its time is over", "时间窗已过"),
    Undone.NOBODY_WORKS_THEN: Text("nobody works at its time", "该时段无人当班"),
    Undone.UNREACHABLE: Text("there is no way to it", "无法到达"),
    Undone.TOO_FAR: Text("it is too far away to be there in time", "距离太远，无法按时到达"),
    Undone.TOO_LONG: Text("the work is longer than any shift", "工时超过任一班次"),
    Undone.NO_SECOND_PERSON: Text("there is no second person at that time", "该时段没有第二名工程师"),
    Undone.HOLD_IMPOSSIBLE: Text("what a manager decided cannot be", "经理的指派无法实现"),
    Undone.NO_ROOM: Text("the day has no room for it", "当天已排满"),
    **UNPLANNED,
}
REMEDIES = {
    Remedy.CERTIFY: Text("Have somebody trained or certified", "安排培训或认证"),
    Remedy.RESTOCK: Text("Put the part into a van", "给车辆补货"),
    Remedy.REPLACE_PART: Text("Take the part that replaces it", "改用替代件"),
    Remedy.NEW_WINDOW: Text("Agree on another time", "另约时间"),
    Remedy.LATER_END: Text("A later end of the day would do", "延长下班时间即可"),
    Remedy.START_NEARER: Text("Somebody who starts nearer would do", "由出发地更近的人前往即可"),
    Remedy.SPLIT_WORK: Text("Split the work over two visits", "分两次上门"),
    Remedy.SECOND_PERSON: Text("Add a second person", "增派一人"),
    Remedy.LIFT_HOLD: Text("Lift what was decided", "取消该指派"),
    Remedy.ANOTHER_WAY: Text("Look for another way to it", "另寻路线"),
    Remedy.PLACE_SITE: Text("Say on the page of sites where it is", "请在站点页面填写坐标"),
    Remedy.ASK_CONSENT: Text("Ask the customer for consent", "请征得客户同意"),
    Remedy.REACH_CUSTOMER: Text("Reach the customer, and accept the case again", "联系客户后重新受理"),
    Remedy.ORDER_PART: Text("Order the part", "请订购备件"),
}
_CHOSEN: dict[str, Text] = {
    ON_THE_SPOT: Text("is there anyway, the part is in the van", "人在现场，车上有备件"),
    "nearer_free": Text(
        "is {km} km away and free, the other {far} km", "距离 {km} 公里且空闲，原派人员距离 {far} 公里"
    ),
    Chosen.UNDER_WAY: Text("is on the way already", "已在途中"),
    Chosen.NEXT: Text("is their next visit", "是其下一单"),
    Chosen.OVERRIDE: Text("a manager decided it", "经理指定"),
    Chosen.ONLY_ONE: Text("the only one who is able", "唯一胜任者"),
    Chosen.LEAST_TRAVEL: Text("the shortest way of {able} who are able", "{able} 位胜任者中路程最短"),
    Chosen.IN_TIME: Text("comes in time", "能按时到达"),
    Chosen.CONTRACTOR: Text(
        "a contractor: none of our own people could be there in time", "外协：自有工程师无法按时到达"
    ),
    Chosen.WHOLE_DAYS: Text(
        "nearest of who is free all day: the work takes {days}", "全天空闲者中最近：工时 {days}"
    ),
    Chosen.WHOLE_PLAN: Text("so that the day as a whole is shorter", "使全天总路程更短"),
}
_LACKS = {
    Lack.SKILL: Text("the skill", "技能"),
    Lack.PART: Text("the part", "备件"),
    Lack.TIME: Text("the time", "时间"),
}
_POINTS: dict[str, Text] = {
    For.IN_TIME: Text("in time, {span} to spare", "按时，余量 {span}"),
    For.NEAREST: Text("the shortest way", "路程最短"),
    For.HAS_PARTS: Text("has the part: {about}", "车上有备件：{about}"),
    For.KNOWS_DEVICE: Text("has been at this device before", "曾维修过该设备"),
    For.WELL_RATED: Text("judged {about} of 5", "评分 {about}（满分 5）"),
    For.AS_WISHED: Text("at a time that the customer likes", "符合客户期望时间"),
    For.FREE_DAY: Text("nothing else to do then", "当时空闲"),
    Against.LACKS_SKILL: Text("may not do {about}", "缺技能：{about}"),
    Against.LATE: Text("{span} late", "迟到 {span}"),
    Against.NO_PART: Text("no {about} in the van", "车上无备件：{about}"),
    Against.FAR: Text("{km} km away", "距离 {km} 公里"),
    Against.FULL_DAY: Text("{amount} visits that day already", "当天已有 {amount} 单"),
    Against.EXPIRES_SOON: Text("a certificate ends soon: {about}", "证书即将到期：{about}"),
    Against.NOT_AS_WISHED: Text("not when the customer likes it", "不符合客户期望时间"),
    Against.NO_TIME: Text("no time within {amount} days", "{amount} 天内无空档"),
    Against.CONTRACTOR: Text("a contractor: {about}", "外协：{about}"),
    Against.NO_WAY: Text("no way there", "无法到达"),
}
CAUSES = {
    Cause.NEW_CASE: Text("a new case", "新工单"),
    Cause.ENGINEER_AWAY: Text("an engineer is away", "工程师不在岗"),
    Cause.CUSTOMER_AWAY: Text("a customer was not there", "客户不在场"),
    Cause.CUSTOMER_MOVES: Text("a customer would rather have another time", "客户希望改时间"),
    Cause.TOOK_LONGER: Text("a visit takes longer", "上门耗时超出预期"),
    Cause.NEARER_FREE: Text("somebody nearer is free", "附近有空闲工程师"),
}
REASONS = {
    ON_THE_SPOT: Text("was there anyway", "顺路一并处理"),
    REPLANNED: Text("planned anew", "重新排程"),
    **{
        f"{REPLANNED}_{cause}": Text(f"planned anew: {text.en}", f"重新排程：{text.zh}")
        for cause, text in CAUSES.items()
    },
}
"""Why something is as it is where a plan decided it."""
_MOST_CAUSES = 8
STEPS = {
    TicketState.ACCEPTED: Text("Accept", "接单"),
    TicketState.EN_ROUTE: Text("Set out", "出发"),
    TicketState.REPAIRING: Text("I am there", "已到达"),
}
THERE = {
    There.MAINTENANCE: Text("maintenance is due", "保养到期"),
    There.DUE_SOON: Text("due", "到期日："),
    There.FORESEEN: Text("foreseen", "预测故障"),
    There.REPORTED: Text("reported", "已报修"),
    There.AT_RISK: Text("at risk:", "风险："),
}
HINDERED = {
    Hindered.PART: Text("not in the van", "车上无备件"),
    Hindered.SKILL: Text("needs a skill", "缺技能"),
    Hindered.TIME: Text("no time before the next visit", "下一单前来不及"),
    Hindered.CONSENT: Text("the customer has not agreed", "客户尚未同意"),
    Hindered.PEOPLE: Text("takes two people", "需要两人"),
}
TABLES = {
    "assignment": ASSIGNMENTS,
    "appointment": APPOINTMENTS,
    "rather": RATHER,
    "unplanned": UNPLANNED,
    "way_out": {why: REMEDIES[remedy] for why, remedy in WAYS_OUT.items()},
    "undone": UNDONE,
    "remedy": REMEDIES,
    "cause": CAUSES,
    "step": STEPS,
    "there": THERE,
    "hindered": HINDERED,
}


def speaks_for(what: str) -> bool:
    """Tell whether a point speaks for somebody."""
    return what in list(For)


def point_in_words(what: str, about: Sequence[str], amount: int, language: Language) -> str:
    """Return one point in words; what has none is shown as it is."""
    text = _POINTS.get(what)
    if text is None:
        return what
    span = formats.duration(amount, language)
    filled = {"about": ", ".join(about), "amount": amount, "span": span, "km": f"{amount / 1000:.1f}"}
    return text.in_language(language).format(**filled)


def why_in_words(why: Mapping[str, Any], language: Language) -> str:
    """Return why a plan chose somebody, the next best, and what would make it better."""
    text = _CHOSEN.get(why.get("chosen"))  # type: ignore[arg-type]  # a word of the enum, or none of it
    if text is None:
        points = [point_in_words(each[0], each[1], each[2], language) for each in why.get("points", ())]
        return _joined(points, language)
    days = formats.duration(int(why.get("days_ms", 0)), language)
    km, far = (f"{why.get(name, 0) / 1000:.1f}" for name in ("metres", "was_metres"))
    parts = [text.in_language(language).format(able=why.get("able", 1), km=km, far=far, days=days)]
    parts += _beside(why, language, lambda ms: formats.duration(abs(int(ms)), language))
    return _joined(parts, language)


def causes_in_words(causes: Sequence[Trouble], language: Language) -> str:
    """Return what made the schedule plan anew: each cause with its cases."""
    by_cause: dict[Cause, list[str]] = {}
    for each in causes:
        by_cause.setdefault(each.cause, []).append(
            f"#{each.ticket_id}" + (f" {each.engineer}" if each.engineer else "")
        )
    parts = []
    for cause, cases in by_cause.items():
        more = f" +{len(cases) - _MOST_CAUSES}" if len(cases) > _MOST_CAUSES else ""
        parts.append(f"{CAUSES[cause].in_language(language)} ({', '.join(cases[:_MOST_CAUSES])}{more})")
    return _joined(parts, language)


def _beside(why: Mapping[str, Any], language: Language, span: Callable[[Any], str]) -> list[str]:
    found = []
    next_best, better = why.get("next_best"), why.get("better")
    if next_best:
        more = int(next_best["more_ms"])
        said = (
            Text("next best {name}, {time} more on the road", "次选 {name}，路上多 {time}")
            if more >= 0
            else Text("{name} alone would be {time} shorter", "单看此单 {name} 少 {time}")
        )
        found.append(said.in_language(language).format(name=next_best["engineer"], time=span(more)))
    if better:
        lack = _LACKS[Lack(better["lack"])].in_language(language)
        about = f" ({', '.join(better['about'])})" if better["about"] else ""
        said = Text("{name} would save {time} but lacks {lack}", "{name} 可省 {time}，但缺{lack}")
        filled = said.in_language(language).format(
            name=better["engineer"], time=span(better["saves_ms"]), lack=f"{lack}{about}"
        )
        found.append(filled)
    return found


def _joined(parts: Sequence[str], language: Language) -> str:
    return ("；" if language == "zh" else "; ").join(parts)
