"""The files that clocks are reckoned from: what is wrong is named; the schemas are those of the reader."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from desk.clocks.files import load_calendars, load_case, load_clocks
from desk.clocks.schema import schemas
from fleet.errors import ConfigError
from fleet.sla import Milestone

ROOT = Path(__file__).parents[4]
OFFICE = 'name: office\nhours: ["08:00-18:00"]\nlunch: "12:00-13:00"\nholidays: {country: CN}\n'
CASE = "opened_at: 2026-05-20T09:00\nzone: Asia/Shanghai\nlevel: L1\n"


def written(folder: Path, text: str, name: str = "file.yaml") -> Path:
    """Write a file and return where."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_schemas_in_the_docs_are_those_of_the_reader() -> None:
    for name, schema in schemas().items():
        assert json.loads((ROOT / "docs" / "schema" / name).read_text(encoding="utf-8")) == schema


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sla-calendars", OFFICE),
        ("sla-calendars", f"calendars:\n  - {{{OFFICE.strip().replace(chr(10), ', ')}}}\n"),
        ("sla-policy", (ROOT / "fleet" / "sla.yaml").read_text(encoding="utf-8")),
        ("sla-case", CASE),
    ],
)
def test_what_is_read_fits_the_schema(name: str, text: str) -> None:
    given = json.loads(json.dumps(yaml.safe_load(text), default=lambda value: value.isoformat()))
    jsonschema.validate(given, schemas()[f"{name}.schema.json"])


def test_a_policy_that_names_no_calendar_is_counted_by_the_only_one(tmp_path: Path) -> None:
    clocks = load_clocks(None, written(tmp_path, OFFICE))
    found = clocks.of(load_case(written(tmp_path, CASE, "case.yaml")), 0)
    assert {each.calendar for each in found} == {"office"}
    assert [each.milestone for each in found] == [Milestone.RESPOND, Milestone.ON_SITE]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (CASE.replace("09:00", "29:00"), "opened_at: .* is no time"),
        (CASE.replace("Asia/Shanghai", "Asia/Shangai"), "did you mean Asia/Shanghai"),
        (CASE + "pauses: [{start: 2026-05-20T10:00, reason: lunch}]\n", "waiting_customer"),
        (
            CASE
            + "pauses: [{start: 2026-05-20T10:00, reason: repaired}, "
            + "{start: 2026-05-20T11:00, reason: repaired}]\n",
            "pauses: two overlap",
        ),
        (CASE + "done: {answer: 2026-05-20T10:00}\n", "respond"),
        (CASE + "oops: 1\n", "unknown key"),
    ],
)
def test_a_case_that_cannot_be_read_says_why(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load_case(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("calendars: []\n", "calendars"),
        ("name: a\nhours: [8-18]\n", "is no time of the day"),
        ("name: always\nhours: [08:00-18:00]\n", "always.*every minute counts"),
        ("name: a\nalways: true\nholidays: {country: XX}\n", "country"),
        ("calendars: [{name: a, always: true}, {name: a, always: true}]\n", "stands there twice"),
    ],
)
def test_calendars_that_cannot_be_read_say_why(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load_calendars(written(tmp_path, text))
