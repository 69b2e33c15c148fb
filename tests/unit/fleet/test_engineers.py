"""What engineers are able to do on a day, and what falls due for them."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from fleet.demands import load_demands
from fleet.engineers import Certificate, Demands, DueKind, Engineer, Training, able, falls_due, in_a_circle
from fleet.errors import ConfigError

TODAY = date(2026, 11, 22)
DEMANDS = Demands(24, frozenset({"electrical"}))
_SKILLS = frozenset({"electrical", "mechanical"})
LI = Engineer("e1", "Li Wei", skills=_SKILLS, training=(Training(TODAY, "x", 24),))


def certificate(expires: date | None, issued: date | None = None) -> Certificate:
    return Certificate("Electrician", "electrical", "E-1", issued, expires)


@pytest.mark.parametrize(
    ("certificates", "holds"),
    [
        ((), False),
        ((certificate(None),), True),
        ((certificate(TODAY),), True),
        ((certificate(TODAY - timedelta(days=1)),), False),
        ((certificate(None, TODAY + timedelta(days=1)),), False),
        ((certificate(TODAY - timedelta(days=1)), certificate(TODAY + timedelta(days=1))), True),
    ],
)
def test_an_expired_certificate_is_no_skill(certificates: tuple[Certificate, ...], holds: bool) -> None:
    assert able(replace(LI, certificates=certificates), "electrical", TODAY, DEMANDS) is holds


def test_a_skill_of_which_no_certificate_is_demanded_holds_without() -> None:
    assert able(LI, "mechanical", TODAY, DEMANDS)
    assert able(LI, "electrical", TODAY, Demands())
    assert not able(LI, "safety", TODAY)
    assert not able(replace(LI, active=False), "mechanical", TODAY)


@pytest.mark.parametrize(
    ("days", "kind"), [(-1, DueKind.EXPIRED), (0, DueKind.EXPIRES), (60, DueKind.EXPIRES), (61, None)]
)
def test_a_certificate_falls_due_sixty_days_before_it_expires(days: int, kind: DueKind | None) -> None:
    one = replace(LI, certificates=(certificate(TODAY + timedelta(days=days)),))
    assert [each.kind for each in falls_due(one, TODAY, DEMANDS)] == ([] if kind is None else [kind])


def test_what_was_renewed_does_not_fall_due_and_missing_hours_do() -> None:
    old, new = certificate(TODAY - timedelta(days=9)), certificate(TODAY + timedelta(days=400))
    one = replace(LI, certificates=(new, old), training=(Training(date(2025, 5, 1), "x", 30),))
    assert [(each.kind, each.hours) for each in falls_due(one, TODAY, DEMANDS)] == [(DueKind.TRAINING, 24)]
    assert [each.about for each in falls_due(LI, TODAY, DEMANDS)] == ["electrical"], "demanded, and not there"
    assert not list(falls_due(replace(one, active=False), TODAY, DEMANDS))


def test_nobody_leads_themselves() -> None:
    assert in_a_circle({"a": "b", "b": "c", "c": "a"}, "a")
    assert not in_a_circle({"a": "b", "b": ""}, "a")


def test_demands_are_a_file(tmp_path: Path) -> None:
    assert load_demands().training_hours == 24
    path = tmp_path / "demands.yaml"
    path.write_text("certificate_required: [electric]", encoding="utf-8")
    with pytest.raises(ConfigError, match="is no skill; allowed: .*; did you mean electrical"):
        load_demands(path)
