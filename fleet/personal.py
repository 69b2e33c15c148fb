"""Personal data: what wristbands tell of the person who wears them."""

from fleet.signals import Kind

_OF_A_PERSON = frozenset({"heart_rate_bpm", "skin_temp_c", "lat", "lon", "x_m", "y_m", "floor"})


def personal_signals(kind: Kind) -> frozenset[str]:
    """Return the signals of a kind of device that tell how a person is, or where."""
    return _OF_A_PERSON if kind is Kind.WRISTBAND else frozenset()
