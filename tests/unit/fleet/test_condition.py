"""What a device is shown to do: whether it works, never a bare "online"."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.codes import load_codes
from fleet.condition import condition_of
from fleet.devices import Device
from fleet.signals import Kind

NOW = 1_800_000_000_000
CODES = load_codes()
DEVICE = Device(
    id="R1", kind=Kind.ROBOT, site="hall", model="CR-200", firmware=None, serial=None, commissioned=None,
    registered_at=0, status="online", last_seen=NOW, newest_ts=NOW, battery_pct=None, risk=None, fault=None,
    risk_ts=None, confidence=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("known", "word", "en", "zh"),
    [
        ({"last_seen": None}, "never_heard", "never heard", "从未上报"),
        ({"last_seen": NOW - 25 * HOUR_MS}, "not_heard", "not heard for 25 h", "已 25 小时未上报"),
        (
            {"last_seen": NOW - 3 * DAY_MS, "state": "error"},
            "not_heard",
            "not heard for 3 d",
            "已 3 天未上报",
        ),
        (
            {"status": "offline", "last_seen": NOW - 5 * MINUTE_MS},
            "offline",
            "offline, not heard for 5 min",
            "离线，已 5 分钟未上报",
        ),
        (
            {"state": "error", "error_code": "M31", "error_ts": 1, "state_ts": 2},
            "stuck",
            "stuck: M31, fan motor",
            "故障停机：M31，风机电机",
        ),
        ({"state": "error", "error_code": "X9"}, "stuck", "stuck: X9", "故障停机：X9"),
        ({"state": "error", "error_code": ""}, "stuck", "stuck: it reports an error", "故障停机"),
        ({"state": "cleaning"}, "cleaning", "cleaning", "清洁中"),
        ({"state": "charging", "error_code": "", "error_ts": 9}, "charging", "charging", "充电中"),
        (
            {"state": "cleaning", "state_ts": 5, "error_code": "D01", "error_ts": 5},
            "reports",
            "cleaning, reports D01, dustbin full",
            "清洁中，报告 D01，尘盒已满",
        ),
        (
            {"state": "cleaning", "state_ts": 6, "error_code": "D01", "error_ts": 5},
            "cleaning",
            "cleaning",
            "清洁中",
        ),
        ({"kind": Kind.TOOL}, "sending", "sending readings", "正常上报"),
        ({"kind": Kind.TOOL, "newest_ts": None}, "no_reading", "no reading yet", "尚无读数"),
        (
            {"kind": Kind.WRISTBAND, "alarm": "worker_sos"},
            "alarm",
            "sending readings, alarm: Worker calls for help",
            "正常上报，警报：工人求助",
        ),
    ],
)
def test_the_shown_state_is_what_a_device_does(known: dict[str, Any], word: str, en: str, zh: str) -> None:
    condition = condition_of(replace(DEVICE, **known), CODES, NOW)
    assert (condition.word, condition.text.en, condition.text.zh) == (word, en, zh)
    assert "online" not in condition.text.en
