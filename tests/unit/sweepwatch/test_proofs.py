"""The proofs of a house: their queue, their end, what was broken off, and names that lead elsewhere."""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.api import House, open_house
from helpers.proofs import Played, Stage, history_in, succeed

from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.principals import person
from fleet.proofs import ProofAsked, ProofSource, ProofState, ProofStep, SentFile
from sweepwatch.run.proofs import Proofs
from sweepwatch.run.proofs_at_work import ProofsAtWork, build_proofs

WHO = person("li.wei")
OWN, FOLDER = ProofAsked(ProofSource.OWN), ProofAsked(ProofSource.FOLDER, "fleet-2025")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path / "var") as made:
        yield made


@pytest.fixture
def proofs(house: House) -> Proofs:
    found = build_proofs(house.services)
    history_in(house.services.folder.root / "histories" / "fleet-2025")
    return found


@pytest.fixture(autouse=True)
def left_to_the_next() -> Iterator[None]:
    yield
    for each in WORKERS:
        each.close()
    WORKERS.clear()


WORKERS: list[ProofsAtWork] = []


def worker(house: House, proofs: Proofs, stage: Stage) -> ProofsAtWork:
    services = house.services
    made = ProofsAtWork(proofs, services.settings, services.store, services.desk, house.clock, stage)
    WORKERS.append(made)
    return made


def until(seen: Callable[[], bool]) -> None:
    for _ in range(500):
        if seen():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come")


def sent(part: str, name: str, content: bytes) -> SentFile:
    return SentFile(part, name, io.BytesIO(content))


def sent_history(folder: Path, name: str = "readings.CSV") -> list[SentFile]:
    read = {part: (folder / f"{part}.csv").read_bytes() for part in ("telemetry", "repairs", "devices")}
    files = [sent("map", "my map.yml", (folder / "MAP.yaml").read_bytes())]
    return [*files, *(sent(part, name, content) for part, content in read.items())]


def test_proofs_are_worked_at_one_after_the_other_and_their_histories_go_when_they_are_done(
    house: House, proofs: Proofs, tmp_path: Path
) -> None:
    first = proofs.begin(FOLDER, WHO)
    house.clock.ms += 1
    files = sent_history(history_in(tmp_path / "sent"))
    second = proofs.begin(ProofAsked(ProofSource.FILES, since="2025-03-02"), WHO, files)
    assert [each.id for each in proofs.all()] == [second.id, first.id]
    assert {each.state for each in proofs.all()} == {ProofState.WAITING}
    stage = Stage(succeed)
    works = worker(house, proofs, stage)
    assert works.look() and works.look() and not works.look()
    root = house.services.folder.root
    assert [each.task.history for each in stage.started] == [
        root / "histories" / "fleet-2025",
        root / "proofs" / str(second.id) / "history",
    ]
    assert [each.task.since for each in stage.started] == [None, "2025-03-02"]
    done = proofs.read(second.id)
    assert done.state is ProofState.DONE and done.sentence is not None and done.sentence.zh
    assert done.progress is not None and done.progress.refused == 2
    assert done.words == ("telemetry: 9 rows read, 7 taken",)
    left = {each.name for each in (root / "proofs" / str(second.id)).iterdir()}
    assert not left & {"history", "work"}
    assert (root / "histories" / "fleet-2025" / "telemetry.csv").exists(), "what somebody put there stays"
    assert proofs.file(second.id, "zh", "prove.pdf").startswith(b"%PDF")


def test_a_house_that_ends_ends_what_it_works_at_and_it_can_be_begun_again(
    house: House, proofs: Proofs
) -> None:
    proof, stage = proofs.begin(FOLDER, WHO), Stage()
    with worker(house, proofs, stage):
        until(lambda: bool(stage.started))
        assert proofs.read(proof.id).state is ProofState.RUNNING
        with pytest.raises(Conflict):
            proofs.again(proof.id)
    assert stage.started[0].stopped
    assert proofs.read(proof.id).state is ProofState.BROKEN_OFF
    assert proofs.again(proof.id).state is ProofState.WAITING
    assert worker(house, proofs, Stage(succeed)).look()
    assert proofs.read(proof.id).state is ProofState.DONE


def test_what_was_under_way_when_a_house_crashed_is_broken_off_and_what_waited_goes_on(
    house: House, proofs: Proofs
) -> None:
    crashed, waiting = proofs.begin(FOLDER, WHO), proofs.begin(FOLDER, WHO)
    folder = house.services.folder.root / "proofs" / str(crashed.id)
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | {"state": "running"}))
    assert worker(house, proofs, Stage(succeed)).look()
    assert proofs.read(crashed.id).state is ProofState.BROKEN_OFF
    assert proofs.read(waiting.id).state is ProofState.DONE


def test_of_two_processes_on_a_folder_one_works(house: House, proofs: Proofs) -> None:
    proofs.begin(FOLDER, WHO)
    first, second = worker(house, proofs, Stage(succeed)), worker(house, proofs, Stage(succeed))
    assert first.look()
    proofs.begin(FOLDER, WHO)
    assert not second.look()


def test_one_that_is_deleted_under_way_is_stopped_and_leaves_nothing(house: House, proofs: Proofs) -> None:
    proof, stage = proofs.begin(FOLDER, WHO), Stage()
    with worker(house, proofs, stage):
        until(lambda: bool(stage.started))
        proofs.delete(proof.id)
        with pytest.raises(NotFound):
            proofs.read(proof.id)
        until(lambda: not (house.services.folder.root / "proofs" / str(proof.id)).exists())
    assert stage.started[0].stopped
    assert proofs.begin(FOLDER, WHO).id == proof.id + 1, "its number is not given again"


