"""Measures: what is watched on a device, each a ratio of two sums over tiles.

A ratio of sums is the same quantity over an hour, a day or a whole cohort: a mean is a total over a count,
current given load is a total over a total of revolutions, a rate is a counter's rise over another's.
"""

from dataclasses import dataclass, replace

from fleet.text import Text
from models.features import terms
from models.features.terms import Term


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity: sum of `top` over sum of `bottom`, in `unit`; its square root where `root`.

    `signal` is the one it speaks for. `relative` measures are compared as fractions of what is usual, the
    others (percentages, degrees, dBm) as differences in their unit. With `given` it is what the quantity
    would be if load, use and battery were the usual ones of the device's model
    (models/features/residuals.py).
    """

    name: str
    signal: str
    unit: str
    component: str
    label: Text
    top: Term
    bottom: Term
    relative: bool = True
    root: bool = False
    given: tuple["Measure", ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms that it is made of, those of what it is given included."""
        return (self.top, self.bottom, *(term for each in self.given for term in each.terms))


def mean(signal: str, unit: str, component: str, en: str, zh: str, *, relative: bool = True) -> Measure:
    """Return the mean of a signal."""
    top, bottom = terms.total(signal), terms.count(signal)
    return Measure(signal, signal, unit, component, Text(en, zh), top, bottom, relative)


def spread(signal: str, unit: str, component: str, en: str, zh: str) -> Measure:
    """Return how unsteady a signal is: the standard deviation within hours, without wild readings."""
    top, bottom = terms.tamed_squares(signal), terms.count(signal)
    return Measure(f"{signal}_spread", signal, unit, component, Text(en, zh), top, bottom, root=True)


def peak(
    signal: str, moving: str, unit: str, component: str, en: str, zh: str, *, relative: bool = True
) -> Measure:
    """Return the mean of the highest values of hours in which `moving` was above 0."""
    top, bottom = terms.peak(signal, moving), terms.peak_hours(signal, moving)
    return Measure(f"{signal}_peak", signal, unit, component, Text(en, zh), top, bottom, relative)


def dip(signal: str, moving: str, unit: str, component: str, en: str, zh: str) -> Measure:
    """Return the mean of the lowest values of hours in which `moving` was above 0."""
    top, bottom = terms.dip(signal, moving), terms.dip_hours(signal, moving)
    return Measure(f"{signal}_dip", signal, unit, component, Text(en, zh), top, bottom, relative=False)


def per(
    name: str, signal: str, unit: str, component: str, en: str, zh: str, top: Term, bottom: Term
) -> Measure:
    """Return one sum over another."""
    return Measure(name, signal, unit, component, Text(en, zh), top, bottom)


def share(name: str, signal: str, component: str, en: str, zh: str, top: Term) -> Measure:
    """Return the share of readings of which something was true."""
    return Measure(name, signal, "", component, Text(en, zh), top, terms.READINGS, relative=False)


def at_usual_load(measure: Measure, en: str, zh: str, *given: Measure) -> Measure:
    """Return a measure without what its load, the device's use and its battery explain of it."""
    return replace(measure, name=f"{measure.name}_residual", label=Text(en, zh), given=given)
