"""How numbers and times read in the console. Times are in a zone and say so."""

from datetime import UTC, datetime, tzinfo
from math import ceil, floor, log10

from babel.dates import format_datetime
from babel.numbers import format_currency, format_decimal, format_percent

from api.console.render.language import LOCALES
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.text import Language, Text
from fleet.units import readable_unit

_UNITS = (
    (DAY_MS, Text("d", "天")),
    (HOUR_MS, Text("h", "小时")),
    (MINUTE_MS, Text("min", "分钟")),
    (SECOND_MS, Text("s", "秒")),
)

_READABLE = 1e9
"""A number beyond this is read as a power of ten."""
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def moment(ms: int, language: Language, zone: tzinfo = UTC) -> str:
    """Return a time such as `22 Nov 08:00 UTC`, in a zone and with its short name."""
    at = datetime.fromtimestamp(ms / 1000, zone)
    pattern = {"en": "d MMM HH:mm", "zh": "M月d日 HH:mm"}[language]
    return f"{_written(at, pattern, language)} {at.tzname()}"


def second(ms: int, language: Language, zone: tzinfo = UTC) -> str:
    """Return a time to the second, such as `22 Nov 08:00:05`; for many of them under a heading."""
    pattern = {"en": "d MMM HH:mm:ss", "zh": "M月d日 HH:mm:ss"}[language]
    return _written(datetime.fromtimestamp(ms / 1000, zone), pattern, language)


def day(ms: int, language: Language, zone: tzinfo = UTC) -> str:
    """Return a day with its year, such as `22 Nov 2026`; for what is far away."""
    pattern = {"en": "d MMM y", "zh": "y年M月d日"}[language]
    return _written(datetime.fromtimestamp(ms / 1000, zone), pattern, language)


def iso_day(ms: int, zone: tzinfo) -> str:
    """Return a day as fields for dates hold it, such as `2026-11-22`."""
    return datetime.fromtimestamp(ms / 1000, zone).date().isoformat()


def weekday(ms: int, language: Language, zone: tzinfo) -> str:
    """Return a time with the day of its week, such as `Sat 22 Nov 22:00`, in a zone that stands beside it."""
    pattern = {"en": "EEE d MMM HH:mm", "zh": "M月d日EEE HH:mm"}[language]
    return _written(datetime.fromtimestamp(ms / 1000, zone), pattern, language)


def dayname(ms: int, language: Language, zone: tzinfo) -> str:
    """Return a day with that of its week, such as `Sat 22 Nov`."""
    pattern = {"en": "EEE d MMM", "zh": "M月d日EEE"}[language]
    return _written(datetime.fromtimestamp(ms / 1000, zone), pattern, language)


def clock(ms: int, zone: tzinfo) -> str:
    """Return the time of the day, such as `22:00`."""
    return f"{datetime.fromtimestamp(ms / 1000, zone):%H:%M}"


def zone_name(ms: int, zone: tzinfo) -> str:
    """Return the short name of a zone at a time, such as `CST`."""
    return datetime.fromtimestamp(ms / 1000, zone).tzname() or str(zone)


def _written(at: datetime, pattern: str, language: Language) -> str:
    # Without its zone: babel would turn it into the zone of the pattern's default, which is UTC.
    return format_datetime(at.replace(tzinfo=None), pattern, locale=LOCALES[language])


def whole_minutes(ms: int) -> int:
    """Return in how many minutes a length of time is over."""
    return ceil(ms / MINUTE_MS)


def duration(ms: int, language: Language) -> str:
    """Return a length of time in its one or two largest units: `2 h 10 min`."""
    left = max(0, ms)
    parts: list[str] = []
    for size, name in _UNITS:
        count, left = divmod(left, size)
        if parts or count:
            parts.append(f"{count} {name.in_language(language)}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part) or f"0 {_UNITS[-1][1].in_language(language)}"


def percent(share: float, language: Language) -> str:
    """Return a share of 1 as per cent, with a decimal only where it would vanish without."""
    pattern = "#,##0.0 %" if 0 < share < 0.01 else "#,##0 %"
    return format_percent(share, pattern, locale=LOCALES[language])


def money(value: float, currency: str, language: Language) -> str:
    """Return an amount of money, whole; `currency` is an ISO 4217 code."""
    return format_currency(round(value), currency, "¤#,##0", locale=LOCALES[language], currency_digits=False)


def number(value: float, language: Language) -> str:
    """Return a number with about three significant digits."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 or size == 0 else 3 - ceil(log10(size))
    digits = min(digits, 9)
    pattern = "#,##0" + ("." + "#" * digits if digits else "")
    return format_decimal(value, pattern, locale=LOCALES[language])


def about(value: float, language: Language) -> str:
    """Return a number that is not known better: whole from 3 on, with one decimal below."""
    return number(round(value) if value >= 2.95 else round(value, 1), language)


def times(chance: float, language: Language) -> str:
    """Return in how many times a chance comes once, such as `2,000,000`, or as a power of ten: `10¹²`."""
    if chance <= 0:
        return "10³⁰⁰"  # so little that no number of the machine is left
    many = 1 / chance
    if many < _READABLE:
        return number(many, language)
    return "10" + str(floor(log10(many))).translate(_RAISED)


def quantity(value: float, unit: str, language: Language, beside: float = 0.0) -> str:
    """Return a number with the unit in which it is read; what stands `beside` it is in the same."""
    read_in, size = readable_unit(unit, max(abs(value), abs(beside)), language)
    return f"{number(value / size, language)} {read_in}".strip()
