"""What desk/parts/ says in English, as the console says it in Chinese; for told.py."""

from fleet.text import Text

OF_STOCK = (
    Text(
        "{0} of {1} are free at {2} ({3} there, {4} held), not {5}",
        "{2} 可用的 {1} 只有 {0} 件（现有 {3}，已预留 {4}），不足 {5} 件",
    ),
    Text("{0} of {1} are free at none of: {2}", "以下各处均没有 {0} 件可用的 {1}：{2}"),
    Text("part: {0} is not in the catalogue; did you mean {1}?", "备件目录中没有 {0}；是否指 {1}？"),
    Text("part: {0} is not in the catalogue", "备件目录中没有 {0}"),
    Text("part: {0} is discontinued, and nothing takes its place", "{0} 已停产，且无替代件"),
    Text("to: it is where they are; choose another place", "备件已在该处；请另选存放处"),
    Text("to: say where they go", "请选择移往何处"),
    Text("why: say why they are written off", "请填写报废原因"),
    Text("there is no place {0}", "没有存放处 {0}"),
    Text("there is no order {0}", "没有订单 {0}"),
    Text("there is no reservation {0}", "没有预留 {0}"),
    Text("place: {0} is not used any more; allowed: one that is", "{0} 已停用；请另选存放处"),
    Text("place: {0} is no depot that is used; allowed: one that is", "{0} 不是在用的库房；请另选"),
    Text("region: {0} is none of yours; allowed: {1}", "您不负责区域 {0}；可选：{1}"),
    Text(
        "serials: {0} of {1} pieces; allowed: one of each, {2} has them",
        "{1} 件有 {0} 个序列号；{2} 每件须有一个",
    ),
    Text("serials: {0} of {1} pieces; allowed: at most one each", "{1} 件有 {0} 个序列号；每件最多一个"),
    Text("serials: {0} stands there twice", "序列号 {0} 重复"),
    Text("serials: {0} of {1} is not at {2}", "{1} 的序列号 {0} 不在 {2}"),
    Text("quantity: {0}; allowed: multiples of {1}", "数量 {0} 无效；须为 {1} 的倍数"),
    Text("quantity: {0}; allowed: {1} to {2}", "数量 {0} 无效；须为 {1} 到 {2}"),
    Text(
        "order {0} is {1:order_state}, {2} are to come; not {3} arrive",
        "订单 {0}：{1}，尚有 {2} 件未到，不能到货 {3} 件",
    ),
    Text(
        "order {0} is {1:order_state}; {2:order_state} is possible from: {3:order_states}",
        "订单 {0}：{1}；只有以下状态可变为“{2}”：{3}",
    ),
    Text("expected: {0} is no day; allowed: 2026-01-05", "{0} 不是日期；可写 2026-01-05"),
    Text("expected: allowed: a day within the next ten years", "预计到货日须在今后十年内"),
    Text("reservation {0} is {1:reservation_state}", "预留 {0}：{1}"),
    Text(
        "ticket {0} is {1:state}; parts are held for open ones", "工单 {0}：{1}；只能为未结束的工单预留备件"
    ),
)
