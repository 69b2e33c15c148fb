"""The folder of one proof, DATA/proofs/ID: what was asked, how it stands, what it said, and its report.

asked.json, state.json and progress.json are each there whole or not at all. `history` holds files that were
sent or exported, `work` what was imported of them; both go when the report is there.
"""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fleet.errors import NotFound
from fleet.files import write_whole
from fleet.principals import Principal
from fleet.proofs import DATA, PAGE, PAPER, Proof, ProofAsked, ProofSource, ProofState
from fleet.text import Language, Text
from sweepwatch.commands.prove_progress import progress_in

REPORT_FILES = (PAGE, PAPER, DATA)
_MOST_WORDS = 16_384


class ProofFolder:
    """What is known of a proof is what its folder says."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.history, self.work, self.report = path / "history", path / "work", path / "report"
        self.progress, self.words, self.why = path / "progress.json", path / "words.txt", path / "why.txt"
        self._unwanted = path / "unwanted"

    @property
    def unwanted(self) -> bool:
        """Whether somebody deleted it: it is gone for people, and goes when nobody works at it any more."""
        return self._unwanted.exists() or not self.path.exists()

    def ask(self, asked: ProofAsked, by: Principal, now: int) -> None:
        """Note what is wanted."""
        told = {**asdict(asked), "by": by.name, "begun": now}
        write_whole(self.path / "asked.json", json.dumps(told, ensure_ascii=False).encode())
        self.note(ProofState.WAITING, now)

    def note(self, state: ProofState, now: int, why: str | None = None) -> None:
        """Note how it stands; a proof that is done has its sentence noted beside."""
        told: dict[str, Any] = {"state": state, "changed": now, "why": why}
        if state is ProofState.DONE:
            told["sentence"] = self.told()["sentence"]
        write_whole(self.path / "state.json", json.dumps(told, ensure_ascii=False).encode())

    @property
    def standing(self) -> ProofState | None:
        """How the proof stands; None where the folder holds none, or an unwanted one."""
        state = None if self.unwanted else self._told_in("state.json")
        return None if state is None else ProofState(state["state"])

    def read(self) -> Proof | None:
        """Return the proof; None where the folder holds none, or an unwanted one."""
        if self.unwanted or not self.path.name.isdecimal():
            return None
        asked, state = self._told_in("asked.json"), self._told_in("state.json")
        if asked is None or state is None:
            return None
        sentence = state.get("sentence")
        standing = ProofState(state["state"])
        return Proof(
            id=int(self.path.name),
            asked=ProofAsked(ProofSource(asked["source"]), asked["folder"], asked["since"]),
            by=asked["by"],
            begun=asked["begun"],
            state=standing,
            changed=state["changed"],
            progress=progress_in(self.progress) if standing is not ProofState.WAITING else None,
            why=state["why"],
            sentence=None if sentence is None else Text(sentence["en"], sentence["zh"]),
            words=self._last_words(),
        )

    def told(self) -> dict[str, Any]:
        """Return the report. Raises NotFound where there is none."""
        found: dict[str, Any] = json.loads(self.file("en", DATA))
        return found

    def file(self, language: Language, name: str) -> bytes:
        """Return a file of the report. Raises NotFound where there is none."""
        try:
            if name in REPORT_FILES:
                return (self.report / language / name).read_bytes()
        except OSError:
            pass
        raise NotFound(f"this proof has no {name} yet")

    def clear(self, *, sent: bool) -> None:
        """Remove what was imported, and the history that was exported; that which was `sent` too."""
        shutil.rmtree(self.work, ignore_errors=True)
        if sent:
            shutil.rmtree(self.history, ignore_errors=True)

    def begin_again(self, now: int) -> None:
        """Let it wait anew, without what is left of the last time."""
        for each in (self.progress, self.words, self.why):
            each.unlink(missing_ok=True)
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.rmtree(self.report, ignore_errors=True)
        self.note(ProofState.WAITING, now)

    def mark_unwanted(self) -> None:
        """Say that nobody wants it any more."""
        self._unwanted.touch()

    def remove(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _told_in(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def _last_words(self) -> tuple[str, ...]:
        try:
            with self.words.open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - _MOST_WORDS))
                return tuple(file.read().decode("utf-8", errors="replace").splitlines())
        except OSError:
            return ()
