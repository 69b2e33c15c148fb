"""Units of other devices, and how each becomes the unit of a signal: `ours = theirs * factor + offset`."""

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
    "%": {"ratio": 100.0},
    "V": {"mV": 1e-3, "cV": 1e-2, "kV": 1e3},
    "A": {"mA": 1e-3, "uA": 1e-6},
    "m": {"mm": 1e-3, "cm": 1e-2, "km": 1e3, "ft": 0.3048},
    "m²": {"cm²": 1e-4, "mm²": 1e-6, "ft²": 0.09290304},
    "Pa": {"hPa": 1e2, "mbar": 1e2, "kPa": 1e3, "bar": 1e5},
    "s": {"ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86_400.0},
    "rpm": {"Hz": 60.0, "rad/s": 9.549296585513721},
    "bpm": {"Hz": 60.0},
    "°": {"rad": 57.29577951308232},
    "dBm": {"dBW": 1.0},  # and an offset
}
_OFFSETS = {("dBm", "dBW"): 30.0}
_OTHER_NAMES = {
    "degF": "°F",
    "F": "°F",
    "Fahrenheit": "°F",
    "degC": "°C",
    "C": "°C",
    "Cel": "°C",
    "Celsius": "°C",
    "percent": "%",
    "%EL": "%",
    "%RH": "%",
    "/": "ratio",
    "dBmW": "dBm",
    "dBW": "dBW",
    "volt": "V",
    "1/min": "rpm",
    "beat/min": "bpm",
    "deg": "°",
    "lat": "°",
    "lon": "°",
    "m2": "m²",
    "cm2": "cm²",
    "mm2": "mm²",
    "sec": "s",
}


def conversion(theirs: str, ours: str) -> Conversion | None:
    """Return how a value in `theirs` becomes one in `ours`; None where it cannot."""
    unit = _OTHER_NAMES.get(theirs, theirs)
    if unit == ours or (not ours and unit in ("", "#", "count")):
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
