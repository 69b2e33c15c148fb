"""The words of stock, in both languages."""

from desk.parts.demand import Basis, Ground
from fleet.stock import MovementKind, OrderState, PlaceKind, ReservationState
from fleet.text import Language, Text

STOCK_TABLES = {
    "place_kind": {PlaceKind.DEPOT: Text("depot", "库房"), PlaceKind.VAN: Text("van", "服务车")},
    "movement": {
        MovementKind.RECEIVED: Text("received", "入库"),
        MovementKind.USED: Text("used", "使用"),
        MovementKind.MOVED: Text("moved", "移库"),
        MovementKind.COUNTED: Text("counted, difference", "盘点差异"),
        MovementKind.RETURNED: Text("given back", "退回"),
        MovementKind.SCRAPPED: Text("written off", "报废"),
    },
    "reservation_state": {
        ReservationState.HELD: Text("held", "已预留"),
        ReservationState.USED: Text("used", "已使用"),
        ReservationState.RELEASED: Text("let go of", "已释放"),
        ReservationState.EXPIRED: Text("over", "已到期"),
    },
    "order_state": {
        OrderState.PROPOSED: Text("proposed", "待下单"),
        OrderState.ORDERED: Text("ordered", "已下单"),
        OrderState.PARTLY_ARRIVED: Text("arrived in part", "部分到货"),
        OrderState.ARRIVED: Text("arrived", "已到货"),
        OrderState.CANCELLED: Text("cancelled", "已取消"),
    },
}
"""Words by table and value."""
STOCK_EVENTS = {
    "part_reserved": Text("Part held for this case", "已为本工单预留备件"),
    "part_released": Text("Held part let go of", "已释放预留备件"),
    "part_expired": Text("Held part let go of: nobody used it in time", "预留到期，备件已释放"),
    "part_lost": Text("Held part is gone: fewer are there than were held", "预留落空：实有数量少于预留"),
}
"""What happened to what is held for a case."""
STOCK_REASONS = {
    "reservation_expired": Text("held for long enough", "预留期已过"),
    "case_over": Text("the case is over", "工单已结束"),
    "case_merged": Text("another case took it over", "已并入其他工单"),
    "counted_less": Text("fewer were counted than were held", "盘点数量少于预留数量"),
}

_HISTORY = Text(
    "{used} used here in {months} months, {history} expected",
    "{months} 个月用了 {used} 件，预计 {history} 件",
)
_RISKS = Text(
    "{risks} expected by the risks of {devices} devices", "按 {devices} 台设备的风险预计 {risks} 件"
)
_NONE_USED = Text("none used here yet", "此处尚未用过")
_CAREFUL = Text("a careful rate until three months are known", "不足三个月，按谨慎的用量估算")
_SEASON = Text("season × {season}", "季节系数 {season}")
_GROUNDS = {
    Ground.HISTORY: (_HISTORY,),
    Ground.BOTH: (_HISTORY, _RISKS),
    Ground.YOUNG: (_HISTORY, _CAREFUL),
    Ground.YOUNG_AND_RISKS: (_HISTORY, _CAREFUL, _RISKS),
    Ground.RISKS: (_NONE_USED, _RISKS),
    Ground.NOTHING: (_NONE_USED,),
}
_SHOWN = 0.05
"""A season that changes less is not told of."""


def basis_in_words(basis: Basis, language: Language) -> str:
    """Return what a figure of what will be needed rests on."""
    texts = _GROUNDS[basis.ground]
    if abs(basis.season - 1) >= _SHOWN and basis.used:
        texts = (*texts, _SEASON)
    filled = {
        "used": basis.used,
        "months": f"{basis.months:.1f}",
        "history": f"{basis.from_history:.1f}",
        "risks": f"{basis.from_risks:.1f}",
        "devices": basis.devices,
        "season": f"{basis.season:.1f}",
    }
    mark = "；" if language == "zh" else "; "
    return mark.join(each.in_language(language).format(**filled) for each in texts)
