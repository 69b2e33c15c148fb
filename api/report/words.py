"""The words of a service report, in both languages."""

from fleet.text import Text

TITLE = Text("Service report", "维修服务报告")
HEADS = {
    "title": TITLE,
    "noticed": Text("What was noticed", "发现的问题"),
    "nothing": Text("Nothing: another case holds it.", "无：已并入其他工单。"),
    "found": Text("What was really wrong", "实际故障"),
    "done": Text("What was done", "处理情况"),
    "clocks": Text("What was promised", "服务承诺"),
    "engineer": Text("Engineer", "工程师"),
    "signature": Text("For the customer", "客户签字"),
}
PART_HEADS = (Text("Quantity", "数量"), Text("Serial number", "序列号"), Text("Part", "备件"))
CLOCK_HEADS = (
    Text("Milestone", "环节"),
    Text("Until", "期限"),
    Text("Reached", "达成时间"),
    Text("Kept", "结果"),
)
KEPT, LATE, RUNS = Text("kept", "按时"), Text("late", "超时"), Text("not reached yet", "尚未达成")
DEVICE, MODEL, SERIAL = Text("Device", "设备"), Text("Model", "型号"), Text("Serial number", "序列号")
OPENED, SITE = Text("Opened", "创建时间"), Text("Site", "站点")
CUSTOMER, ADDRESS, STATE = Text("Customer", "客户"), Text("Address", "地址"), Text("State", "状态")
ARRIVED, LEFT, WORK = Text("Arrived", "到场"), Text("Left", "离开"), Text("Work", "工时")
REPAIRED, MINUTES = Text("Repaired", "修复时间"), Text("{0} min", "{0} 分钟")
NEXT, DAY = Text("Next service", "下次保养"), Text("Date", "日期")
NOT_YET = Text("Nobody has said yet.", "尚未填写。")
DEFERRED = Text("Seen, mended on a follow-up visit: {0}", "已发现，后续上门处理：{0}")
NO_FAULT_FOUND = Text("No fault was found.", "未发现故障。")
PREDICTED = Text("The model saw a risk of {0}:", "模型预测风险 {0}：")
REPORTED = Text("Reported by {0}: {1}", "{0}报修：{1}")
SAID = Text("The device itself said: {0}", "设备自身上报：{0}")
FOUND_THERE = Text("Found at the repair; nobody had suspected it.", "维修时发现，此前未被怀疑。")
FOUND_BEFORE = Text(
    "Seen at an earlier visit (#{0}), and left for this one.", "此前上门（#{0}）时已发现，留待本次处理。"
)
BEFORE = Text("The days before: {0}", "故障前的走势：{0}")
FOOTER = Text("Sweepwatch · times are those of {0}", "Sweepwatch · 时间为 {0} 时间")
