"""Makes the catalogue and the signals that settings name those of this process (fleet/catalogue)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from fleet.catalogue.entries import Catalogue, OwnSignal
from fleet.catalogue.present import adopt, adopted, present
from fleet.catalogue.reading import read_catalogue, standard
from fleet.errors import ConfigError
from fleet.faults import predicted_faults
from fleet.signals import Kind
from fleet.text import near, quoted
from models.features.definitions import features_of, measures, telling
from models.features.robot_measures import MEASURES
from sweepwatch.settings.own_signals import SignalSettings


def take_catalogue(path: object, origin: str) -> list[str]:
    """Make the catalogue at a path that of this process; return what is wrong with it.

    None is that which ships, and so is one that is wrong. `origin` says where the path comes from.
    """
    adopt(standard())
    if path is None:
        return []
    if not isinstance(path, str | Path):
        return [f"{origin}: here stands the path of a file"]
    try:
        adopt(read_catalogue(Path(path)))
    except ConfigError as error:
        return [str(error)]
    return []


def take_signals(signals: Mapping[str, SignalSettings]) -> list[str]:
    """Add an installation's own signals to the catalogue; return what is wrong with both together."""
    own = tuple(_signal(name, said) for name, said in signals.items() if Kind.ROBOT in said.kind)
    catalogue = replace(present(), signals=own)
    wrong = list(_wrong_signals(catalogue))
    if not wrong:
        with adopted(catalogue):
            wrong = list(_wrong_faults())
    if not wrong:
        adopt(catalogue)
    return wrong


def _signal(name: str, said: SignalSettings) -> OwnSignal:
    return OwnSignal(name, said.unit, said.text(name), said.component, said.role, said.load, said.setpoints)


def _wrong_signals(catalogue: Catalogue) -> Iterator[str]:
    looked_at = [measure.name for measure in MEASURES if measure.name == measure.signal]
    looked_at += [signal.name for signal in catalogue.signals]
    for signal in catalogue.signals:
        place = f"signals.{signal.name}"
        if signal.component not in catalogue.components:
            allowed = ", ".join(catalogue.components)
            yield (
                f"{place}.component: {quoted(signal.component)} is no component of the catalogue; "
                f"allowed: {allowed}{near(signal.component, catalogue.components)}"
            )
        for field in ("load", "setpoints"):
            for name in getattr(signal, field):
                if name == signal.name or name not in looked_at:
                    allowed = ", ".join(each for each in looked_at if each != signal.name)
                    yield (
                        f"{place}.{field}: {quoted(name)} is no other signal that models look at; "
                        f"allowed: {allowed}{near(name, looked_at)}"
                    )


def _wrong_faults() -> Iterator[str]:
    """Say what is wrong with faults of an installation's own, as far as it depends on its signals."""
    shipped, known = standard().faults, [measure.name for measure in measures()]
    for code, fault in present().faults.items():
        if shipped.get(code) == fault:
            continue
        for name in fault.signs:
            if name not in known:
                allowed = f"{', '.join(known)}{near(name, known)}"
                yield f"faults.{code}.signs: {quoted(name)} is no measure; allowed: {allowed}"
    for fault in predicted_faults(Kind.ROBOT):
        if not telling(features_of(fault.code)):
            yield (
                f"faults.{fault.code}.seen_in: no signal speaks of {', '.join(fault.seen_in)}; allowed: "
                "components of which signals speak ([signals.NAME] component)"
            )
