"""The vocabulary's words as the console shows them, in both languages."""

from api.console.render import dispatch_words
from api.console.render.intake_words import INTAKE_TABLES
from api.console.render.notice_words import NOTICE_TABLES
from api.console.render.prove_words import PROOF_TABLES
from api.console.render.service_words import SERVICE_TABLES
from api.console.render.stock_words import STOCK_EVENTS, STOCK_TABLES
from desk.tickets.conversation import Audience
from fleet.alerts import EXTERNAL_RULE, MODEL_RULE, REPORTED_MORE, RISK_RULE, AlertState
from fleet.care import GroupKind
from fleet.catalogue.present import present
from fleet.commands import COMMANDS, PARAMETERS, CommandState
from fleet.complaints import ComplaintClass
from fleet.condition import Stands
from fleet.consent import Answer, Coverage
from fleet.faults import FAULTS, LEVEL_WORDS
from fleet.feedback import FeedbackSource
from fleet.grants import Permission, Role
from fleet.letters import LetterKind
from fleet.rollouts import OfferState, RolloutState
from fleet.service import InspectionLevel
from fleet.signals import Kind
from fleet.tellings import Occasion
from fleet.text import Text
from fleet.tickets import SuspicionState, TicketKind, TicketLink, TicketOrigin, TicketState
from fleet.upkeep import MAINTENANCE, DueBy
from fleet.wire import Dropped, Reason
from notify.duty.rotation import Why
from storage.records.model_cards import CHALLENGER, CHAMPION, RETIRED, UNPROVEN, WITHDRAWN

