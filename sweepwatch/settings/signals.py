"""The signals that an installation knows: the standard ones and its own."""

from fleet.signals import MAX_COUNT, STANDARD_SIGNALS, Form, Signal, SignalTable
from sweepwatch.settings.own_signals import SignalSettings
from sweepwatch.settings.settings import Settings


def signal_table(settings: Settings) -> SignalTable:
    """Return the standard signals, then those of the settings."""
    if not settings.signals:
        return STANDARD_SIGNALS
    own = (_signal(name, chosen) for name, chosen in settings.signals.items())
    return SignalTable([*STANDARD_SIGNALS, *own])


def _signal(name: str, chosen: SignalSettings) -> Signal:
    low, high = chosen.range or (0.0, 1.0)
    form = Form.BOOLEAN if chosen.state else Form.NUMBER
    if chosen.counter:
        form, low, high = Form.WHOLE, 0.0, min(high, MAX_COUNT)
    return Signal(name, chosen.unit, chosen.role, form, low, high, frozenset(chosen.kind), chosen.text(name))
