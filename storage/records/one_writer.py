"""Lets the threads of a process write to one SQLite file in turn, each woken when its turn has come.

SQLite has one writer at a time. Whoever waits for it there sleeps and looks again, longer each time, up to a
tenth of a second. Here the next one is woken, and who must not wait behind ten others goes first: the group
commit of readings, which writes a few times in each. Processes still wait for each other in SQLite's way.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, local
from time import monotonic
from typing import Any

_READS = ("SELECT", "PRAGMA", "EXPLAIN", "WITH")
_WAIT_S = 15.0
"""After that SQLite decides, which then refuses: as long as it waits itself."""
_thread = local()


@contextmanager
def first_in_line() -> Iterator[None]:
    """Let this thread write before others that wait."""
    _thread.first = True
    try:
        yield
    finally:
        _thread.first = False


class Turn:
    """The place of the one writer."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._taken = False
        self._first = 0

    def take(self) -> bool:
        """Wait for the place; False where it was not free for too long."""
        first, until = getattr(_thread, "first", False), monotonic() + _WAIT_S
        with self._changed:
            self._first += first
            try:
                while self._taken or (self._first and not first):
                    if not self._changed.wait(until - monotonic()):
                        return False
                self._taken = True
            finally:
                self._first -= first
        return True

    def leave(self) -> None:
        """Let the next one have it."""
        with self._changed:
            self._taken = False
            self._changed.notify_all()


class TakingTurns(sqlite3.Connection):
    """A connection that holds the turn from its first change to the end of the transaction."""

    turn: Turn
    _mine = False

    def cursor(self, factory: Any = None) -> Any:
        """Return a cursor that waits for the turn."""
        return super().cursor(factory or _Cursor)

    def before(self, statement: str) -> None:
        """Wait for the turn where a statement begins to write."""
        if self._mine or self.in_transaction or statement.lstrip()[:7].upper().startswith(_READS):
            return
        self._mine = self.turn.take()

    def after(self) -> None:
        """Let the next write unless a transaction of this one goes on."""
        if self._mine and not self.in_transaction:
            self._leave()

    def commit(self) -> None:
        """Commit, and let the next write."""
        try:
            super().commit()
        finally:
            self.after()

    def rollback(self) -> None:
        """Roll back, and let the next write."""
        try:
            super().rollback()
        finally:
            self.after()

    def close(self) -> None:
        """Close it; what was not committed is gone."""
        try:
            super().close()
        finally:
            if self._mine:
                self._leave()

    def _leave(self) -> None:
        self._mine = False
        self.turn.leave()


class _Cursor(sqlite3.Cursor):
    connection: TakingTurns

    def execute(self, statement: str, /, *parameters: Any) -> Any:
        return self._in_turn(super().execute, statement, *parameters)

    def executemany(self, statement: str, /, *parameters: Any) -> Any:
        return self._in_turn(super().executemany, statement, *parameters)

    def _in_turn(self, run: Callable[..., Any], statement: str, *parameters: Any) -> Any:
        self.connection.before(statement)
        try:
            return run(statement, *parameters)
        finally:
            self.connection.after()


def connections_in_turn() -> type[sqlite3.Connection]:
    """Return a class of connections to one file, to be given to `sqlite3.connect` as its factory."""
    return type("TakingTurns", (TakingTurns,), {"turn": Turn()})