NO_YES = {"en": ("no", "yes"), "zh": ("否", "是")}
KINDS = {
    Kind.ROBOT: Text("Robot", "机器人"),
    Kind.TOOL: Text("Tool", "工具"),
    Kind.WRISTBAND: Text("Wristband", "手环"),
}
STANDS = {
    Stands.WORKING: Text("working", "正常工作"),
    Stands.REPORTS: Text("working, with an error or alarm", "工作中，有错误或警报"),
    Stands.STUCK: Text("stuck in an error", "故障停机"),
    Stands.ABSENT: Text("not heard", "未上报"),
}
TICKET_STATES = {
    TicketState.OPENED: Text("Opened", "已创建"),
    TicketState.ACCEPTED: Text("Accepted", "已接单"),
    TicketState.EN_ROUTE: Text("On the way", "前往中"),
    TicketState.REPAIRING: Text("Repairing", "维修中"),
    TicketState.REPAIRED: Text("Repaired", "已修复"),
    TicketState.CONFIRMED: Text("Confirmed", "已确认"),
    TicketState.WAITING_PART: Text("Waiting for a part", "等待备件"),
    TicketState.WAITING_CUSTOMER: Text("Waiting for the customer", "等待客户"),
    TicketState.CANCELLED: Text("Cancelled", "已取消"),
    TicketState.REOPENED: Text("Reopened", "已重新打开"),
    TicketState.CONTACTED: Text("Customer contacted", "已联系客户"),
    TicketState.RECTIFYING: Text("Being put right", "整改中"),
    TicketState.VERIFYING: Text("Being verified", "核实中"),
    TicketState.CLOSED: Text("Closed", "已关闭"),
    TicketState.REVIEWED: Text("Reviewed", "已回访"),
}
TICKET_KINDS = {
    TicketKind.REPAIR: Text("Repair", "维修"),
    TicketKind.COMPLAINT: Text("Complaint", "投诉"),
    TicketKind.SAFETY: Text("Safety", "安全"),
    TicketKind.MAINTENANCE: Text("Maintenance", "保养"),
}
DUE_BY = {DueBy.CALENDAR: Text("by date", "按日期"), DueBy.USE: Text("by hours of use", "按运行时长")}
INSPECTION_LEVELS = {
    InspectionLevel.SELF: Text("Self-check", "工程师自检"),
    InspectionLevel.LEADER: Text("Leader's sample", "组长抽检"),
    InspectionLevel.QUALITY: Text("Quality's round", "质量巡检"),
}
COMPLAINT_CLASSES = {
    ComplaintClass.URGENT: Text("Urgent", "紧急投诉"),
    ComplaintClass.EXPERIENCE: Text("Experience", "体验投诉"),
    ComplaintClass.SUGGESTION: Text("Suggestion", "建议"),
    ComplaintClass.MAJOR: Text("Major", "重大投诉"),
}
LINKS = {
    TicketLink.RELATED: Text("Related", "相关"),
    TicketLink.DUPLICATE: Text("The same again", "重复"),
    TicketLink.CAUSED: Text("One caused the other", "因果"),
    TicketLink.FOLLOWS: Text("One follows the other", "后续"),
}
AUDIENCES = {
    Audience.INTERNAL: Text("The house alone", "仅内部"),
    Audience.CUSTOMER: Text("The customer too", "客户可见"),
}
SITE_TYPES = {
    "office": Text("Office", "写字楼"),
    "hospital": Text("Hospital", "医院"),
    "school": Text("School", "学校"),
    "mall": Text("Mall", "商场"),
    "hotel": Text("Hotel", "酒店"),
    "factory": Text("Factory", "工厂"),
    "food": Text("Food", "餐饮食品"),
    "transport": Text("Station or airport", "车站机场"),
    "home": Text("Home", "住宅"),
    "other": Text("Other", "其他"),
}
SUSPICION_STATES = {
    SuspicionState.SUSPECTED: Text("Suspected", "疑似"),
    SuspicionState.CLEARED: Text("Cleared by itself", "已自行消除"),
    SuspicionState.CONFIRMED: Text("Confirmed", "已确认"),
    SuspicionState.REFUTED: Text("Not found", "未发现"),
    SuspicionState.DEFERRED: Text("Left for a follow-up visit", "留待后续上门"),
}
HAPPENED = {
    "joined": Text("A suspicion joined", "新增疑似故障"),
    "left": Text("A suspicion cleared", "疑似故障已消除"),
    "level": Text("Level raised", "等级上调"),
    "note": Text("Reported again", "再次报修"),
    "asked": Text("Asks to be closed", "申请关闭"),
    "kept_open": Text("Kept open", "保持打开"),
    "clock_warned": Text("Clock warns", "时限预警"),
    "clock_breached": Text("Overdue", "已超时"),
    "clock_escalated": Text("Overdue, escalated", "超时升级"),
    "comment": Text("Comment", "备注"),
    "owner": Text("Handed over", "转交负责人"),
    "linked": Text("Linked", "已关联"),
    "unlinked": Text("Link taken apart", "已解除关联"),
    "site": Text("Went with its device to another site", "随设备转到其他站点"),
    "merged": Text("Merged into another", "已并入其他工单"),
    "took": Text("Took over another", "并入了其他工单"),
    "split": Text("Split", "已拆分"),
    "follow_up": Text("Follow-up case opened", "已生成后续工单"),
    "checked": Text("Ticked off", "已完成检查项"),
    "unchecked": Text("Tick taken back", "撤销检查项"),
    "late_cause": Text("Why it was late", "超时原因"),
    "planned": Text("Written plan", "书面方案"),
    "arrived": Text("On the spot", "已到场"),
    "class": Text("Class changed", "分类变更"),
    "visit": Text("Visit written down", "已填写上门记录"),
    "feedback_link": Text("Link for feedback made", "已生成评价链接"),
    "feedback": Text("Feedback", "客户评价"),
    "feedback_changed": Text("Feedback corrected", "客户修改评价"),
    "assigned": Text("Engineer sent", "已派单"),
    "released": Text("Nobody sent for now", "暂不派人"),
    "held": Text("No plan moves who goes", "锁定派单"),
    "lifted": Text("Plans may move who goes", "解除锁定"),
    "appointment": Text("Customer told when somebody comes", "已告知客户上门时间"),
    "appointment_off": Text("Customer told that nobody comes after all", "已告知客户上门取消"),
    "appointment_answer": Text("Customer said whether it suits", "客户答复上门时间"),
    "consent_asked": Text("Customer asked whether a visit may come", "已征询客户是否同意上门"),
    "consent": Text("Customer answered", "客户已答复"),
    "not_reached": Text("Customer not reached", "未联系上客户"),
    "follow_up_opened": Text("Low score, to be looked after", "低分评价，待跟进"),
    "follow_up_overdue": Text("Low score: nobody looked after it in time", "低分评价逾期未跟进"),
    "follow_up_done": Text("Low score looked after", "低分评价已跟进"),
    "file": Text("File added", "已添加文件"),
    "reminder": Text("Reminder for the customer", "客户保养提醒"),
    "maintained": Text("Maintenance done with this visit", "本次上门已完成保养"),
    "inspected": Text("Inspected", "已检查"),
} | STOCK_EVENTS
"""What happened to a ticket beside changes of its state."""
CONSENTS = {Answer.YES: Text("Yes, please come", "同意上门"), Answer.NO: Text("No, thank you", "不需要上门")}
COVERAGES = {
    Coverage.WARRANTY: Text("warranty", "保修"),
    Coverage.CONTRACT: Text("contract, labour included", "合同（含人工）"),
    Coverage.CUSTOMER: Text("the customer", "客户自付"),
    Coverage.UNKNOWN: Text("not known: nobody said whose the device is", "未知：设备未登记客户"),
}
ORIGINS = {
    TicketOrigin.PROACTIVE: Text("Proactive", "主动预警"),
    TicketOrigin.REPORTED: Text("Reported", "客户报修"),
}
SCORES = {
    "1": Text("very bad", "很不满意"),
    "2": Text("bad", "不满意"),
    "3": Text("so-so", "一般"),
    "4": Text("good", "满意"),
    "5": Text("very good", "非常满意"),
}
"""How feedback scores a repair."""
FEEDBACK_SOURCES = {
    FeedbackSource.LINK: Text("by the customer's link", "客户通过链接评价"),
    FeedbackSource.CALL: Text("by a call", "电话回访"),
    FeedbackSource.STAFF: Text("told to staff", "员工记录"),
}
ALERT_STATES = {
    AlertState.PENDING: Text("Pending", "待确认"),
    AlertState.FIRING: Text("Firing", "告警中"),
    AlertState.ACKNOWLEDGED: Text("Acknowledged", "已响应"),
    AlertState.RESOLVED: Text("Resolved", "已解除"),
}
LEVELS = {level: Text(f"{level} · {text.en}", f"{level} · {text.zh}") for level, text in LEVEL_WORDS.items()}
MILESTONES = {
    "respond": Text("Respond", "响应"),
    "on_site": Text("On site", "到场"),
    "solve": Text("Solve", "解决"),
    "contact": Text("Contact", "联系客户"),
    "plan": Text("Written plan", "书面方案"),
    "close": Text("Close", "关闭"),
}
CLOCK_STATUSES = {
    "on_time": Text("on time", "正常"),
    "warning": Text("due soon", "即将到期"),
    "breached": Text("overdue", "已超时"),
    "met": Text("met", "已达成"),
    "paused": Text("waits", "暂停计时"),
    "ended": Text("ended", "已终止"),
}
COUNTS = {
    "open": Text("counts", "计时"),
    "lunch": Text("lunch", "午休"),
    "outside_hours": Text("outside hours", "非工作时间"),
    "weekend": Text("weekend", "周末"),
    "holiday": Text("holiday", "节假日"),
    "waiting_customer": Text("waits for the customer", "等待客户"),
    "waiting_part": Text("waits for a part", "等待备件"),
    "repaired": Text("was repaired", "已修复"),
}
"""Why time counts for a clock, or does not."""
ROBOT_STATES = {
    "off": Text("off", "关机"),
    "idle": Text("idle", "空闲"),
    "cleaning": Text("cleaning", "清洁中"),
    "returning": Text("returning", "返回中"),
    "docked": Text("docked", "已停靠"),
    "charging": Text("charging", "充电中"),
    "paused": Text("paused", "已暂停"),
    "emptying": Text("emptying", "倾倒中"),
    "manual": Text("manual", "手动"),
    "error": Text("error", "故障"),
}
REASONS = {
    Reason.BAD_ID: Text("Site or device id not allowed", "主题中的站点或设备编号无效"),
    Reason.UNKNOWN_KIND: Text("Unknown kind of device", "未知的设备类型"),
    Reason.SITE_MISMATCH: Text("The device belongs to another site", "设备属于其他站点"),
    Reason.KIND_MISMATCH: Text("The device is of another kind", "设备属于其他类型"),
    Reason.UNREGISTERED: Text("The device is not registered", "设备未登记"),
    Reason.RETAINED_WITHOUT_TS: Text("A retained copy without a time", "无时间戳的保留消息"),
    Reason.TOO_LARGE: Text("Too large", "消息过大"),
    Reason.BAD_ENCODING: Text("Not UTF-8", "不是 UTF-8 编码"),
    Reason.BAD_JSON: Text("Not valid JSON", "不是有效的 JSON"),
    Reason.TOO_DEEP: Text("Nested too deeply", "嵌套层级过深"),
    Reason.EMPTY: Text("Empty", "空消息"),
    Reason.NOT_OBJECT: Text("Not a JSON object", "不是 JSON 对象"),
    Reason.BAD_TS: Text("No usable time", "时间戳无效"),
    Reason.FUTURE: Text("Measured in the future", "测量时间在未来"),
    Reason.EXPIRED: Text("Older than what is kept", "超出数据保留期"),
    Reason.NO_SIGNAL: Text("No known signal in it", "不含已知信号"),
    Reason.BAD_EVENT: Text("No usable event", "事件无效"),
    Reason.BAD_STATUS: Text("Neither online nor offline", "既非上线也非下线"),
    Reason.STORE_REJECTED: Text("The store refused it", "存储拒绝写入"),
    Reason.BAD_DIALECT: Text("Not of its protocol", "不符合所用协议"),
    Reason.NOT_BORN: Text("Data before the birth message", "在出生消息之前收到数据"),
    Reason.UNKNOWN_ALIAS: Text("An alias that no birth message named", "出生消息中未声明的别名"),
    Reason.HISTORICAL: Text("Called historical, yet not older", "标记为历史数据，却不早于实时数据"),
    Reason.DIALECT_FAILED: Text("Its decoder failed", "解码器出错"),
    Reason.BAD_REPLY: Text("No usable answer to a command", "命令应答无效"),
}
DROPPED = {
    Dropped.WRONG_TYPE: Text("Of another type", "类型不符"),
    Dropped.OUT_OF_RANGE: Text("Beyond the plausible range", "超出合理范围"),
    Dropped.UNKNOWN_STATE: Text("No such state", "未知的状态值"),
    Dropped.BAD_TEXT: Text("Characters not allowed, or too long", "文本含不允许的字符或过长"),
    Dropped.NOT_CONVERTED: Text("Could not be converted", "无法换算"),
    Dropped.UNKNOWN_PART: Text("No such part", "未知的部件"),
    Dropped.UNKNOWN_FAULT: Text("No such fault", "未知的故障"),
    Dropped.BAD_DATE: Text("Not a date", "不是日期"),
}
DEVICE_MODELS = {"unknown": Text("unknown", "未知")}
"""The model of a device that told of none; any other is a name."""
RULES = {
    RISK_RULE: Text("Risk model", "风险模型"),
    MODEL_RULE: Text("Check of models", "模型检查"),
    EXTERNAL_RULE: Text("Another system", "其他系统"),
}
"""What raises alerts beside the rules of the rules file, which have texts of their own."""
EVENTS = {
    "error": Text("Error", "报错"),
    "robot_error": Text("Error", "报错"),
    "error_cleared": Text("Error over", "报错已解除"),
    "part_replaced": Text("Part replaced", "已更换部件"),
    "restart": Text("Restarted", "已重启"),
    "device_replaced": Text("Device replaced", "已更换设备"),
    "sos": Text("Call for help", "求助"),
    "low_water": Text("Water low", "水量不足"),
    "water_refilled": Text("Water refilled", "已加水"),
}
"""What devices tell of on their event topics; makers add codes of their own."""
DETAILS = {
    "error_code": Text("Error code", "错误代码"),
    "code": Text("Code", "代码"),
    "errorType": Text("Error code", "错误代码"),
    "errorLevel": Text("Level", "级别"),
    "part": Text("Part", "部件"),
    "fault": Text("Fault", "故障"),
    "message": Text("Message", "说明"),
    "text": Text("Message", "说明"),
    "description": Text("Message", "说明"),
    "errorDescription": Text("Message", "说明"),
    "subsystem": Text("Subsystem", "子系统"),
    "severity": Text("Severity", "严重程度"),
    "timestamp": Text("Time", "时间"),
}
"""The names of what events say."""
MODEL_STATES = {
    CHAMPION: Text("Champion", "在用模型"),
    CHALLENGER: Text("Challenger", "挑战模型"),
    RETIRED: Text("Retired", "已退役"),
    UNPROVEN: Text("Not proved", "未证实"),
    WITHDRAWN: Text("Withdrawn", "已撤回"),
}
ROLES = {
    Role.VIEWER: Text("Viewer", "查看者"),
    Role.ENGINEER: Text("Engineer", "工程师"),
    Role.MANAGER: Text("Service manager", "服务经理"),
    Role.SAFETY: Text("Safety officer", "安全员"),
    Role.ADMIN: Text("Admin", "管理员"),
}
COMMAND_STATES = {
    CommandState.QUEUED: Text("waiting", "等待发送"),
    CommandState.SENT: Text("sent", "已发送"),
    CommandState.RECEIVED: Text("received", "设备已收到"),
    CommandState.DONE: Text("done", "已完成"),
    CommandState.REFUSED: Text("refused", "设备已拒绝"),
    CommandState.TIMED_OUT: Text("timed out", "已超时"),
    CommandState.CANCELLED: Text("taken back", "已撤回"),
}
ROLLOUT_STATES = {
    RolloutState.DRAFT: Text("Planned", "已计划"),
    RolloutState.RUNNING: Text("Offering the firmware", "正在下发"),
    RolloutState.SOAKING: Text("Soaking", "观察中"),
    RolloutState.WAITING: Text("Waits for the next stage to be begun", "等待开始下一阶段"),
    RolloutState.PAUSED: Text("Held", "已暂停"),
    RolloutState.STOPPED: Text("Stopped by itself", "已自动停止"),
    RolloutState.DONE: Text("Done", "已完成"),
    RolloutState.ROLLED_BACK: Text("Rolled back", "已回退"),
    RolloutState.CANCELLED: Text("Cancelled", "已取消"),
}
OFFER_STATES = {
    OfferState.LATER: Text("not yet", "尚未轮到"),
    OfferState.WAITING: Text("waiting", "等待中"),
    OfferState.INSTALLED: Text("installed", "已安装"),
    OfferState.FAILED: Text("failed", "失败"),
    OfferState.GOING_BACK: Text("going back", "回退中"),
    OfferState.WENT_BACK: Text("went back", "已回退"),
}
ROLLOUT_ACTIONS = {
    "start": Text("Start", "开始"),
    "pause": Text("Hold", "暂停"),
    "resume": Text("Go on", "继续"),
    "skip": Text("Begin the next stage now", "立即开始下一阶段"),
    "roll_back": Text("Roll back", "回退"),
    "cancel": Text("Cancel", "取消"),
}
ROLLOUT_EVENTS = {
    "planned": Text("Planned", "已计划"),
    "start": Text("Started", "已开始"),
    "stage": Text("Next stage", "进入下一阶段"),
    "soaking": Text("Soaking", "开始观察"),
    "waiting": Text("Stage passed", "阶段通过"),
    "stopped": Text("Stopped by itself", "自动停止"),
    "pause": Text("Held", "已暂停"),
    "resume": Text("Gone on with", "已继续"),
    "skip": Text("Next stage begun by hand", "手动进入下一阶段"),
    "roll_back": Text("Rolled back", "已回退"),
    "cancel": Text("Cancelled", "已取消"),
    "done": Text("Done", "已完成"),
}
RULE_CHANGES = {
    "added": Text("added", "新增"),
    "removed": Text("removed", "删除"),
    "changed": Text("changed", "修改"),
}
RULES_EVENTS = {"proposed": Text("Kept", "已保存"), "activated": Text("Put to work", "已启用")}
PERMISSIONS = {
    Permission.FLEET_READ: Text("See the fleet", "查看设备"),
    Permission.DEVICES_CHANGE: Text("Change devices", "修改设备"),
    Permission.DEVICES_ADMIT: Text("Let devices in", "管理设备凭证"),
    Permission.COMMANDS_SEND: Text("Send commands", "下发指令"),
    Permission.COMMANDS_CONFIGURE: Text("Change parameters and firmware", "修改参数与固件"),
    Permission.FIRMWARE_MANAGE: Text("Roll firmware out", "管理固件发布"),
    Permission.SITES_CHANGE: Text("Describe sites", "维护站点"),
    Permission.PERSONAL_READ: Text("Read what wristbands tell", "查看手环个人数据"),
    Permission.PERSONAL_ERASE: Text("Erase what wristbands told", "删除手环个人数据"),
    Permission.ALERTS_CHANGE: Text("Handle alerts", "处理告警"),
    Permission.ALERTS_REPORT: Text("Report alerts of other systems", "上报其他系统的告警"),
    Permission.RULES_CHANGE: Text("Write rules", "编写规则"),
    Permission.DUTY_CHANGE: Text("Plan who is on call", "安排值班"),
    Permission.NOTICES_READ: Text("See what was sent to whom", "查看通知发送情况"),
    Permission.NOTICES_MANAGE: Text("Manage where notices go", "管理通知去向"),
    Permission.TICKETS_REPORT: Text("Report faults", "报修"),
    Permission.TICKETS_CHANGE: Text("Handle tickets", "处理工单"),
    Permission.VISITS_READ: Text("See planned visits", "查看上门安排"),
    Permission.INDICATORS_READ: Text("See indicators", "查看服务指标"),
    Permission.INDICATORS_CHANGE: Text("End tasks of indicators", "完成指标任务"),
    Permission.MODELS_READ: Text("See models", "查看模型"),
    Permission.INGEST_READ: Text("See the ingest", "查看数据接入"),
    Permission.METRICS_READ: Text("Read metrics", "读取运行指标"),
    Permission.PEOPLE_MANAGE: Text("Let people in", "管理人员"),
    Permission.TOKENS_MANAGE: Text("Make tokens", "管理令牌"),
    Permission.SERVICE_READ: Text(
        "Read phone numbers and addresses of the service", "查看客户与工程师的联系方式"
    ),
    Permission.DISPATCH_CHANGE: Text("Decide who goes to which case, and plan days", "派单与排班"),
    Permission.SERVICE_MANAGE: Text(
        "Describe customers, contracts, engineers and parts", "管理客户、合同、工程师与备件目录"
    ),
    Permission.PARTS_READ: Text("See the stock of parts", "查看备件库存"),
    Permission.PARTS_CHANGE: Text("Move, count and reserve parts", "移动、盘点与预留备件"),
    Permission.PARTS_ORDER: Text("Order parts and describe depots", "订购备件与维护库房"),
}
DUTY_WHYS = {
    Why.ROTATION: Text("by rotation", "按轮值"),
    Why.OVERRIDE: Text("takes these hours", "替班"),
    Why.FREED: Text("somebody decided so", "已安排为无人值班"),
    Why.DISABLED: Text("may not sign in any more", "账号已停用"),
    Why.UNCOVERED: Text("the schedule has nobody then", "该时段未排班"),
}
LETTERS = {
    LetterKind.CONSENT: Text("whether a visit may come", "询问是否可以上门"),
    LetterKind.MAINTENANCE: Text("that maintenance is due", "提醒保养到期"),
    LetterKind.FEEDBACK: Text("how the repair was", "询问维修评价"),
    LetterKind.APPOINTMENT: Text("when somebody comes", "告知上门时间"),
    LetterKind.CALLED_OFF: Text("that nobody comes after all", "告知上门取消"),
}
OCCASIONS = {
    Occasion.FIRING: Text("told first", "首次通知"),
    Occasion.ESCALATED: Text("escalated", "升级通知"),
    Occasion.REMINDER: Text("reminded", "提醒"),
    Occasion.ACK_EXPIRED: Text("told again", "再次通知"),
    Occasion.WORSE: Text("told that it got worse", "通知级别升高"),
    Occasion.STILL_OPEN: Text("told what is still open", "通知仍未解除"),
    Occasion.RESOLVED: Text("told that it is over", "通知已解除"),
    Occasion.DUE_SOON: Text("told that it is due soon", "通知即将到期"),
    Occasion.OVERDUE: Text("told that it is overdue", "通知已超时"),
    Occasion.COMPLAINT: Text("told of a complaint", "通知投诉"),
    Occasion.LOW_SCORE: Text("told of a low score", "通知低分评价"),
    Occasion.UNATTENDED: Text("told that nobody looked after a low score", "通知低分评价无人跟进"),
    Occasion.MAINTENANCE: Text("told that maintenance comes", "通知保养将到期"),
    REPORTED_MORE: Text("told that more joined", "通知有新的上报"),
    "test": Text("test", "测试"),
    **{f"letter_{kind}": text for kind, text in LETTERS.items()},
}
CARE_EVENTS = {
    "noted": Text("note", "备注"),
    "extended": Text("acknowledgement extended", "延长响应"),
}
GROUPS = {
    GroupKind.SITE: Text("site", "站点"),
    GroupKind.FIRMWARE: Text("firmware", "固件"),
    GroupKind.MODEL: Text("model", "型号"),
    GroupKind.REGION: Text("region", "区域"),
    GroupKind.FLEET: Text("the whole fleet", "整个机队"),
}
GROUP_PLACES = {
    GroupKind.SITE: Text("at site {}", "站点 {}"),
    GroupKind.FIRMWARE: Text("with firmware {}", "固件版本 {}"),
    GroupKind.MODEL: Text("of model {}", "型号 {}"),
    GroupKind.REGION: Text("in region {}", "区域 {}"),
    GroupKind.FLEET: Text("of the whole fleet", "整个机队"),
}
MATCHERS = {
    "site": Text("Site", "站点"),
    "region": Text("Region", "区域"),
    "model": Text("Model", "型号"),
    "firmware": Text("Firmware", "固件"),
    "fault": Text("Fault", "故障"),
    "rule": Text("Rule", "规则"),
    "level": Text("Level", "级别"),
    "device": Text("Device", "设备"),
}
RULE_SCOPES = MATCHERS | {
    "customer": Text("Customer", "客户"),
    "group": Text("Group", "设备组"),
    "not_group": Text("Not of group", "不属于设备组"),
}
"""What a rule is limited to by its `only`."""
CAUSE_DIMENSIONS = {
    "site": Text("site", "站点"),
    "fault": Text("fault", "故障"),
    "engineer": Text("engineer", "工程师"),
    "model": Text("model", "型号"),
    "level": Text("level", "等级"),
    "hour": Text("opened from", "建单时段"),
    "waited_part": Text("waited for a part", "等待过备件"),
    "waited_customer": Text("waited for the customer", "等待过客户"),
    "region": Text("region", "区域"),
    "customer": Text("customer", "客户"),
}
"""By what cases are told apart."""
WEEKDAYS = {
    "0": Text("Mon", "周一"),
    "1": Text("Tue", "周二"),
    "2": Text("Wed", "周三"),
    "3": Text("Thu", "周四"),
    "4": Text("Fri", "周五"),
    "5": Text("Sat", "周六"),
    "6": Text("Sun", "周日"),
}
FORMS = {
    "nothing": Text("nothing", "空"),
    "keys with values": Text("keys with values", "键值"),
    "a list": Text("a list", "列表"),
    "a text": Text("a text", "文本"),
    "true or false": Text("true or false", "真假值"),
    "a number": Text("a number", "数值"),
    "layer": Text("layer", "层"),
    "schedule": Text("schedule", "值班表"),
    "chain": Text("chain", "通知链"),
    "site": Text("site", "站点"),
    "region": Text("region", "区域"),
}
"""What stands at a place of a file, and what its parts are called, by the names that mistakes have."""
_TABLES = (
    {
        "occasion": OCCASIONS,
        "letter": LETTERS,
        **dispatch_words.TABLES,
        "care_event": CARE_EVENTS,
        "group": GROUPS,
        "group_place": GROUP_PLACES,
        "matcher": MATCHERS,
        "rule_scope": RULE_SCOPES,
        "weekday": WEEKDAYS,
        "cause": CAUSE_DIMENSIONS,
        "command": {name: each.text for name, each in COMMANDS.items()},
        "command_state": COMMAND_STATES,
        "parameter": {name: each.text for name, each in PARAMETERS.items()},
        "reason": REASONS,
        "dropped": DROPPED,
        "kind": KINDS,
        "stands": STANDS,
        "state": TICKET_STATES,
        "ticket_kind": TICKET_KINDS,
        "complaint_class": COMPLAINT_CLASSES,
        "due_by": DUE_BY,
        "inspection_level": INSPECTION_LEVELS,
        "link": LINKS,
        "audience": AUDIENCES,
        "site_type": SITE_TYPES,
        "suspicion": SUSPICION_STATES,
        "happened": HAPPENED,
        "origin": ORIGINS,
        "consent": CONSENTS,
        "coverage": COVERAGES,
        "alert": ALERT_STATES,
        "score": SCORES,
        "feedback_source": FEEDBACK_SOURCES,
        "level": LEVELS,
        "milestone": MILESTONES,
        "clock": CLOCK_STATUSES,
        "counts": COUNTS,
        "robot": ROBOT_STATES,
        "rule_change": RULE_CHANGES,
        "rules_event": RULES_EVENTS,
        "model": MODEL_STATES,
        "device_model": DEVICE_MODELS,
        "role": ROLES,
        "rollout": ROLLOUT_STATES,
        "offer": OFFER_STATES,
        "rollout_action": ROLLOUT_ACTIONS,
        "rollout_event": ROLLOUT_EVENTS,
        "permission": PERMISSIONS,
        "duty_why": DUTY_WHYS,
        "form": FORMS,
    }
    | NOTICE_TABLES
    | SERVICE_TABLES
    | STOCK_TABLES
    | INTAKE_TABLES
    | PROOF_TABLES
)


def _catalogued(table: str, code: str) -> Text | None:
    """Return what the catalogue calls a code; an installation adds to it."""
    if table == "fault":
        return FAULTS[code].name if code in FAULTS else None
    return (present().skills if table == "skill" else present().parts).get(code)


def word(table: str, value: str | None, language: str) -> str:
    """Return what `value` is called; a value that has no name is shown as it is, None as a dash."""
    if value is None:
        return "–"
    if table == "fault" and not value:  # what suspects nothing
        return TICKET_KINDS[TicketKind.COMPLAINT].in_language(language)
    if table == "fault" and value == MAINTENANCE:
        return TICKET_KINDS[TicketKind.MAINTENANCE].in_language(language)
    if table in ("fault", "skill", "part"):
        known = _catalogued(table, value)
        return known.in_language(language) if known else value
    text = _TABLES[table].get(value)  # type: ignore[attr-defined]  # tables differ in their enum of keys
    return text.in_language(language) if text else value
