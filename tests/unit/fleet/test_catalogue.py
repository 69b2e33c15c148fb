"""The catalogue: data that ships, an installation's own file, and what becomes of a code that left it."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from fleet.catalogue.entries import FaultCosts, Level
from fleet.catalogue.present import adopted, present
from fleet.catalogue.reading import read_catalogue, standard
from fleet.catalogue.schema import NAME, schema_text
from fleet.config import Mistakes
from fleet.engineers import known_skills
from fleet.faults import FAULTS, part_codes, predicted_faults
from fleet.signals import Kind
from fleet.symptoms import match
from fleet.text import Text
from fleet.yaml12 import load_yaml
from models.features.components import Component, components_of, reset_by

OWN = """
catalogue: 1
skills:
  optics: {en: Optics, zh: 光学}
parts:
  uv-lamp: {name: {en: UV lamp, zh: 紫外灯}}
components:
  lamp: {name: {en: lamp, zh: 灯}}
faults:
  lamp_worn:
    kind: robot
    level: L2
    name: {en: Lamp worn, zh: 灯老化}
    part: uv-lamp
    skill: optics
    repair_minutes: 20
    horizon_days: 5
    wears: true
    seen_in: [lamp]
    signs: {uv_power_w: falls}
    costs: {visit: 80, breakdown: 900}
    advice: {en: "Do not look into the lamp.", zh: "请勿直视灯管。"}
    symptoms:
      en: [the purple light is weak]
      zh: [紫光很弱]
  filter_clog:
    kind: robot
    level: L2
    name: {en: Filter clogged, zh: 滤网堵塞}
    part: hepa-filter
    skill: consumable
    horizon_days: 6
    wears: true
    seen_in: [filter, airflow]
    renews: [filter, airflow]
    advice: {en: "Call us.", zh: "请联系我们。"}
"""


def written(folder: Path, text: str = OWN) -> Path:
    file = folder / "catalogue.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_ships_names_each_component_of_the_standard_signals_and_each_part_once() -> None:
    shipped = standard()
    assert set(map(str, Component)) <= set(shipped.components)
    assert part_codes() <= set(shipped.parts)
    assert {fault.skill for fault in shipped.faults.values()} == set(shipped.skills)
    assert set(shipped.components) - set(map(str, Component)) == {"own"}
    assert reset_by(Component.AIRFLOW) == ("fan_motor_wear", "filter_clog")
    assert reset_by(Component.USE) == ()
    assert components_of("fan_motor_wear")[0] == Component.FAN


def test_an_own_fault_is_known_everywhere_and_one_of_the_same_code_takes_the_place_of_ours(
    tmp_path: Path,
) -> None:
    own = read_catalogue(written(tmp_path))
    assert "lamp_worn" not in FAULTS
    with adopted(own):
        lamp = FAULTS["lamp_worn"]
        assert (lamp.part, lamp.life_cap_days, lamp.costs) == ("uv-lamp", 15, FaultCosts(80, None, 900))
        assert (lamp.renews, lamp.signs) == (("lamp",), {"uv_power_w": -1})
        assert reset_by("lamp") == ("lamp_worn",)
        assert lamp in predicted_faults(Kind.ROBOT)
        assert "optics" in known_skills() and "uv-lamp" in part_codes()
        assert [each.fault for each in match("The purple light is so weak!")] == ["lamp_worn"]
        assert match("紫光很弱")[0].fault == "lamp_worn"
        assert (FAULTS["filter_clog"].level, FAULTS["filter_clog"].horizon_days) == (Level.L2, 6)
        assert match("the filter is clogged")[0].fault == "filter_clog"  # its phrases stay
        assert list(FAULTS)[: len(standard().faults)] == list(standard().faults)
    assert present() is standard()
    assert "lamp_worn" not in FAULTS
    assert match("紫光很弱") == []


def test_a_code_that_left_the_catalogue_is_none_of_it_and_still_has_a_name() -> None:
    assert "lamp_worn" not in FAULTS and FAULTS.get("lamp_worn") is None
    assert FAULTS["lamp_worn"].name == Text("lamp_worn", "lamp_worn")
    assert FAULTS["lamp_worn"].horizon_days is None


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ("skill: optics", "skill: optic", 15, "no skill; allowed: electrical, mechanical,"),
        ("skill: optics", "skill: optic", 15, "did you mean optics?"),
        ("part: uv-lamp", "part: uv-lamps", 14, "did you mean uv-lamp?"),
        ("seen_in: [lamp]", "seen_in: [lampe]", 19, "no component; allowed: battery, charger,"),
        ("wears: true\n    seen_in: [lamp]", "wears: true", 10, "name it first in seen_in"),
        ("    horizon_days: 5\n", "", 10, "give horizon_days"),
        ("falls", "sinks", 20, "allowed: 'rises' or 'falls'"),
        ("visit: 80", "call: 80", 21, "is never paid: acting on it costs a visit"),
        ("  lamp_worn:", "  Lamp-worn:", 10, "is no name: a-z, 0-9 and _"),
        ("  lamp_worn:", "  none:", 10, "choose another name"),
        ("level: L2", "levle: L2", 10, "unknown key \"levle\"; allowed: kind, level"),
        ("kind: robot", "kind: tool", 10, "models know robots only"),
        ("catalogue: 1", "catalogue: 2", 2, "allowed: 1"),
        ("zh: 灯老化}", "}", 13, "is missing"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_line_and_says_what_is_allowed(
    tmp_path: Path, before: str, after: str, line: int, says: str
) -> None:
    assert before in OWN
    with pytest.raises(Mistakes) as caught:
        read_catalogue(written(tmp_path, OWN.replace(before, after, 1)))
    assert any(says in each for each in caught.value.lines), caught.value.lines
    told = next(each for each in caught.value.mistakes if says in each.text)
    assert told.line == line


def test_the_committed_schema_is_what_the_shape_generates_and_takes_what_is_taken() -> None:
    committed = (Path(__file__).parents[3] / "docs" / "schema" / NAME).read_text(encoding="utf-8")
    assert committed == schema_text(), "stale: run `make docs`"
    check = Draft202012Validator(json.loads(committed))
    assert check.is_valid(load_yaml(OWN))
    assert not check.is_valid(load_yaml(OWN.replace("level: L2", "level: L9")))


def test_an_own_fault_of_a_wristband_is_refused_since_what_protects_persons_must_not_leave(
    tmp_path: Path,
) -> None:
    text = OWN.replace("kind: robot", "kind: wristband", 1)
    for gone in ("    horizon_days: 5\n", "    wears: true\n", "    seen_in: [lamp]\n"):
        text = text.replace(gone, "", 1)
    with pytest.raises(Mistakes, match="none but those that ship"):
        read_catalogue(written(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"none\.yaml: cannot be read"):
        read_catalogue(tmp_path / "none.yaml")
