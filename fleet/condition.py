"""What a device does and whether it works, in a few words: never a bare "online"."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.codes import CodeCatalogue
from fleet.devices import Device
from fleet.faults import FAULTS
from fleet.text import Text

NOT_HEARD_MS = HOUR_MS
"""A device that is said to be online and was not heard for so long is shown as not heard."""
NEVER_HEARD, NOT_HEARD, OFFLINE, NO_READING, STUCK, REPORTS, ALARM, SENDING = (
    "never_heard", "not_heard", "offline", "no_reading", "stuck", "reports", "alarm", "sending",
)  # fmt: skip
STATES = {
    "off": Text("switched off", "已关机"),
    "idle": Text("idle", "空闲"),
    "cleaning": Text("cleaning", "清洁中"),
    "returning": Text("returning", "返回中"),
    "docked": Text("docked", "已停靠"),
    "charging": Text("charging", "充电中"),
    "paused": Text("paused", "已暂停"),
    "emptying": Text("emptying", "排空中"),
    "manual": Text("driven by hand", "手动操作"),
}
_UNITS = ((DAY_MS, "d", "天"), (HOUR_MS, "h", "小时"), (MINUTE_MS, "min", "分钟"), (SECOND_MS, "s", "秒"))


class Stands(StrEnum):
    """How a device stands, as lists tell devices apart."""

    WORKING = "working"
    REPORTS = "reports"
    STUCK = "stuck"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Condition:
    """One device as it stands.

    `word` is `never_heard`, `not_heard`, `offline`, `no_reading` (it was heard, and has measured nothing),
    `stuck`, `reports` (it works, and names an error), `alarm` (an L1 alert is open), `sending` (it has no
    state), or its state. `code` is the raw error code, where one is named.
    """

    word: str
    text: Text
    code: str | None = None

    @property
    def stands(self) -> Stands:
        """How it stands: working where nothing is known against it, absent where it was not heard."""
        if self.word in STATES or self.word == SENDING:
            return Stands.WORKING
        if self.word in (REPORTS, ALARM):
            return Stands.REPORTS
        return Stands.STUCK if self.word == STUCK else Stands.ABSENT

    @property
    def works(self) -> bool:
        """Whether nothing is known against it."""
        return self.stands is Stands.WORKING


def condition_of(device: Device, codes: CodeCatalogue, now: int) -> Condition:
    """Return what a device does and whether it works, at `now` (epoch ms).

    What was not heard for long comes first, then an error that it stands in, then one that it names, then an
    alarm.
    """
    absent = _absent(device, now)
    if absent is not None:
        return absent
    if device.state == "error":
        return _stuck(device, codes)
    doing = STATES.get(device.state or "", Text("sending readings", "正常上报"))
    word = device.state if device.state in STATES else SENDING
    if device.error_code and (device.error_ts or 0) >= (device.state_ts or 0):
        said = _said(device, device.error_code, codes)
        both = Text(f"{doing.en}, reports {said.en}", f"{doing.zh}，报告 {said.zh}")
        return Condition(REPORTS, both, device.error_code)
    if device.alarm is not None:
        name = FAULTS[device.alarm].name if device.alarm in FAULTS else Text(device.alarm, device.alarm)
        return Condition(ALARM, Text(f"{doing.en}, alarm: {name.en}", f"{doing.zh}，警报：{name.zh}"))
    return Condition(word or SENDING, doing)


def _absent(device: Device, now: int) -> Condition | None:
    """Return what is to be said of a device of which nothing is known now; None where something is."""
    if device.last_seen is None:
        return Condition(NEVER_HEARD, Text("never heard", "从未上报"))
    silent = now - device.last_seen
    for_en, for_zh = _length(silent)
    if device.status == "offline":
        return Condition(OFFLINE, Text(f"offline, not heard for {for_en}", f"离线，已 {for_zh}未上报"))
    if silent >= NOT_HEARD_MS:
        return Condition(NOT_HEARD, Text(f"not heard for {for_en}", f"已 {for_zh}未上报"))
    return Condition(NO_READING, Text("no reading yet", "尚无读数")) if device.newest_ts is None else None


def _stuck(device: Device, codes: CodeCatalogue) -> Condition:
    if not device.error_code:
        return Condition(STUCK, Text("stuck: it reports an error", "故障停机"))
    said = _said(device, device.error_code, codes)
    return Condition(STUCK, Text(f"stuck: {said.en}", f"故障停机：{said.zh}"), device.error_code)


def _said(device: Device, code: str, codes: CodeCatalogue) -> Text:
    """Return the raw code and, where it is known, what it means."""
    meaning = codes.meaning(device.model, code)
    if meaning is None:
        return Text(code, code)
    return Text(f"{code}, {meaning.text.en}", f"{code}，{meaning.text.zh}")


def _length(ms: int) -> tuple[str, str]:
    """Return a length of time in both languages, in its largest unit; days from two on."""
    for size, en, zh in _UNITS:
        if ms >= (2 * size if size == DAY_MS else size):
            return f"{ms // size} {en}", f"{ms // size} {zh}"
    return "0 s", "0 秒"
