"""A driver is said in one sentence that a service manager understands."""

import pytest

from fleet.risks import Driver
from fleet.signals import STANDARD_SIGNALS
from fleet.text import Language
from models.explanation import sentence


def said(feature: str, value: float | None, usual: float | None, unit: str, language: Language = "en") -> str:
    signal = feature.partition(":")[0]
    return sentence(Driver(signal, feature, 1.0, value, usual, unit), STANDARD_SIGNALS, language)


@pytest.mark.parametrize(
    ("feature", "value", "usual", "unit", "en", "zh"),
    [
        (
            "brush_current_a:own",
            2.68,
            2.0,
            "A",
            "Brush current 34 % above its own baseline",
            "滚刷电流高于其自身基线 34 %",
        ),
        (
            "drive_rpm:own",
            3000,
            4000,
            "rpm",
            "Drive motor speed 25 % below its own baseline",
            "行走电机转速低于其自身基线 25 %",
        ),
        (
            "wheel_slip_pct:own",
            4.9,
            2.2,
            "%",
            "Wheel slip 2.7 points above its own baseline",
            "车轮打滑率高于其自身基线 2.7 个百分点",
        ),
        (
            "drive_rpm:own",
            4001,
            4000,
            "rpm",
            "Drive motor speed close to its own baseline",
            "行走电机转速接近其自身基线",
        ),
        (
            "wheel_slip_pct:own",
            2.21,
            2.2,
            "%",
            "Wheel slip close to its own baseline",
            "车轮打滑率接近其自身基线",
        ),
    ],
)
def test_a_sentence_says_what_how_far_and_against_what(
    feature: str, value: float, usual: float, unit: str, en: str, zh: str
) -> None:
    assert said(feature, value, usual, unit) == en
    assert said(feature, value, usual, unit, "zh") == zh


def test_without_anything_to_compare_with_the_value_is_said() -> None:
    assert said("brush_current_a:own", 2.0, None, "A") == "Brush current: 2 A"


def test_an_unknown_feature_is_named_by_its_signal() -> None:
    assert said("brush_current_a:of-another-version", 2.0, 1.0, "A", "zh") == "滚刷电流"
