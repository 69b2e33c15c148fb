"""`sweepwatch models` lists, shows, promotes and takes back, beside a running installation."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.models import trained
from helpers.running import sweepwatch

from fleet.clock import SystemClock
from fleet.errors import ConfigError, Conflict, ModelRejected, NotFound, SweepwatchError
from fleet.events import Event, Subject
from fleet.principals import schedule
from models.registry.registry import ModelRegistry
from storage.records.database import open_desk
from storage.records.events import tell
from storage.records.followers import begin_following, turn_of
from storage.records.model_cards import cards, note_trial
from sweepwatch.cli import cli
from sweepwatch.data_folder import open_data_folder

FAULT = "brush_jam"
DAY_MS = 86_400_000


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """Yield the data folder of an installation that is running, with a champion and a challenger."""
    folder = open_data_folder(tmp_path)
    desk = open_desk(f"sqlite:///{folder.desk}")
    registry, now = ModelRegistry(desk, folder.folder("models")), SystemClock().now_ms()
    result, details = trained(FAULT)
    for age in (2, 1):
        registry.save(FAULT, result.classifier, result.threshold, now - age * DAY_MS, details)
    desk.close()
    yield tmp_path
    folder.close()


def invoke(*arguments: str) -> tuple[str, BaseException | None]:
    """Run a command in this process: a start of its own would take longer than what it does."""
    ended = CliRunner().invoke(cli, arguments, standalone_mode=False)
    return ended.output, ended.exception


def models(*arguments: str, data: Path) -> str:
    said, error = invoke("models", *arguments, "--data", str(data))
    assert error is None, error
    return said


def refused(*arguments: str, data: Path, error: type[SweepwatchError] = Conflict) -> str:
    _, raised = invoke("models", *arguments, "--data", str(data))
    assert type(raised) is error
    assert "\n" not in str(raised)
    return str(raised)


def listed(data: Path) -> dict[str, str]:
    return {item["state"]: item["id"] for item in json.loads(models("list", "--json", data=data))}


def test_a_challenger_is_promoted_by_its_trial_or_by_force_and_taken_back(data: Path) -> None:
    before = listed(data)
    assert set(before) == {"champion", "challenger"}
    assert "nothing is known yet" in refused("promote", FAULT, data=data)
    models("promote", FAULT, "--force", "--who", "li.wei", "--why", "the old one is blind", data=data)
    assert listed(data) == {"champion": before["challenger"], "retired": before["champion"]}
    shown = json.loads(models("show", FAULT, "--json", data=data))
    assert shown["id"] == before["challenger"]
    assert (shown["events"][0]["who"], shown["events"][0]["why"]) == ("li.wei", "the old one is blind")
    assert shown["details"]["curve"]["threshold"]
    assert "is withdrawn" in models("rollback", FAULT, data=data)
    assert listed(data) == {"champion": before["champion"], "withdrawn": before["challenger"]}
    assert "nothing to go back to" in refused("rollback", FAULT, data=data)


def test_what_a_trial_found_decides_and_is_shown(data: Path) -> None:
    desk = open_desk(f"sqlite:///{data / 'desk.sqlite'}")
    challenger = next(card for card in cards(desk) if card.state == "challenger")
    trial = {"verdict": "not_proved", "text": {"en": "not proved: saves 1.0 %", "zh": "尚未证实"}}
    note_trial(desk, challenger.id, trial)
    assert "not proved: saves 1.0 %" in refused("promote", FAULT, data=data)
    assert "not proved: saves 1.0 %" in " ".join(models("show", challenger.id, data=data).split())
    note_trial(desk, challenger.id, {"verdict": "cheaper", "text": {"en": "saves 9.0 %", "zh": "节省"}})
    desk.close()
    assert f"models rollback {FAULT}" in models("promote", FAULT, data=data)


def test_people_can_read_the_list_and_a_card(data: Path) -> None:
    assert "challenger" in models("list", data=data)
    card = models("show", FAULT, data=data)
    for word in ("SHA-256", "roc_auc", "threshold", "scikit-learn", "the first model of its fault"):
        assert word in card


def test_a_damaged_file_is_named_and_not_promoted(data: Path) -> None:
    before = listed(data)
    path = data / "models" / FAULT / f"{before['challenger']}.skops"
    path.write_bytes(path.read_bytes()[:-7])
    assert "SHA-256 differs" in refused("promote", FAULT, "--force", data=data, error=ModelRejected)
    assert listed(data) == before


def test_models_that_are_not_there_are_named(data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert "faults with models: brush_jam" in refused("show", "brush_jamm", data=data, error=NotFound)
    assert "water_leak has no champion" in refused("rollback", "water_leak", data=data, error=NotFound)
    said = refused("list", "--fault", "foo", data=data, error=ConfigError)
    assert said.startswith('--fault: there is no fault "foo"; allowed: ')
    assert "brush_jam" in said
    empty = tmp_path_factory.mktemp("empty")
    assert "holds no installation" in refused("list", data=empty, error=ConfigError)
    assert not list(empty.iterdir())


def test_who_follows_the_log_is_listed_with_what_was_set_aside(data: Path) -> None:
    """Beside a running installation, as all that only reads."""
    desk = open_desk(f"sqlite:///{data / 'desk.sqlite'}")
    begin_following(desk, "ours")
    with desk.transaction() as session:
        tell(session, Event(1_795_200_000_000, Subject.ALERT, "a-1", "opened", schedule("test"), ""))
    with turn_of(desk, "ours", 1_795_200_060_000) as turn:
        assert turn is not None
        turn.set_aside(turn.events(1)[0], "KeyError: 'device_id'")
    desk.close()
    said, error = invoke("desk", "followers", "--data", str(data))
    assert error is None
    assert "1 event set aside" in said
    assert "alert a-1 opened, set aside 2026-11-20T18:41:00.000Z: KeyError: 'device_id'" in said
    items = json.loads(invoke("desk", "followers", "--json", "--data", str(data))[0])
    (found,) = (each for each in items if each["name"] == "ours")
    assert (found["behind"], len(found["set_aside"])) == (0, 1)
    assert found["set_aside"][0]["trouble"] == "KeyError: 'device_id'"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--since", "yesterday"), "a date such as 2026-05-01, or 1 to 3650 days"),
        (("--since", "0"), "a date such as"),
        (("--jobs", "0"), "models.jobs in the command line = 0 is not usable"),
    ],
)
def test_train_names_what_it_cannot_use(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    _, raised = invoke("train", *arguments, "--data", str(tmp_path))
    assert type(raised) is ConfigError
    assert says in str(raised)
    assert not list(tmp_path.iterdir())


def test_the_commands_run_as_a_process_of_their_own(data: Path) -> None:
    ended = sweepwatch("models", "list", "--json", "--data", str(data))
    assert len(json.loads(ended.stdout)) == 2
    ended = sweepwatch("models", "rollback", FAULT, "--data", str(data))
    assert ended.returncode == 1
    assert "nothing to go back to" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
