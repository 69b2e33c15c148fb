"""The words of intake: doors, states of requests, times that suit, kinds of files."""

from fleet.case_files import FileKind
from fleet.requests import Channel, RequestState, Suits
from fleet.text import Text

CHANNELS = {
    Channel.STAFF: Text("by staff", "工作人员录入"),
    Channel.CUSTOMER: Text("by the customer's link", "客户链接"),
    Channel.QR: Text("by the QR code on the device", "设备二维码"),
    Channel.MAIL: Text("by mail", "邮件"),
    Channel.WEBHOOK: Text("by another system", "其他系统"),
}
REQUEST_STATES = {
    RequestState.WAITING: Text("Waits to be placed", "待分派设备"),
    RequestState.PLACED: Text("Placed", "已建单"),
    RequestState.DISMISSED: Text("Dismissed", "已驳回"),
}
SUITS = {
    Suits.BEFORE_8: Text("before 8:00", "8:00 前"),
    Suits.DAY: Text("during the day", "白天"),
    Suits.AFTER_20: Text("after 20:00", "20:00 后"),
    Suits.WEEKEND: Text("at the weekend", "周末"),
}
FILE_KINDS = {
    FileKind.PHOTO: Text("Picture", "照片"),
    FileKind.DOCUMENT: Text("Document", "文档"),
    FileKind.SIGNATURE: Text("Signature", "签名"),
}
INTAKE_TABLES = {
    "channel": CHANNELS,
    "request_state": REQUEST_STATES,
    "suits": SUITS,
    "file_kind": FILE_KINDS,
}
