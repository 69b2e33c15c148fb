"""What is watched of an installation's own signals, by what they are.

Of a level its mean and its unsteadiness; of a counter how much it rises an hour and for the run time (many
count what seldom happens: they are compared as differences, not as shares of what is usual); of a state (true
or false) the share of readings in which it was true. A level or a counter that has a load or set-points is
also watched without what these explain of it (models/features/residuals.py).
"""

from collections.abc import Iterator
from dataclasses import replace

from fleet.catalogue.entries import Catalogue, OwnSignal
from fleet.signals import Role
from fleet.text import Text
from models.features import terms
from models.features.measures import Measure
from models.features.robot_measures import MEASURES
from models.features.terms import Term


def own_measures(catalogue: Catalogue) -> tuple[Measure, ...]:
    """Return the measures of all signals of an installation's own, in the order of its settings."""
    main = {measure.name: measure for measure in MEASURES}
    main |= {signal.name: _main(signal) for signal in catalogue.signals}
    return tuple(measure for signal in catalogue.signals for measure in _of(signal, main))


def age_measure(catalogue: Catalogue, component: str) -> Measure:
    """Return what the age of a component is looked at by of which no signal speaks."""
    label = catalogue.components[component].name
    return Measure(f"{component}_life", "run_s", "", component, label, terms.PRESENT, terms.PRESENT)


def _of(signal: OwnSignal, main: dict[str, Measure]) -> Iterator[Measure]:
    name, unit, of = signal.name, signal.unit, signal.component
    yield main[name]
    if signal.role is Role.LEVEL:
        label = _label(signal, "unsteadiness", "波动")
        top, bottom = terms.tamed_squares(name), terms.count(name)
        yield Measure(f"{name}_spread", name, unit, of, label, top, bottom, root=True)
    if signal.role is Role.COUNTER:
        label = _label(signal, "for its run time", "单位运行时间")
        yield _rate(f"{name}_per_run", signal, f"{unit}/s", label, terms.RUN_TIME)
    given = tuple(main[each] for each in dict.fromkeys((*signal.load, *signal.setpoints)) if each in main)
    if given:
        label = _label(signal, "for its load", "按负载修正")
        yield replace(main[name], name=f"{name}_residual", label=label, given=given)


def _main(signal: OwnSignal) -> Measure:
    """Return the one measure that a signal is known by."""
    name, of = signal.name, signal.component
    if signal.role is Role.COUNTER:
        return _rate(name, signal, f"{signal.unit}/h", _label(signal, "an hour", "每小时"), terms.CLOCK)
    is_state = signal.role is Role.STATE
    unit, top, bottom = "" if is_state else signal.unit, terms.total(name), terms.count(name)
    return Measure(name, name, unit, of, signal.label, top, bottom, relative=not is_state)


def _rate(name: str, signal: OwnSignal, unit: str, label: Text, per: Term) -> Measure:
    top = terms.counted(signal.name)
    return Measure(name, signal.name, unit, signal.component, label, top, per, relative=False)


def _label(signal: OwnSignal, en: str, zh: str) -> Text:
    return Text(f"{signal.label.en}, {en}", f"{signal.label.zh}（{zh}）")
