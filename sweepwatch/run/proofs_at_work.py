"""Works at the proofs that wait: one at a time, each in a process of its own, in one house of a folder."""

import fcntl
import logging
import threading
from collections.abc import Callable
from typing import IO, Self

from fleet.case_files import MEBIBYTE
from fleet.clock import Clock
from fleet.errors import SweepwatchError
from fleet.proofs import Proof, ProofSource, ProofState, ProofStep
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from sweepwatch.commands.history_export import export_robots
from sweepwatch.commands.history_files import check_history
from sweepwatch.commands.prove_progress import ProofNotes
from sweepwatch.run.proof_folder import ProofFolder
from sweepwatch.run.proof_process import ProofProcess, Task, Working
from sweepwatch.run.proofs import Proofs
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table
from sweepwatch.wiring import Services

log = logging.getLogger(__name__)
_LOOK_S = 0.5
_UNSAID = "it ended with code {}, and did not say why; its last words are below"
_NO_MEMORY = "the machine ended it, most likely since memory ran out"
_KILLED = -9
Start = Callable[[ProofFolder, Task, Settings], Working]


class _LetGo(Exception):
    """The house ends, or somebody deleted what is being worked at."""


class ProofsAtWork:
    """A thread that takes one waiting proof after the other; left, it ends what it works at.

    Of several processes on one data folder the one works that has the lock; the others' proofs are its too.
    """

    def __init__(
        self,
        proofs: Proofs,
        settings: Settings,
        store: TelemetryStore,
        desk: DeskDatabase,
        clock: Clock,
        start: Start = ProofProcess,
    ) -> None:
        self._proofs, self._settings, self._start = proofs, settings, start
        self._store, self._desk, self._clock = store, desk, clock
        self._stop = threading.Event()
        self._lock: IO[str] | None = None
        self._thread = threading.Thread(target=self._live, name="proofs", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End what is under way: it was broken off, and can be begun again."""
        self._stop.set()
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Leave the proofs to the next process."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def look(self) -> bool:
        """Work at the proof that has waited longest; tell whether there was one."""
        if not self._ours():
            return False
        found = self._proofs.next_waiting()
        if found is not None:
            self._work(*found)
        return found is not None

    def _live(self) -> None:
        while not self._stop.is_set():
            try:
                if self.look():
                    continue
            except Exception:
                log.exception("proofs could not be worked at; trying again")
            self._stop.wait(_LOOK_S)

    def _ours(self) -> bool:
        """Tell whether this process works at the proofs; whoever begins to says what was broken off."""
        if self._lock is not None:
            return True
        if not self._proofs.root.exists():
            return False
        lock = (self._proofs.root / "lock").open("a", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._lock = lock
        for folder in self._proofs.folders():
            if folder.unwanted:
                folder.remove()
            elif folder.standing is ProofState.RUNNING:
                self._broken_off(folder)
        return True

    def _work(self, folder: ProofFolder, proof: Proof) -> None:
        try:
            folder.note(ProofState.RUNNING, self._clock.now_ms())
            self._prove(folder, proof)
        except _LetGo:
            if not folder.unwanted:
                self._broken_off(folder)
        except Exception as error:
            if not isinstance(error, SweepwatchError):
                log.exception("proof %d failed", proof.id)
            if not folder.unwanted:
                self._failed(folder, proof, str(error))
        if folder.unwanted:
            folder.remove()

    def _prove(self, folder: ProofFolder, proof: Proof) -> None:
        if proof.asked.source is ProofSource.OWN:
            folder.clear(sent=True)
            self._export(folder)
        history = self._proofs.history_of(folder, proof.asked)
        check_history(history, signal_table(self._settings))  # somebody may have changed it since
        now = self._clock.now_ms() if proof.asked.source is ProofSource.OWN else None  # a demo's runs fast
        working = self._start(folder, Task(history, proof.asked.since, now), self._settings)
        try:
            while (code := working.poll()) is None:
                self._go_on(folder)
                self._stop.wait(_LOOK_S)
        finally:
            working.stop()
        if code == 0:
            folder.note(ProofState.DONE, self._clock.now_ms())
            folder.clear(sent=True)
            log.info("proof %d is done", proof.id)
            return
        self._failed(folder, proof, _why(folder, code))

    def _export(self, folder: ProofFolder) -> None:
        """Write the installation's own past as files: its store is this process's alone."""
        with ProofNotes(folder.progress).step(ProofStep.EXPORTING) as note:

            def report(share: float) -> None:
                self._go_on(folder)
                note(share)

            export_robots(self._store, self._desk, folder.history, report)

    def _go_on(self, folder: ProofFolder) -> None:
        if self._stop.is_set() or folder.unwanted:
            raise _LetGo

    def _failed(self, folder: ProofFolder, proof: Proof, why: str) -> None:
        folder.note(ProofState.FAILED, self._clock.now_ms(), why.replace(f"{folder.history}/", ""))
        folder.clear(sent=proof.asked.source is ProofSource.OWN)
        log.warning("proof %d failed: %s", proof.id, why)

    def _broken_off(self, folder: ProofFolder) -> None:
        folder.note(ProofState.BROKEN_OFF, self._clock.now_ms())
        folder.clear(sent=False)


def build_proofs(services: Services) -> Proofs:
    """Return the proofs in the data folder."""
    most = services.settings.server.upload_mb * MEBIBYTE
    return Proofs(services.folder.root, services.signals, services.clock, most)


def working_at(proofs: Proofs, services: Services) -> ProofsAtWork:
    """Return what works at the proofs of an installation, once it is entered."""
    return ProofsAtWork(proofs, services.settings, services.store, services.desk, services.clock)


def _why(folder: ProofFolder, code: int) -> str:
    if folder.why.exists():
        return folder.why.read_text(encoding="utf-8")
    return _NO_MEMORY if code == _KILLED else _UNSAID.format(code)
