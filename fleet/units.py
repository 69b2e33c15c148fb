"""Units as people read them: run time in hours, its share of an hour in minutes, rates by hour or day."""

from fleet.text import Language, Text

_LONG_S = 3600
"""From so many seconds on they are read in hours."""
_HOURS = Text("h", "小时")
_MINUTES_AN_HOUR = Text("min/h", "分钟/小时")
_AN_HOUR, _A_DAY = Text("/h", "/小时"), Text("/d", "/天")
_BY_HOUR = {"1/h": 1.0, "1/s": 3600.0}
"""Rates, and how many an hour one of them is."""


def readable_unit(unit: str, most: float, language: Language) -> tuple[str, float]:
    """Return the unit in which values up to `most` are read, and what they are divided by."""
    if unit == "s" and abs(most) >= _LONG_S:
        return _HOURS.in_language(language), float(_LONG_S)
    if unit == "s/h":
        return _MINUTES_AN_HOUR.in_language(language), 60.0
    if unit in _BY_HOUR:
        by_hour = _BY_HOUR[unit]
        if abs(most) * by_hour >= 1:
            return _AN_HOUR.in_language(language), 1 / by_hour
        return _A_DAY.in_language(language), 1 / (24 * by_hour)
    return unit, 1.0
