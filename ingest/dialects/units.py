"""Units of other devices, and how each becomes the unit of a signal: `ours = theirs * factor + offset`.

A unit goes by its meaning: its symbol, its name, and how SenML, UCUM, UN/ECE and Homie write it.
"""

import unicodedata
from typing import NamedTuple


class Conversion(NamedTuple):
    """A linear conversion."""

    factor: float
    offset: float = 0.0

    def __call__(self, value: float) -> float:
        """Return a value in our unit."""
        return value * self.factor + self.offset


SAME = Conversion(1.0)
_TO_CELSIUS = {
    "°F": Conversion(5 / 9, -160 / 9),
    "K": Conversion(1.0, -273.15),
}
_FACTORS: dict[str, dict[str, float]] = {
    "%": {"ratio": 100.0, "‰": 0.1, "ppm": 1e-4},
    "V": {"mV": 1e-3, "cV": 1e-2, "dV": 1e-1, "uV": 1e-6, "kV": 1e3},
    "A": {"mA": 1e-3, "cA": 1e-2, "dA": 1e-1, "uA": 1e-6},
    "m": {"mm": 1e-3, "cm": 1e-2, "km": 1e3, "in": 0.0254, "ft": 0.3048},
    "m²": {"cm²": 1e-4, "mm²": 1e-6, "ft²": 0.09290304},
    "Pa": {"hPa": 1e2, "mbar": 1e2, "kPa": 1e3, "bar": 1e5, "mmHg": 133.322387415, "psi": 6894.757293168},
    "s": {"ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0, "d": 86_400.0},
    "rpm": {"Hz": 60.0, "rad/s": 9.549296585513721},
    "bpm": {"Hz": 60.0},
    "m/s": {"mm/s": 1e-3, "cm/s": 1e-2, "km/h": 1 / 3.6, "m/min": 1 / 60},
    "W": {"mW": 1e-3, "kW": 1e3},
    "°": {"rad": 57.29577951308232},
    "dBm": {"dBW": 1.0},  # and an offset
}
_OFFSETS = {("dBm", "dBW"): 30.0}
_SPELLINGS = {
    "°C": "degC, deg C, °Celsius, C, Cel, CEL, Celsius, centigrade, degree Celsius, degrees Celsius",
    "°F": "degF, deg F, F, [degF], FAH, Fahrenheit, degree Fahrenheit, degrees Fahrenheit",
    "K": "KEL, Kelvin, °K, degK",
    "%": "percent, pct, per cent, %EL, %RH, P1, /100, percentage",
    "‰": "permille, per mille, /1000",
    "ppm": "parts per million",
    "ratio": "/, fraction",
    "V": "VLT, volt, volts, VDC, V DC",
    "mV": "millivolt, millivolts, 2Z",
    "cV": "centivolt",
    "dV": "decivolt",
    "uV": "μV, microvolt",
    "kV": "kilovolt, KVT",
    "A": "AMP, amp, amps, ampere, amperes",
    "mA": "milliampere, milliamperes, milliamp, milliamps, 4K",
    "uA": "μA, microampere, microamp",
    "m": "MTR, meter, meters, metre, metres",
    "mm": "MMT, millimeter, millimeters, millimetre, millimetres",
    "cm": "CMT, centimeter, centimeters, centimetre, centimetres",
    "km": "KMT, kilometer, kilometers, kilometre, kilometres",
    "in": "inch, inches, [in_i]",
    "ft": "foot, feet, [ft_i]",
    "m²": "m2, m^2, sqm, sq m, MTK, square meter, square meters, square metre, square metres",
    "cm²": "cm2, cm^2, CMK, square centimeter, square centimetre",
    "mm²": "mm2, mm^2, MMK, square millimeter, square millimetre",
    "ft²": "ft2, ft^2, sqft, sq ft, square foot, square feet",
    "Pa": "PAL, pascal, pascals",
    "hPa": "hectopascal, A97",
    "kPa": "kilopascal, KPA",
    "mbar": "millibar, MBR",
    "bar": "BAR",
    "mmHg": "mm[Hg], mm Hg",
    "psi": "PSI, lbf/in2",
    "s": "EL, SEC, sec, secs, second, seconds",
    "ms": "C26, msec, millisecond, milliseconds",
    "us": "μs, microsecond, microseconds",
    "min": "MIN, mins, minute, minutes",
    "h": "HUR, hr, hrs, hour, hours",
    "d": "DAY, day, days",
    "rpm": "RPM, 1/min, /min, min-1, min^-1, r/min, rev/min, U/min, revolutions per minute, 转/分",
    "Hz": "HTZ, hertz, 1/s, /s, s-1, rps",
    "rad/s": "rad s-1, radians per second",
    "bpm": "BPM, beat/min, beats/min, {beats}/min, beats per minute, 次/分",
    "m/s": "MTS, mps, meters per second, metres per second, m s-1",
    "km/h": "KMH, kph, kmh, kilometers per hour, kilometres per hour",
    "W": "WTT, watt, watts",
    "kW": "KWT, kilowatt, kilowatts",
    "mW": "milliwatt, milliwatts",
    "°": "deg, degree, degrees, DD, lat, lon",
    "rad": "C81, radian, radians",
    "dBm": "dBmW, dB(mW), decibel-milliwatts",
    "dBW": "dB(W)",
    "": "#, count, counts, 1, C62, pcs, times, 次",
}


def _plain(unit: str) -> str:
    """Return a unit without what has no meaning: forms of a character, blanks around and within."""
    return " ".join(unicodedata.normalize("NFKC", unit.replace("²", "2")).split())


def _table() -> tuple[dict[str, str], dict[str, str]]:
    """Return each spelling's unit: as it is written, and in small letters where that leaves no doubt."""
    exact: dict[str, str] = {}
    for unit, spellings in _SPELLINGS.items():
        for one in (unit, *spellings.split(", ")):
            exact[_plain(one)] = unit
    for base, factors in _FACTORS.items():
        exact |= {_plain(one): one for one in (base, *factors)}
    meanings: dict[str, set[str]] = {}
    for spelling, unit in exact.items():
        meanings.setdefault(spelling.lower(), set()).add(unit)
    return exact, {small: units.pop() for small, units in meanings.items() if len(units) == 1}


_EXACT, _SMALL = _table()
_MEGA = ("MV", "MA", "Ms", "MW", "MPa", "Mm")
"""Small letters would make thousandths of them."""
_COMPOUND = str.maketrans({"_": " ", ".": ""})


def meaning(unit: str) -> str:
    """Return the unit that is meant, as we write it; what is unknown as it stands."""
    plain = _plain(unit)
    if plain in _MEGA:
        return unit
    for text in (plain, plain.replace(" ", ""), plain.translate(_COMPOUND).strip()):
        found = _EXACT.get(text, _SMALL.get(text.lower()))
        if found is not None:
            return found
    return unit


def conversion(theirs: str, ours: str) -> Conversion | None:
    """Return how a value in `theirs` becomes one in `ours`; None where it cannot."""
    unit, ours = meaning(theirs), meaning(ours)
    if unit == ours:
        return SAME
    if ours == "°C":
        return _TO_CELSIUS.get(unit)
    for base, factors in _FACTORS.items():  # by way of the unit that both are multiples of
        known = {base: 1.0, **factors}
        if unit in known and ours in known:
            return Conversion(known[unit] / known[ours], _OFFSETS.get((ours, unit), 0.0))
    return None


def units_for(ours: str) -> list[str]:
    """Return the units that can be converted to `ours`, for error messages."""
    if ours == "°C":
        return [ours, *_TO_CELSIUS]
    families = [(base, *factors) for base, factors in _FACTORS.items() if ours in (base, *factors)]
    return [ours or "count", *(unit for family in families for unit in family if unit != ours)]
