"""The words of stock, in both languages."""

from fleet.stock import MovementKind, OrderState, PlaceKind, ReservationState
from fleet.text import Text

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
