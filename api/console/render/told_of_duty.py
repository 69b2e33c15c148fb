"""What duty says in English (notify/duty/), as the console says it in Chinese; told.py looks it up."""

from fleet.text import Text

OF_DUTY = (
    Text("person: nobody with the address {0} may sign in", "邮箱为 {0} 的人员不存在或已停用"),
    Text(
        "person: give an e-mail address, or choose that nobody is on call", "请填写人员邮箱，或选择无人值班"
    ),
    Text(
        "ends: {0} is not after {1}, the begin or now, within 400 days (what a clock skips is when it jumps)",
        "结束时间 {0} 须晚于开始时间和当前时间（{1}），且不超过 400 天（夏令时跳过的时刻视为跳变时刻）",
    ),
    Text("{0}: write a time such as 2026-11-22T08:00", "{0}：请填写时间，例如 2026-11-22T08:00"),
    Text("override {0} is over already", "替班 {0} 已结束"),
    Text(
        "version {0} of the duty plan was applied meanwhile; read it, and decide anew",
        "值班计划的第 {0} 版已在此期间启用，请查看后再决定",
    ),
    Text(
        "{0} is of other sites too: somebody who may change duty there changes it",
        "{0} 还涉及其他站点，须由有权管理这些站点值班的人员修改",
    ),
    Text("there is no version {0} of the duty plan", "没有第 {0} 版值班计划"),
)
