"""A driver is said in one sentence that a service manager understands."""

import pytest

from fleet.risks import Driver
from fleet.signals import STANDARD_SIGNALS
from fleet.text import LANGUAGES, Language
from models.features.definitions import LIFE_VIEWS, by_name
from models.scoring.explanation import sentence


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
        (
            "brush_current_a:own",
            22.0,
            2.0,
            "A",
            "Brush current 1000 % above its own baseline",
            "滚刷电流高于其自身基线 1000 %",
        ),
        (
            "brush_current_a:own",
            125.32,
            2.0,
            "A",
            "Brush current more than 60 times its own baseline",
            "滚刷电流超过其自身基线的 60 倍",
        ),
        (
            "brush_current_a:cohort",
            4000.0,
            2.0,
            "A",
            "Brush current more than 1,000 times the usual for this model",
            "滚刷电流超过同型号常值的 1,000 倍",
        ),
        (
            "drive_current_a:own",
            -60.0,
            2.0,
            "A",
            "Drive current 62 A below its own baseline",
            "行走电机电流低于其自身基线 62 A",
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
    assert said("drive_rpm:own", 12_400.0, None, "rpm") == "Drive motor speed: 12,400 rpm"
    assert said("cycles_per_day:own", 0.125, None, "1/h").endswith(": 3 /d")


def test_an_unknown_feature_is_named_by_its_signal() -> None:
    assert said("brush_current_a:of-another-version", 2.0, 1.0, "A", "zh") == "滚刷电流"


def test_a_sentence_says_for_how_long_it_has_been_so() -> None:
    def lasting(days: int | None, language: Language) -> str:
        driver = Driver("brush_current_a", "brush_current_a:cohort", 1.0, 2.68, 2.0, "A", days)
        return sentence(driver, STANDARD_SIGNALS, language)

    assert lasting(6, "en") == "Brush current 34 % above the usual for this model, for 6 days"
    assert lasting(6, "zh") == "滚刷电流高于同型号常值 34 %，已持续 6 天"
    assert lasting(1, "en").endswith(", for 1 day")
    assert lasting(30, "en").endswith(", for 30 days or more")
    assert lasting(30, "zh").endswith("，已持续 30 天以上")
    assert lasting(None, "en").endswith("model")


@pytest.mark.parametrize(
    ("feature", "en", "zh"),
    [
        ("fan_rpm:own", "Fan speed: no reading", "风机转速：无读数"),
        ("fan_rpm:cohort", "Fan speed: no reading", "风机转速：无读数"),
    ],
)
def test_a_driver_without_a_value_says_that_there_is_no_reading(feature: str, en: str, zh: str) -> None:
    assert said(feature, None, 4000.0, "rpm") == en
    assert said(feature, None, None, "rpm", "zh") == zh


def test_what_is_not_known_of_a_parts_life_is_said_in_words() -> None:
    for name in (name for name, feature in by_name().items() if feature.view in LIFE_VIEWS):
        for language in LANGUAGES:
            assert "–" not in said(name, None, None, "", language), name
