"""Physics: the table of directions names what exists, and only levels have one."""

from fleet.faults import FAULTS, predicted_faults
from fleet.signals import Kind
from models.features.definitions import by_name, features_of
from models.learning.physics import direction, directions


def test_every_direction_is_of_a_predicted_fault_and_of_a_measure_that_its_model_sees() -> None:
    signs = {code: fault.signs for code, fault in FAULTS.items() if fault.signs}
    assert len(signs) == 11
    assert set(signs) <= {fault.code for fault in predicted_faults(Kind.ROBOT)}
    for fault, measures in signs.items():
        assert set(measures) <= {feature.measure.name for feature in features_of(fault)}
        assert any(directions(fault, features_of(fault)))
        assert set(measures.values()) <= {1, -1}


def test_levels_have_a_direction_and_slopes_have_none() -> None:
    assert direction("drive_motor_wear", by_name()["drive_current_a:cohort"]) == 1
    assert direction("battery_wear", by_name()["battery_health_pct:day"]) == -1
    assert direction("drive_motor_wear", by_name()["drive_current_a:trend"]) == 0
    assert direction("brush_jam", by_name()["drive_current_a:cohort"]) == 0
