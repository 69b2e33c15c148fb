"""Makers' codes: what ships is sound, own files stand before it, and each mistake is named."""

from pathlib import Path

import pytest

from fleet.codes import load_codes
from fleet.errors import ConfigError
from simulators.fault_process import FAULT_SPECS

_GOOD = """
models: [ACME-*]
codes:
  - {code: 12, fault: brush_jam, level: L3, text: {en: brush, zh: 滚刷}}
"""


def test_every_code_of_the_simulated_robots_means_their_fault() -> None:
    codes = load_codes()
    for spec in FAULT_SPECS:
        meaning = codes.meaning("CR-200", spec.error_code)
        assert meaning is not None
        assert meaning.fault == spec.code
        assert codes.meaning("AGV", spec.error_code) is None, "another maker may mean anything by it"


def test_an_own_file_or_folder_stands_before_what_ships(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(_GOOD.replace("ACME", "CR").replace("12", "M31"), encoding="utf-8")
    for place in (tmp_path, tmp_path / "acme.yaml"):
        codes = load_codes(place)
        mine, shipped = codes.meaning("CR-100", "M31"), codes.meaning("cr-100", "m21")
        assert mine is not None
        assert (mine.fault, mine.level) == ("brush_jam", "L3")
        assert shipped is not None
        assert shipped.fault == "brush_jam"


def test_a_number_is_a_code_as_well(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(_GOOD, encoding="utf-8")
    meaning = load_codes(path).meaning("acme-7", "12")
    assert meaning is not None
    assert meaning.text.in_language("zh") == "滚刷"


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("brush_jam", "brush_jamm", r"codes\.0\.fault: 'brush_jamm' .*did you mean 'brush_jam'"),
        ("level: L3", "level: L7", r"codes\.0\.level: .*'L1', 'L2' or 'L3'"),
        ("models:", "model:", r"unknown key .model.; allowed: models, codes"),
        ("zh: 滚刷", "de: Bürste", r"codes\.0\.text: unknown key .de.; allowed: en, zh"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, wrong: str, right: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(_GOOD.replace(wrong, right), encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"mine\.yaml:\d: .*{message}|mine\.yaml:\d: {message}"):
        load_codes(path)


def test_an_empty_folder_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one file"):
        load_codes(tmp_path)
