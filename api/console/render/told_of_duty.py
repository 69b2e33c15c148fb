"""What duty says in English (notify/duty/), as the console says it in Chinese; told.py looks it up.

What is wrong with a plan (OF_PLANS) is looked up by told_of_plans.py: it is said of a place in the plan.
"""

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
OF_PLANS = (
    Text("{0} is no handover; write 08:00, or mon 08:00", "{0} 不是交班时间；请写 08:00 或 mon 08:00"),
    Text("{0} is no weekday; allowed: {1}; did you mean {2}?", "{0} 不是星期；可用：{1}；是否指 {2}？"),
    Text("{0} is no weekday; allowed: {1}", "{0} 不是星期；可用：{1}"),
    Text(
        "{0} is no length of a turn; write day, week, or 1 to {1} days: 14 days",
        "{0} 不是轮班长度；请写 day、week 或 1 至 {1} 天，例如 14 days",
    ),
    Text("{0} are no days; write {1}", "{0} 不是日期；可写：{1}"),
    Text("write a day at least, or leave the key out: every day", "请至少写一天；每天都是则去掉此键"),
    Text("nobody with the address {0} may sign in", "邮箱为 {0} 的人员不存在或已停用"),
    Text("no {0:form} {1} is known; did you mean {2}?", "没有{0} {1}；是否指 {2}？"),
    Text("no {0:form} {1} is known", "没有{0} {1}"),
    Text(
        "no destination {0}; allowed: none, there are no destinations", "没有通知渠道 {0}；目前没有任何渠道"
    ),
    Text("no destination {0}; allowed: {1}; did you mean {2}?", "没有通知渠道 {0}；可用：{1}；是否指 {2}？"),
    Text("no destination {0}; allowed: {1}", "没有通知渠道 {0}；可用：{1}"),
    Text("no schedule {0}; allowed: none, there are no schedules", "没有值班表 {0}；目前没有任何值班表"),
    Text("no schedule {0}; allowed: {1}; did you mean {2}?", "没有值班表 {0}；可用：{1}；是否指 {2}？"),
    Text("no schedule {0}; allowed: {1}", "没有值班表 {0}；可用：{1}"),
    Text(
        "handover: on {0} only turns of whole weeks can end; every: week",
        "handover：在 {0} 交班时轮班须为整周；every: week",
    ),
    Text("start: {0} is a {1}, the handover is on {2}", "start：{0} 是 {1}，而交班在 {2}"),
    Text("write one of {0} and a name, such as role: manager", "请写 {0} 之一和名称，例如 role: manager"),
    Text("{0} is no role; allowed: {1}; did you mean {2}?", "{0} 不是角色；可用：{1}；是否指 {2}？"),
    Text("{0} is no role; allowed: {1}", "{0} 不是角色；可用：{1}"),
    Text("{0}: a name is required, of at most 254 characters", "{0}：须填写名称，最长 254 个字符"),
    Text("steps: the first is told at once: after: 0", "steps：第一步须立即通知：after: 0"),
    Text("steps: each comes later than the one before", "steps：每一步须晚于前一步"),
    Text("steps: the last comes within 7d", "steps：最后一步须在 7d 之内"),
    Text("the {0:form} {1} stands twice; each has a name of its own", "{0} {1} 重复；须有各自的名称"),
    Text("{0}: allowed: {1}m to {2}d", "{0}：允许 {1}m 至 {2}d"),
)
