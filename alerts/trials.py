"""Trials of rules that somebody waits for: one at a time, since each takes a core for a while."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from time import monotonic

from alerts.backtest.backtest import Asked, Backtest, run_backtest
from alerts.backtest.replay import Replayed
from alerts.book import RuleBook
from alerts.judging.rules import Rule
from alerts.trial import Tried
from fleet.codes import CodeCatalogue
from fleet.errors import Conflict, InvalidInput, NotEnoughHistory
from fleet.signals import SignalTable
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase

MOST_DAYS = 90
MOST_EXAMPLES = 300
_LONGEST_S = 120.0


class Trials:
    """Tries documents on their examples and on the past, for whoever asks by the API or the console."""

    def __init__(
        self,
        book: RuleBook,
        store: TelemetryStore,
        desk: DeskDatabase,
        signals: SignalTable,
        codes: CodeCatalogue,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._book = book
        self._store = store
        self._desk = desk
        self._signals = signals
        self._codes = codes
        self._seconds = seconds
        self._busy = Lock()

    def examples(self, document: str) -> list[Tried]:
        """Try a document on its own examples. Raises InvalidInput for its mistakes, Conflict while busy."""
        rules = self._book.usable(document)
        count = sum(len(rule.examples) for rule in rules)
        if count > MOST_EXAMPLES:
            raise InvalidInput(f"{count} examples; allowed here: up to {MOST_EXAMPLES}")
        with self._alone():
            return self._book.examples(rules)

    def backtest(self, rules: Sequence[Rule], asked: Asked) -> Backtest:
        """Replay the past under some rules, and before it under those at work.

        Raises as `run_backtest`, InvalidInput beyond MOST_DAYS, Conflict while busy, after two minutes, and
        where there is nothing to replay.
        """
        before = self._book.at_work().rules
        if asked.days > MOST_DAYS:
            raise InvalidInput(f"days: {asked.days:g}; allowed here: up to {MOST_DAYS}")
        with self._alone():
            ends = self._seconds() + _LONGEST_S
            past = Replayed(
                self._store, self._desk, self._signals, self._codes, lambda: self._seconds() > ends
            )
            try:
                return run_backtest(past, before, rules, asked)
            except NotEnoughHistory as error:
                raise Conflict(str(error)) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise Conflict("other rules are being tried at this moment; try again soon")
        try:
            yield
        finally:
            self._busy.release()
