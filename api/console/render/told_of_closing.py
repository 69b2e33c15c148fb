"""What feedback and visits say in English (desk/feedback/), as the console says it in Chinese."""

from fleet.text import Text

OF_CLOSING = (
    Text("this link opens nothing; ask whoever sent it for a new one", "此链接无效，请向发送人索取新链接"),
    Text("this link has expired; ask whoever sent it for a new one", "此链接已过期，请向发送人索取新链接"),
    Text(
        "something was said of this repair already; it cannot be changed any more",
        "本次维修已有评价，不能再修改",
    ),
    Text(
        "something was said of this repair at this very moment; read it again",
        "刚刚有人评价了本次维修，请重新查看",
    ),
    Text(
        "this link is over: the visit is arranged, or is not needed any more",
        "此链接已失效：已安排上门，或已无需上门",
    ),
    Text("the visit is arranged already; please call", "已安排上门，请致电联系"),
    Text("offer: write what the visit costs, or that it is free", "请填写上门费用，或注明免费"),
    Text("offer: allowed: at most {0} characters", "费用说明最多 {0} 个字符"),
    Text("remark: allowed: at most {0} characters", "留言最多 {0} 个字符"),
    Text(
        "why: the customer does not want this visit; say why somebody sets out anyway",
        "客户不需要此次上门；如仍要出发，请说明原因",
    ),
    Text(
        "why: this visit costs and the customer has not consented; ask, or say why not",
        "此次上门需客户付费，而客户尚未同意；请先征询，或说明原因",
    ),
    Text(
        "ticket {0} is no repair that we propose: its customer asked for it",
        "工单 {0} 不是我们主动提出的维修，是客户报修的",
    ),
    Text("ticket {0} is {1:state}: it is too late to ask", "工单 {0} 处于“{1}”，已不能再征询"),
    Text("ticket {0} has its feedback already", "工单 {0} 已有评价"),
    Text(
        "ticket {0} is {1:state}; feedback is possible from: repaired, confirmed",
        "工单 {0} 处于“{1}”，仅在修复或确认后可以评价",
    ),
    Text(
        "ticket {0} is {1:state}; a visit is written down from: repairing, repaired",
        "工单 {0} 处于“{1}”，仅在维修中或修复后可以填写上门记录",
    ),
    Text("ticket {0} was called about {1} times; that is enough", "工单 {0} 已回访 {1} 次，不再拨打"),
    Text("score: choose one, from 1 to 5", "请选择 1 到 5 分"),
    Text("score: allowed: 1 to 5", "评分须为 1 到 5"),
    Text("solved: choose whether the fault is gone: yes or no", "请选择故障是否已解决"),
    Text("source: {0} is none; allowed: {1}", "没有来源 {0}；可用：{1}"),
    Text("remark: {0} characters; allowed: at most {1}", "意见共 {0} 个字符，最多 {1} 个"),
    Text("said: {0} characters; allowed: at most {1}", "处理结果共 {0} 个字符，最多 {1} 个"),
    Text("said: write what came of it; a follow-up ends with words", "请填写处理结果"),
    Text("there is no follow-up {0}", "没有跟进 {0}"),
    Text("follow-up {0} is done already, by {1}", "跟进 {0} 已由 {1} 完成"),
    Text("there is no task {0}", "没有任务 {0}"),
    Text("task {0} is done already, by {1}", "任务 {0} 已由 {1} 完成"),
    Text("there is no fault {0}", "没有故障 {0}"),
    Text("{0} of {1} remarks, usually {2} of {3}", "本月 {1} 条意见中有 {0} 条，平常 {3} 条中有 {2} 条"),
    Text("minutes: {0} is no whole number; allowed: 0 to {1}", "工时 {0} 不是整数；可填 0 到 {1} 分钟"),
    Text("minutes: {0}; allowed: 0 to {1}", "工时 {0} 超出范围；可填 0 到 {1} 分钟"),
    Text("parts: {0}; allowed: at most {1}", "备件共 {0} 项，最多 {1} 项"),
    Text(
        "parts.code: {0} is none; allowed: 1 to 64 letters, digits, _ and -",
        "备件编号 {0} 无效；可用 1 到 64 个字母、数字、_ 和 -",
    ),
    Text("parts.quantity: {0} is no whole number; allowed: 0 to {1}", "数量 {0} 不是整数；最多 {1}"),
    Text("parts.quantity: {0}; allowed: 1 to {1}", "数量 {0} 超出范围；可填 1 到 {1}"),
    Text("next_service: {0} is no day; write 2027-01-31", "下次保养日期 {0} 无效；请填写如 2027-01-31"),
    Text("next_service: allowed: a day within the next ten years", "下次保养须为今后十年内的日期"),
    Text(
        "signature: it cannot be read; allowed: a PNG of at most 200 kB",
        "无法读取签字；须为不超过 200 kB 的 PNG",
    ),
    Text(
        "signature: it cannot be read; allowed: a PNG of at most 200 kB and 2000 x 1000 pixels",
        "无法读取签字；须为不超过 200 kB、2000 x 1000 像素的 PNG",
    ),
)