def test_one_that_fails_says_why(house: House, proofs: Proofs) -> None:
    def fail(played: Played) -> None:
        played.folder.why.write_text("--from lies behind the end of the history: 2025-03-12")
        played.code = 1

    said = proofs.begin(FOLDER, WHO)
    stage = Stage(fail)
    works = worker(house, proofs, stage)
    works.look()
    assert proofs.read(said.id).why == "--from lies behind the end of the history: 2025-03-12"
    killed = proofs.begin(FOLDER, WHO)
    stage.then = lambda played: setattr(played, "code", -9)
    works.look()
    assert "memory" in (proofs.read(killed.id).why or "")
    assert [each.state for each in proofs.all()] == [ProofState.FAILED, ProofState.FAILED]


def test_the_own_past_is_exported_for_it_and_without_any_it_says_so(house: House, proofs: Proofs) -> None:
    proof = proofs.begin(OWN, WHO)
    worker(house, proofs, Stage(succeed)).look()
    failed = proofs.read(proof.id)
    assert failed.state is ProofState.FAILED
    assert failed.why == "no robot has sent a reading: there is nothing to replay"


@pytest.mark.parametrize(
    "name", ["..", ".", "", "/etc", "../histories/fleet-2025", "link", ".hidden", "x\0y"]
)
def test_a_name_that_leaves_the_folder_is_refused(proofs: Proofs, house: House, name: str) -> None:
    histories = house.services.folder.root / "histories"
    (histories / ".hidden").mkdir()
    (histories / "link").symlink_to(histories / "fleet-2025")
    assert proofs.histories() == ["fleet-2025"]
    with pytest.raises(InvalidInput, match="fleet-2025"):
        proofs.begin(ProofAsked(ProofSource.FOLDER, name), WHO)
    assert not proofs.all()


def test_a_link_in_a_history_is_not_followed(proofs: Proofs, house: House) -> None:
    history = house.services.folder.root / "histories" / "fleet-2025"
    (history / "events.csv").unlink()
    (history / "events.csv").symlink_to("/etc/passwd")
    with pytest.raises(InvalidInput, match=r"events\.csv: a link is not followed"):
        proofs.begin(FOLDER, WHO)


def test_a_map_that_is_wrong_is_refused_with_its_line_and_nothing_is_kept(
    proofs: Proofs, house: House, tmp_path: Path
) -> None:
    files = sent_history(history_in(tmp_path / "sent"))
    files[0] = sent("map", "map.yaml", b"devices: {device: unit}\ntelemetry: {device: unit, tme: at}\n")
    with pytest.raises(InvalidInput) as refused:
        proofs.begin(ProofAsked(ProofSource.FILES), WHO, files)
    assert "MAP.yaml:2" in str(refused.value) and "time" in str(refused.value)
    assert str(house.services.folder.root) not in str(refused.value), "nobody learns where we are"
    left = {each.name for each in (house.services.folder.root / "proofs").iterdir()}
    assert not left


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files[1:], "map: required"),
        (lambda files: [each for each in files if each.part != "repairs"], "repairs: required"),
        (lambda files: [*files, sent("events", "events.xlsx", b"x")], "allowed: .csv"),
    ],
)
def test_files_that_are_no_history_are_refused(
    proofs: Proofs, tmp_path: Path, change: Callable[[list[SentFile]], list[SentFile]], said: str
) -> None:
    files = change(sent_history(history_in(tmp_path / "sent")))
    with pytest.raises(InvalidInput, match=said):
        proofs.begin(ProofAsked(ProofSource.FILES), WHO, files)


def test_several_files_of_a_part_keep_their_names_as_far_as_they_are_harmless(
    proofs: Proofs, house: House, tmp_path: Path
) -> None:
    files = sent_history(history_in(tmp_path / "sent"))
    more = (tmp_path / "sent" / "telemetry.csv").read_bytes()
    proof = proofs.begin(
        ProofAsked(ProofSource.FILES), WHO, [*files, sent("telemetry", "../../../etc/Mai 2025.csv", more)]
    )
    there = house.services.folder.root / "proofs" / str(proof.id) / "history" / "telemetry"
    assert sorted(each.name for each in there.iterdir()) == ["001-readings.CSV", "002-Mai_2025.csv"]


@pytest.mark.parametrize("since", ["soon", "2025-02-30", "2025-3-1x"])
def test_a_day_that_is_none_is_refused(proofs: Proofs, since: str) -> None:
    with pytest.raises(InvalidInput, match="from:"):
        proofs.begin(ProofAsked(ProofSource.OWN, since=since), WHO)


def test_enough_wait_at_some_time(proofs: Proofs) -> None:
    for _ in range(10):
        proofs.begin(OWN, WHO)
    with pytest.raises(Conflict, match="wait already"):
        proofs.begin(OWN, WHO)


def test_progress_is_there_whole_whenever_somebody_looks(proofs: Proofs, house: House) -> None:
    from sweepwatch.commands.prove_progress import ProofNotes, progress_in

    file = house.services.folder.root / "progress.json"
    times = iter(range(10_000))
    notes = ProofNotes(file, clock=lambda: float(next(times)))
    stop = threading.Event()
    looked: list[bool] = []

    def watch() -> None:
        while not stop.is_set():
            looked.append(progress_in(file) is not None)

    watcher = threading.Thread(target=watch)
    with notes.step(ProofStep.REPLAYING) as report:
        watcher.start()  # from now on there is always one
        for share in range(100):
            report(share / 100)
    stop.set()
    watcher.join()
    assert looked and all(looked)
    told = progress_in(file)
    assert told is not None and (told.step, told.share) == (ProofStep.REPLAYING, 0.99)
