"""A proof as a process of its own: it may take hours and much memory, and its end is nobody else's.

It is told by its standard input: one line of JSON. That stays open, and ends when the house does, however it
ends; then this process ends too.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fleet.errors import SweepwatchError
from fleet.files import write_whole
from sweepwatch.run.proof_folder import ProofFolder
from sweepwatch.settings.settings import PREFIX, Settings, load_settings

_NICE, _STDIN = 10, 0
_STOP_S = 3.0
_SECTIONS = ("models", "store", "desk", "alerts")
_HERE_ALONE = {"store.url", "desk.url", "models.dask_scheduler", "models.store"}
"""Not for a proof: it reads files, and needs nobody's password."""


class Working(Protocol):
    """A proof at work."""

    def poll(self) -> int | None:
        """Return with what it ended, None while it works."""
        ...

    def stop(self) -> None:
        """End it; it has ended on return."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """The folder of a history, from which day on it counts, and what time it is there (None: as here)."""

    history: Path
    since: str | None
    now: int | None = None


class ProofProcess:
    """A process that proves the history in a folder, of low priority."""

    def __init__(self, folder: ProofFolder, task: Task, settings: Settings) -> None:
        told = {
            "folder": str(folder.path),
            "history": str(task.history),
            "since": task.since,
            "now": task.now,
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with folder.words.open("wb") as words:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "sweepwatch.run.proof_process"],
                stdin=subprocess.PIPE,
                stdout=words,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the house, which ends it
            )
        assert self._child.stdin is not None  # as it was asked for
        try:
            self._child.stdin.write(json.dumps(told | {"settings": _handed_on(settings)}).encode() + b"\n")
            self._child.stdin.flush()
        except OSError:  # it has ended already; its words say why
            pass

    def poll(self) -> int | None:
        """Return with what it ended, None while it works."""
        return self._child.poll()

    def stop(self) -> None:
        """End it and what it started."""
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGTERM)
            try:
                self._child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._child.pid, signal.SIGKILL)
                self._child.wait()
        assert self._child.stdin is not None
        self._child.stdin.close()


def _handed_on(settings: Settings) -> dict[str, Any]:
    """Return what was set, as far as a proof needs it, by dotted keys."""
    said = settings.model_dump(mode="json", exclude_unset=True)
    found = {
        f"{section}.{name}": value
        for section in _SECTIONS
        for name, value in said.get(section, {}).items()
        if f"{section}.{name}" not in _HERE_ALONE and value is not None
    }
    whole = {name: said[name] for name in ("catalogue", "signals") if said.get(name)}
    return found | whole


def main() -> None:
    """Prove what standard input says. Exit code 1 where people can mend what is wrong; why.txt says what."""
    os.nice(_NICE)
    told = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_house, daemon=True).start()
    folder = ProofFolder(Path(told["folder"]))
    try:
        _prove(folder, told)
    except SweepwatchError as error:
        write_whole(folder.why, str(error).encode())
        print(error, flush=True)  # noqa: T201 - its last words
        sys.stdout.flush()
        os._exit(1)


def _prove(folder: ProofFolder, told: Mapping[str, Any]) -> None:
    from fleet.proofs import ProofStep
    from sweepwatch.commands.prove import Wanted, prove
    from sweepwatch.commands.prove_progress import ProofNotes
    from sweepwatch.commands.prove_report import folders_by_language, write_reports
    from sweepwatch.data_folder import for_this_user_alone
    from sweepwatch.settings.signals import signal_table

    for_this_user_alone()
    settings = load_settings(None, {}, told["settings"])
    wanted = Wanted(history=Path(told["history"]), work=folder.work, since=told["since"], now=told["now"])
    notes = ProofNotes(folder.progress)
    report = prove(settings, wanted, _say, quiet=False, notes=notes)
    with notes.step(ProofStep.WRITING):
        write_reports(report, folders_by_language(folder.report), signal_table(settings))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - into words.txt


def _end_with_the_house() -> None:
    while os.read(_STDIN, 4_096):  # not by sys.stdin, which this would hold when the process ends
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
