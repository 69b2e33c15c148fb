"""How often Python looks for cycles of garbage, while very many values come and go that hold none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = (100_000, 50, 1_000)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Let cycles be looked for seldom: to go through all that the process holds costs more than the work.

    What is more seldom already, or never, stays so.
    """
    before = gc.get_threshold()
    if before[0]:  # 0: never
        gc.set_threshold(*(max(pair) for pair in zip(before, _SELDOM, strict=True)))
    try:
        yield
    finally:
        gc.set_threshold(*before)
