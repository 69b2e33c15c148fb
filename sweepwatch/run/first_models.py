"""Whether models must be trained before the fleet can be scored: the first time, or for new features."""

from fleet.faults import predicted_faults
from fleet.signals import Kind
from models.features.definitions import digest, features_of
from storage.records.notes import read_note, write_note
from sweepwatch.run.model_care import note_trained
from sweepwatch.wiring import Services

_NOTE = "first_training"


def needs_training(services: Services) -> bool:
    """Tell whether no training has come to its end with the features that this version computes.

    A fault that had too few failures to learn from stays without a model until someone trains again.
    """
    return read_note(services.desk, _NOTE) != _present()


def note_training(services: Services) -> None:
    """Note that a training has come to its end."""
    write_note(services.desk, _NOTE, _present())
    note_trained(services)


def _present() -> dict[str, str]:
    return {fault.code: digest(features_of(fault.code)) for fault in predicted_faults(Kind.ROBOT)}
