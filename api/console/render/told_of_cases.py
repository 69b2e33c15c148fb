"""What is said of cases where a change was refused, as the console says it in Chinese."""

from fleet.text import Text

OF_CASES = (
    Text(
        "ticket {0} is maintenance: that is done or skipped, not merged",
        "工单 {0} 是保养工单：只能完成或跳过，不能合并",
    ),
    Text("plan: {0} is not of this device; allowed: {1}", "该设备没有保养计划 {0}；允许：{1}"),
    Text("ticket {0} is no repair", "工单 {0} 不是维修工单"),
    Text("ticket {0} is open for it: close that one", "该保养已有工单 {0}：请关闭该工单"),
    Text("{0} is not due soon: it was done, or skipped", "保养 {0} 近期未到期：已完成或已跳过"),
    Text("a self-check is done by the engineer of the case, {0}", "自检由该工单的工程师 {0} 完成"),
    Text("nobody inspects a case that is their own", "不能检查自己的工单"),
    Text("inspection {0} was done by {1}", "检查 {0} 已由 {1} 完成"),
    Text("there is no inspection {0}", "没有检查 {0}"),
    Text("items: {0} is not looked at; allowed: {1}", "没有检查项 {0}；允许：{1}"),
    Text(
        "ticket {0} is at version {1}, not {2}; read it again: {3}",
        "工单 {0} 已是版本 {1}，而非 {2}；请重新打开。最近更改：{3}",
    ),
    Text(
        "a ticket that is {0:state} cannot become {1:state}; allowed: none: it is final; "
        "{2}: {3:state} -> {4:state}",
        "工单处于“{0}”，不能变为“{1}”；该状态为终态（由 {2} 从“{3}”改为“{4}”）",
    ),
    Text(
        "a ticket that is {0:state} cannot become {1:state}; allowed: {2:states}; "
        "{3}: {4:state} -> {5:state}",
        "工单处于“{0}”，不能变为“{1}”；允许：{2}（由 {3} 从“{4}”改为“{5}”）",
    ),
    Text(
        "text: a comment has 1 to {0} characters and is not blank", "备注须为 1 到 {0} 个字符，且不能为空白"
    ),
    Text("owner: {0} may not sign in, or has nothing to do with {1}", "{0} 无法登录，或与 {1} 无关"),
    Text("other: a ticket is not linked with itself", "工单不能与自身关联"),
    Text("into: a ticket is not merged into itself", "工单不能并入自身"),
    Text("ticket {0} is {1:state}: only open ones are merged", "工单 {0} 处于“{1}”：只能合并未关闭的工单"),
    Text(
        "only tickets of one kind and one site are merged; link them instead",
        "只能合并同类且同站点的工单；请改为关联",
    ),
    Text("there is no device {0} at {1}", "{1} 没有设备 {0}"),
    Text(
        "device_id: a case is split to another robot; one robot has one open case",
        "只能拆分到另一台机器人；一台机器人只有一个未关闭的工单",
    ),
    Text("faults: what people reported can be split; allowed: {0}", "只能拆分由人报修的故障；允许：{0}"),
    Text("faults: nothing would be left; one stays", "不能全部拆出，至少保留一项"),
    Text("item: {0} is not of this case; allowed: {1}", "检查项 {0} 不属于该工单；允许：{1}"),
    Text("cause: {0} is none; allowed: {1}", "没有原因 {0}；允许：{1}"),
    Text("ticket {0}: {1} is not late", "工单 {0}：{1} 未超时"),
    Text("words: what the customer says is required and must not be blank", "客户原话必填，且不能为空白"),
    Text("plan: it is a text, and must not be blank", "方案不能为空白"),
    Text("ticket {0}: somebody was on the spot already", "工单 {0}：已有人到场"),
    Text("ticket {0} is no complaint", "工单 {0} 不是投诉"),
    Text("site: say which site or which device it is about", "请填写所涉及的站点或设备"),
    Text("device_id, site: say which device it is about, or else which site", "请填写所涉及的设备，或站点"),
    Text(
        "ids, state: choose at least one ticket, and the state that they go to",
        "请至少选择一个工单，并选择目标状态",
    ),
)
