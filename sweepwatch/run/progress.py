"""Shows how far the first start is: on the terminal, and to the console through `current`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from fleet.progress import StartProgress
from fleet.text import Text

Report = Callable[[float], None]


class ProgressBoard:
    """The step under way. Several steps share the whole by the `share` that each begins at and ends at."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._current: StartProgress | None = None

    def current(self) -> StartProgress | None:
        """Return the step under way, None when nothing is."""
        with self._lock:
            return self._current

    def clear(self) -> None:
        """Say that everything is done."""
        with self._lock:
            self._current = None

    @contextmanager
    def step(self, text: Text, begins: float, ends: float) -> Iterator[Report]:
        """Show a step; yields the function to call with the share of it that is done, 0 to 1."""
        with bar(text.en) as draw:

            def report(share: float) -> None:
                whole = begins + (ends - begins) * share
                with self._lock:
                    self._current = StartProgress(text, whole)
                draw(share)

            report(0.0)
            yield report
            report(1.0)


@contextmanager
def bar(label: str) -> Iterator[Report]:
    """Draw a bar on a terminal; elsewhere print a line when the step begins."""
    if not sys.stdout.isatty():
        print(f"{label} ...", flush=True)  # noqa: T201 - this is the command line's output
        yield lambda _share: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(highlight=False)) as progress:
        task = progress.add_task(label, total=1.0)
        yield lambda share: progress.update(task, completed=share)
