"""The charts of a model's card: how true its risks are, and what each threshold costs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from api.console.charts.drawing import to_svg


def draw_calibration(points: Sequence[Mapping[str, float]], language: str) -> str:
    """Return the SVG of `calibration_chart`."""
    from api.console.charts.specs import calibration_chart

    return _drawn(calibration_chart(points, language), language)


def draw_costs(thresholds: Sequence[float], relative: Sequence[float], chosen: float, language: str) -> str:
    """Return the SVG of `cost_chart`."""
    from api.console.charts.specs import cost_chart

    return _drawn(cost_chart(thresholds, relative, chosen, language), language)


def _drawn(chart: Any, language: str) -> str:
    from api.console.charts.specs import quiet

    return to_svg(json.dumps(quiet(chart).to_dict()), language)
