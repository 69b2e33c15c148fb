"""The catalogue and the signals that settings name are those of the process, and mistakes are named."""

import re
from pathlib import Path

import pytest

from fleet.errors import ConfigError
from fleet.faults import FAULTS, predicted_faults
from fleet.signals import Kind
from models.features.definitions import features_of
from models.learning.workers import Workers
from sweepwatch.settings.costs import costs_of
from sweepwatch.settings.settings import Settings, load_settings

SIGNALS = """
[signals.lamp_w]
unit = "W"
range = [0, 100]
kind = "robot"
component = "lamp"
load = ["drive_current_a"]
[signals.lamp_on]
kind = "robot"
state = true
[models.costs.faults.lamp_worn]
breakdown = 700
"""
CATALOGUE = """
catalogue: 1
components:
  lamp: {name: {en: lamp, zh: 灯}}
faults:
  lamp_worn:
    kind: robot
    level: L2
    name: {en: Lamp worn, zh: 灯老化}
    skill: electrical
    horizon_days: 5
    seen_in: [lamp]
    signs: {lamp_w_residual: falls}
    costs: {visit: 80, breakdown: 900}
    advice: {en: Wait., zh: 请等待。}
"""


def loaded(folder: Path, catalogue: str = CATALOGUE, settings: str = SIGNALS) -> Settings:
    (folder / "own.yaml").write_text(catalogue, encoding="utf-8")
    file = folder / "sweepwatch.toml"
    file.write_text(f'catalogue = "{folder / "own.yaml"}"\n{settings}', encoding="utf-8")
    return load_settings(file, {}, {})


def seen_elsewhere(code: str) -> list[str]:
    return [feature.name for feature in features_of(code)]


def test_settings_bring_the_catalogue_and_the_next_ones_take_it_away(tmp_path: Path) -> None:
    settings = loaded(tmp_path)
    assert FAULTS["lamp_worn"] in predicted_faults(Kind.ROBOT)
    assert {each.measure.signal for each in features_of("lamp_worn")} == {"lamp_w"}
    costs = costs_of(settings.models.costs)
    # What the settings say goes before the catalogue, and that before the level's.
    assert (costs.failure(FAULTS["lamp_worn"]), costs.trip(FAULTS["lamp_worn"])) == (700, 80)
    load_settings(None, {}, {})
    assert "lamp_worn" not in FAULTS


def test_the_example_of_the_page_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text(encoding="utf-8")
    for kind, name in (("toml", "sweepwatch.toml"), ("yaml", "catalogue.yaml")):
        block = re.search(rf"^```{kind}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
        assert block is not None
        (tmp_path / name).write_text(block[1], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    load_settings(Path("sweepwatch.toml"), {}, {})
    assert {"lamp_w_residual:cohort", "lamp_on:day"} <= {each.name for each in features_of("lamp_worn")}


def test_processes_that_help_know_the_same_catalogue(tmp_path: Path) -> None:
    loaded(tmp_path)
    here = seen_elsewhere("lamp_worn")
    assert here and list(Workers(jobs=2).run(seen_elsewhere, [("lamp_worn",), ("lamp_worn",)])) == [
        here,
        here,
    ]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("lamp_w_residual: falls", "lamp: falls", 'faults.lamp_worn.signs: "lamp" is no measure; allowed: '),
        ('component = "lamp"', 'component = "lamb"', 'signals.lamp_w.component: "lamb" is no component'),
        ('component = "lamp"', "", "seen_in: no signal speaks of lamp"),
        ('["drive_current_a"]', '["lamp_w"]', 'signals.lamp_w.load: "lamp_w" is no other signal'),
        ('["drive_current_a"]', '["drive_curent_a"]', "did you mean drive_current_a?"),
        ("state = true", "state = true\nrange = [0, 1]", "a state has no range"),
        ("state = true", "state = true\ncounter = true", "it is one of both"),
        ("state = true", "", "range: is missing"),
        ("faults.lamp_worn]", "faults.lamp_won]", "is no fault that is predicted"),
        ("skill: electrical", "skill: electric", "did you mean electrical?"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert before in CATALOGUE + SIGNALS
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, CATALOGUE.replace(before, after), SIGNALS.replace(before, after))
    assert says in str(caught.value)
    assert "lamp_w" not in {each.measure.name for fault in FAULTS for each in features_of(fault)}


def test_a_path_that_is_none_or_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="catalogue in the command line: here stands the path of a file"):
        load_settings(None, {}, {"catalogue": 3})
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot be read"):
        load_settings(None, {"SWEEPWATCH_CATALOGUE": str(tmp_path / "no.yaml")}, {})
