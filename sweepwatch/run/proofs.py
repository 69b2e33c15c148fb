"""The proofs of an installation, in DATA/proofs: begun, looked at, and deleted. What works at them is beside.

A proof is what its folder says (proof_folder.py): so a house that starts anew, and another process on the
same data folder, know all of it.
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from fleet.case_files import MEBIBYTE
from fleet.clock import Clock
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.principals import Principal
from fleet.proofs import AGAIN, Proof, ProofAsked, ProofSource, ProofState, SentFile
from fleet.signals import SignalTable
from fleet.text import Language, quoted
from ingest.history.plan import PARTS
from sweepwatch.commands.history_export import MAP
from sweepwatch.commands.history_files import FORMS, check_history
from sweepwatch.run.proof_folder import ProofFolder

PROOFS, HISTORIES = "proofs", "histories"
_MOST_WAITING = 10
_MOST_FOLDERS = 200
_LAST = "last"
"""Holds the number of the newest proof: that of a deleted one is not given again."""
_NAME = re.compile(r"[^\w.-]+")


class Proofs:
    """The proofs in a data folder; `most_bytes` may be sent for one."""

    def __init__(self, data: Path, signals: SignalTable, clock: Clock, most_bytes: int) -> None:
        self.root, self._histories = data / PROOFS, data / HISTORIES
        self._signals, self._clock = signals, clock
        self.most_bytes = most_bytes

    def all(self) -> list[Proof]:
        """Return every proof, the newest first."""
        found = (each.read() for each in self.folders())
        return sorted((each for each in found if each is not None), key=lambda each: -each.id)

    def read(self, proof_id: int) -> Proof:
        """Return a proof. Raises NotFound."""
        found = self._folder(proof_id).read()
        if found is None:
            raise NotFound(f"there is no proof {proof_id}")
        return found

    def histories(self) -> list[str]:
        """Return the names of the folders that somebody put into DATA/histories; links are none."""
        with suppress(OSError):
            folders = [each for each in self._histories.iterdir() if each.is_dir() and not each.is_symlink()]
            return sorted(each.name for each in folders if not each.name.startswith("."))[:_MOST_FOLDERS]
        return []

    def history_of(self, folder: ProofFolder, asked: ProofAsked) -> Path:
        """Return the folder that holds the history of a proof."""
        return self._chosen(asked.folder) if asked.source is ProofSource.FOLDER else folder.history

    def begin(self, asked: ProofAsked, by: Principal, files: Sequence[SentFile] = ()) -> Proof:
        """Let a proof wait for its turn.

        Raises InvalidInput for a day, folder, map or file that is wrong, and then keeps nothing; Conflict
        where enough wait already.
        """
        _check_day(asked.since)
        if sum(each.standing is ProofState.WAITING for each in self.folders()) >= _MOST_WAITING:
            raise Conflict(f"{_MOST_WAITING} proofs wait already; delete one, or ask later")
        self.root.mkdir(parents=True, exist_ok=True)
        new = ProofFolder(Path(tempfile.mkdtemp(prefix=".new-", dir=self.root)))
        try:
            if asked.source is ProofSource.FILES:
                _keep(files, new.history)
                check_history(new.history, self._signals)
            elif asked.source is ProofSource.FOLDER:
                check_history(self._chosen(asked.folder), self._signals)
            new.ask(asked, by, self._clock.now_ms())
            return self.read(self._place(new))
        except BaseException:
            new.remove()
            raise

    def again(self, proof_id: int) -> Proof:
        """Begin a proof again that failed or was broken off. Raises NotFound or Conflict."""
        if self.read(proof_id).state not in AGAIN:
            raise Conflict("only what failed or was broken off can be begun again")
        self._folder(proof_id).begin_again(self._clock.now_ms())
        return self.read(proof_id)

    def delete(self, proof_id: int) -> None:
        """Delete a proof, its report and its files; one under way is stopped. Raises NotFound."""
        found, folder = self.read(proof_id), self._folder(proof_id)
        folder.mark_unwanted()
        if found.state is not ProofState.RUNNING:  # else whoever works at it lets go first
            folder.remove()

    def report(self, proof_id: int) -> dict[str, Any]:
        """Return the report of a proof. Raises NotFound."""
        self.read(proof_id)
        return self._folder(proof_id).told()

    def file(self, proof_id: int, language: Language, name: str) -> bytes:
        """Return a file of the report, prove.html, prove.pdf or prove.json. Raises NotFound."""
        self.read(proof_id)
        return self._folder(proof_id).file(language, name)

    def next_waiting(self) -> tuple[ProofFolder, Proof] | None:
        """Return the proof that has waited longest, with its folder; of others the state alone is read."""
        waiting = [each for each in self.folders() if each.standing is ProofState.WAITING]
        found = [(each, proof) for each in waiting if (proof := each.read()) is not None]
        return min(found, key=lambda pair: (pair[1].changed, pair[1].id), default=None)

    def folders(self) -> list[ProofFolder]:
        """Return every folder of a proof, those that nobody wants any more included."""
        with suppress(OSError):
            return [ProofFolder(each) for each in self.root.iterdir() if each.name.isdecimal()]
        return []

    def _folder(self, proof_id: int) -> ProofFolder:
        return ProofFolder(self.root / str(proof_id))

    def _chosen(self, name: str | None) -> Path:
        """Return a folder of DATA/histories; only names that are there are taken, so none leads elsewhere."""
        there = self.histories()
        if name is None or name not in there:
            told = ", ".join(there) or "none yet; put one there"
            raise InvalidInput(
                f"folder: there is no {quoted(name or '')} in DATA/{HISTORIES}; there are: {told}"
            )
        return self._histories / name

    def _place(self, new: ProofFolder) -> int:
        """Give a proof its number, which nobody else has or had."""
        last = self.root / _LAST
        known = [int(each.path.name) for each in self.folders()]
        with suppress(OSError, ValueError):
            known.append(int(last.read_text(encoding="utf-8")))
        number = max(known, default=0) + 1
        while True:
            try:
                # Never onto a folder that is there: one that holds something is not replaced.
                new.path.rename(self.root / str(number))
            except OSError:
                if not (self.root / str(number)).exists():
                    raise
                number += 1
                continue
            last.write_text(str(number), encoding="utf-8")
            return number


def _check_day(since: str | None) -> None:
    if since is None:
        return
    try:
        datetime.strptime(since, "%Y-%m-%d")  # noqa: DTZ007 - a day is a day
    except ValueError:
        raise InvalidInput(f"from: {quoted(since)} is no day such as 2026-01-31") from None


def _keep(files: Sequence[SentFile], folder: Path) -> None:
    """Write the files that were sent under the names by which a history is read."""
    folder.mkdir()
    for part in ("map", *PARTS):
        sent = [each for each in files if each.part == part]
        if part == "map":
            if len(sent) != 1:
                raise InvalidInput("map: required, one file (YAML) that says which column is what")
            _write(sent[0], folder / MAP)
        elif len(sent) == 1:
            _write(sent[0], folder / f"{part}{_form(sent[0])}")
        elif sent:
            (folder / part).mkdir()
            for number, each in enumerate(sent, 1):
                name = _NAME.sub("_", Path(each.name).name)[-80:].lstrip("._")
                _form(each)
                _write(each, folder / part / f"{number:03d}-{name}")


def _form(sent: SentFile) -> str:
    """Return how the name of a file ends. Raises InvalidInput for what no history has."""
    found = [form for form in FORMS if sent.name.lower().endswith(form)]
    if not found:
        raise InvalidInput(f"{sent.part}: {quoted(sent.name)}: allowed: {', '.join(FORMS)}")
    return max(found, key=len)


def _write(sent: SentFile, path: Path) -> None:
    with path.open("wb") as out:
        shutil.copyfileobj(sent.content, out, MEBIBYTE)
