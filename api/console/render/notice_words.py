"""The words of notices as the console shows them, in both languages."""

from fleet.notices import ChannelKind, Proof
from fleet.outbox import NoticeState
from fleet.tellings import Unreached
from fleet.text import Text

CHANNELS = {
    ChannelKind.MAIL: Text("E-mail", "电子邮件"),
    ChannelKind.WEBHOOK: Text("Webhook", "Webhook"),
    ChannelKind.DINGTALK: Text("DingTalk", "钉钉"),
    ChannelKind.WECOM: Text("WeCom", "企业微信"),
    ChannelKind.FEISHU: Text("Feishu", "飞书"),
    ChannelKind.SLACK: Text("Slack", "Slack"),
    ChannelKind.SMS: Text("Text message", "短信"),
    ChannelKind.PUSH: Text("Browser", "浏览器推送"),
}
NOTICE_STATES = {
    NoticeState.WAITING: Text("goes out", "待发送"),
    NoticeState.HELD: Text("held for later", "暂缓发送"),
    NoticeState.NOBODY: Text("waits for somebody to tell", "等待接收人"),
    NoticeState.SENT: Text("sent", "已发送"),
    NoticeState.DEAD: Text("not delivered", "未送达"),
    NoticeState.DROPPED: Text("not sent any more", "不再发送"),
}
PROOFS = {
    Proof.WRITTEN: Text("written", "已写入"),
    Proof.HANDED_OVER: Text("handed over", "已交付渠道"),
    Proof.ACCEPTED: Text("accepted by the provider", "渠道已接收"),
    Proof.OPENED: Text("opened", "已打开"),
    Proof.ACKNOWLEDGED: Text("acknowledged", "已确认处理"),
}
NOTICE_REASONS = {
    "quiet_hours": Text("in quiet hours", "免打扰时段"),
    "digest": Text("comes with the day's digest", "等待每日汇总"),
    "fallback_from": Text("another way, after quiet hours", "改用其他渠道，待免打扰时段结束"),
    "told_anew": Text("something newer says it", "已有更新的通知"),
    "not_needed": Text("it was done meanwhile: there is nothing to ask", "期间已完成，无需再问"),
    "over_before_sent": Text("it was over before it could go out", "发送前已解除"),
    "not_theirs": Text("the site is not this customer's any more", "该站点已不属于此客户"),
    "handed_on": Text("staff handed on a link of its own", "员工已另行提供链接"),
    "done_before_sent": Text("it was done before it could go out", "发送前已处理"),
    "resolved_before_sent": Text("it was over before it could go out", "发送前已解除"),
    "acknowledged_before_sent": Text("somebody took care before it could go out", "发送前已有人响应"),
    "arrived_by": Text("it arrived by another way (notice {})", "已通过其他渠道送达（通知 {}）"),
    "shift_began": Text("somebody came on call and is told", "已有人值班，改为通知该人员"),
    "somebody_came": Text("somebody came who is told", "已有人可接收，改为通知该人员"),
}
"""Why a notice is held, or does not go out any more; a mute's reason is that of its alert."""
UNREACHED = {
    Unreached.NOBODY_ON_CALL: Text("nobody is on call", "无人值班"),
    Unreached.NOBODY_MEANT: Text("nobody has the role, nor is there an admin", "无人担任该角色，也无管理员"),
    Unreached.NO_CHANNEL: Text("the recipient has no destination", "收件人没有通知渠道"),
    Unreached.UNDELIVERED: Text("it could not be delivered", "无法送达"),
    Unreached.UNPROVEN: Text("nothing proves that it arrived", "无法证实已送达"),
    "too_old": Text("it was too old when it could go out", "可发送时已过期"),
}
ADDRESS_PARTS = {
    "email": Text("E-mail address", "邮箱地址"),
    "url": Text("Address (https://…)", "地址（https://…）"),
    "token": Text("Token, or the whole webhook address", "令牌，或完整的 Webhook 地址"),
    "key": Text("Key, or the whole webhook address", "密钥，或完整的 Webhook 地址"),
    "secret": Text("Signing secret", "签名密钥"),
    "phone": Text("Phone number, with its country (+86…)", "电话号码，含国家代码（+86…）"),
}
NOTICE_TABLES = {
    "address": ADDRESS_PARTS,
    "channel": CHANNELS,
    "notice": NOTICE_STATES,
    "proof": PROOFS,
    "unreached": UNREACHED,
}
