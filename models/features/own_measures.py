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
from models.features.measures import Measure, per, share, spread
from models.features.robot_measures import MEASURES


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
    yield main[signal.name]
    if signal.role is Role.LEVEL:
        label = _label(signal, "unsteadiness", "波动")
        yield replace(spread(signal.name, signal.unit, signal.component, "", ""), label=label)
    if signal.role is Role.COUNTER:
        top, unit = terms.counted(signal.name), f"{signal.unit}/s"
        told = per(f"{signal.name}_per_run", signal.name, unit, signal.component, "", "", top, terms.RUN_TIME)
        yield replace(told, label=_label(signal, "for its run time", "单位运行时间"), relative=False)
    given = tuple(main[name] for name in dict.fromkeys((*signal.load, *signal.setpoints)) if name in main)
    if given:
        label = _label(signal, "for its load", "按负载修正")
        yield replace(main[signal.name], name=f"{signal.name}_residual", label=label, given=given)


def _main(signal: OwnSignal) -> Measure:
    """Return the one measure that a signal is known by."""
    if signal.role is Role.STATE:
        told = share(signal.name, signal.name, signal.component, "", "", terms.total(signal.name))
        return replace(told, label=signal.label, bottom=terms.count(signal.name))
    if signal.role is Role.COUNTER:
        top, unit = terms.counted(signal.name), f"{signal.unit}/h"
        told = per(signal.name, signal.name, unit, signal.component, "", "", top, terms.CLOCK)
        return replace(told, label=_label(signal, "an hour", "每小时"), relative=False)
    top, bottom = terms.total(signal.name), terms.count(signal.name)
    return Measure(signal.name, signal.name, signal.unit, signal.component, signal.label, top, bottom)


def _label(signal: OwnSignal, en: str, zh: str) -> Text:
    return Text(f"{signal.label.en}, {en}", f"{signal.label.zh}（{zh}）")
