"""Units as people read them: seconds of run time in hours, shares of an hour in minutes, rates by hour."""

from fleet.text import Language, Text

_LONG_S = 3600
"""From so many seconds on they are read in hours."""
_HOURS = Text("h", "小时")
_READ_IN = {
    "s/h": (Text("min/h", "分钟/小时"), 60.0),
    "1/h": (Text("/h", "次/小时"), 1.0),
    "1/s": (Text("/h", "次/小时"), 1 / 3600),
}


def readable_unit(unit: str, most: float, language: Language) -> tuple[str, float]:
    """Return the unit in which values up to `most` are read, and what they are divided by."""
    if unit == "s" and abs(most) >= _LONG_S:
        return _HOURS.in_language(language), float(_LONG_S)
    if unit in _READ_IN:
        name, size = _READ_IN[unit]
        return name.in_language(language), size
    return unit, 1.0
