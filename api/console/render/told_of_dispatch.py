"""What desk/dispatch/ says in English, as the console says it in Chinese; for told.py."""

from fleet.text import Text

OF_DISPATCH = (
    Text("reason: say why all the same: {0:doubts}", "若仍要这样派工，请填写原因：{0}"),
    Text("{0:id} may not do {1} on {2}", "{0} 在 {2} 无权承担 {1}"),
    Text("two people are needed there", "该处需要两人"),
    Text("{0:id} is away then", "{0} 届时不在岗"),
    Text("the time is over", "该时间已过"),
    Text("ticket {0} is {1:state}: nobody is sent there any more", "工单 {0} 处于“{1}”，不再派人前往"),
    Text("ticket {0} is {1:state}: somebody is there already", "工单 {0} 处于“{1}”，已有人在现场"),
    Text("ticket {0}: nobody is to go there; assign somebody first", "工单 {0} 尚未派人；请先派工"),
    Text("ticket {0}: nobody is to go there", "工单 {0} 尚未派人"),
    Text("ticket {0}: nobody comes for now", "工单 {0} 暂无人上门"),
    Text("ticket {0}: {1:id} is on the way there already", "工单 {0}：{1} 已在途中"),
    Text("ticket {0}: its customer was told of no visit", "工单 {0} 的客户尚未收到上门通知"),
    Text("somebody is on the way already; please call", "工程师已在途中；请致电联系"),
    Text("answer: allowed: confirmed, move", "请选择确认或改期"),
    Text("rather: say when it would suit", "请填写合适的时间"),
    Text("arrives: allowed: a time from now on, within 30 days", "到达时间须为从现在起 30 天之内"),
    Text("travel: allowed: 0 to 24 hours", "路程时间须为 0 至 24 小时"),
    Text("helpers: each engineer once", "每位工程师只能出现一次"),
    Text("engineer: {0} works here no more", "工程师 {0} 已离职"),
    Text("{0:id} is at ticket {1} then, {2} to {3} UTC", "{0} 届时在处理工单 {1}（UTC {2} 至 {3}）"),
    Text(
        "{0:id} was sent to another case at this very moment; read again",
        "{0} 刚刚被派往另一工单；请重新打开",
    ),
    Text("day: allowed: from today on, {0} days ahead at most", "日期须为今天起，最多提前 {0} 天"),
    Text("plan {0} was applied already; propose another", "方案 {0} 已执行；请重新生成方案"),
    Text("region: {0} has no site of yours", "区域 {0} 中没有您负责的站点"),
    Text("that is not offered there any more; read again", "该项已不再提供；请重新打开"),
    Text(
        "ends: allowed: after it begins, in the future, {0} days later at most",
        "结束时间须晚于开始时间且在将来，最长 {0} 天",
    ),
)
