"""The words of a proof's paper."""

from fleet.text import Text

TITLE = Text("What Sweepwatch would have done for this fleet", "Sweepwatch 用于本机队的历史验证")
PERIOD = Text("Counted", "统计区间")
HISTORY = Text("History", "历史数据")
ROBOTS = Text("Robots / closed cases", "机器人 / 已结工单")
TRAININGS = Text("Trainings (first model)", "训练次数（首个模型）")
BUDGET = Text("Visits a day at most", "每日上门上限")
NO_BUDGET = Text("no limit", "不限")
SEED = Text("Seed", "随机种子")
SUMMARY = Text("In figures", "总览")
FIGURE = Text("Figure", "指标")
WHOLE = Text("Whole time", "整个区间")
LEARNED = Text("Since the first model", "首个模型投用之后")
FIGURES = (
    Text("Breakdowns that customers reported", "客户报修的故障停机"),
    Text("Foreseen at least a day ahead", "提前至少一天预见"),
    Text("Warned of less than a day ahead", "预警但不足一天"),
    Text("Days ahead: 10 % / half / 90 % of right warnings", "提前天数：正确预警的 10 % / 50 % / 90 % 分位"),
    Text("Visits and calls (calls among them)", "上门与电话（其中电话）"),
    Text("In vain", "落空"),
    Text("What the breakdowns cost", "故障停机损失"),
    Text("Avoided of it", "其中可避免"),
    Text("Paid for visits and calls", "上门与电话费用"),
    Text("Lost trust by those in vain", "落空造成的信任损失"),
    Text("Saved on balance", "净节省"),
)
LEADS = Text("How early right warnings came", "正确预警的提前量")
DAYS_AHEAD = Text("Days ahead", "提前天数")
COUNT = Text("How many", "数量")
BY_FAULT = Text("By fault", "按故障")
BY_FAULT_NOTE = Text(
    "A visit that follows from warnings of several faults counts for each of them.",
    "由多种故障预警触发的一次上门，分别计入各故障。",
)
BY_MODEL = Text("By model of device", "按机型")
GROUP_HEADS = (
    Text("Group", "分组"),
    Text("Foreseen, of breakdowns", "预见 / 故障停机"),
    Text("Days ahead (half)", "提前天数（中位）"),
    Text("In vain, of visits and calls", "落空 / 上门与电话"),
)
NOT_FORESEEN = Text("Why the others were not foreseen", "其余为何未能预见")
WHY = Text("Reason", "原因")
WHYS = {
    "not_predicted": Text("Its fault is none that is predicted", "该故障类型不在可预测范围内"),
    "not_heard": Text("No reading of the device in the three days before", "故障前三天内设备无读数"),
    "no_model_yet": Text(
        "There was no model yet: too little was known to learn from", "尚无模型：可供学习的数据太少"
    ),
    "no_model_of_fault": Text(
        "No model of its fault: too few failures of it, or not proved", "该故障尚无模型：故障太少或未获证实"
    ),
    "too_late": Text("The warning came less than a day ahead", "预警提前不足一天"),
    "not_seen": Text("There was a model; its risk stayed below the threshold", "已有模型，但风险未达阈值"),
}
MISSING = Text("What data were missing to do better", "缺少哪些数据")
WHAT = Text("What", "项目")
FOUND = Text("Found", "现状")
TOO_FEW = Text("Failures known / needed to learn from", "已知 / 所需故障次数")
NEVER_SENT = Text("Signals that models look at and no robot sends", "模型关注但无机器人上报的信号")
NO_READING_BEFORE = Text("Breakdowns without a reading in the days before", "故障前数日无读数的停机")
BEFORE_MODELS = Text("Breakdowns before the first model", "首个模型之前的停机")
HEARD_LITTLE = Text("Robots heard on less than half of their days", "过半日期无读数的机器人")
UNPREDICTED = Text("Breakdowns of a fault that is not predicted", "不可预测故障的停机")
TOO_LITTLE = Text("too few to say", "数量太少，无法判断")
CASES = Text("Ten cases", "十个案例")
CASES_NOTE = Text(
    "Drawn by chance among those seen early, those missed and those in vain: nobody chose them.",
    "从提前预见、遗漏和落空的案例中随机抽取，未经人工挑选。",
)
CASE_KINDS = {
    "seen": Text("Seen early", "提前预见"),
    "missed": Text("Missed", "遗漏"),
    "vain": Text("In vain", "落空"),
}
SIGNAL = Text("Shown", "所示信号")
WARNED = Text("Warned", "预警")
FAILED = Text("Case opened", "报修")
READING = Text("How to read this", "阅读说明")
READ_SO = (
    Text(
        "The past was replayed night by night. Each night only what was known by then went into training, "
        "scoring and decisions; nobody acts on a warning, so every fault runs on to its failure.",
        "逐夜回放历史。每晚的训练、评分与决策只用当时已知的数据；无人按预警行动，因此故障会发展到实际发生。",
    ),
    Text(
        "A warning is right when its fault was found at that device within the fault's horizon; it helps "
        "when it came at least a day before the case was opened.",
        "若在该故障的预测期内确认同一设备发生该故障，则预警正确；若比报修至少早一天，则预警有效。",
    ),
    Text(
        "In brackets is the range that 95 % of a bootstrap over devices reach. Where fewer than ten things, "
        "or five devices, stand behind a figure, none is given.",
        "括号内为按设备自助抽样的 95 % 区间。样本少于十项或五台设备时不给出比例。",
    ),
    Text(
        "Money is by the costs in the settings. What a visit ahead would have changed afterwards is not "
        "told: a part renewed earlier may fail earlier again.",
        "金额按设置中的成本计算。提前上门之后的连锁影响未计入：更早更换的部件可能更早再次失效。",
    ),
    Text(
        "Rules on single readings are not replayed: warnings are those of models and of the anomaly score.",
        "未回放基于单条读数的规则：预警仅来自模型与异常评分。",
    ),
)
