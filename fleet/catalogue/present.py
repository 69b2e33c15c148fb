"""The catalogue of this process: that which ships, until the settings of an installation name another.

It is set once, where settings are read (sweepwatch/settings), before anything works with it; processes that
are started to help one get it with their work (models/learning/workers.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from fleet.catalogue.entries import Catalogue
from fleet.catalogue.reading import standard

V = TypeVar("V")


class _Present:
    """Holds what is present."""

    catalogue: Catalogue | None = None


_PRESENT = _Present()


def present() -> Catalogue:
    """Return the catalogue of this process."""
    return _PRESENT.catalogue or standard()


def adopt(catalogue: Catalogue) -> None:
    """Make a catalogue that of this process."""
    _PRESENT.catalogue = catalogue


@contextmanager
def adopted(catalogue: Catalogue) -> Iterator[None]:
    """Work with another catalogue for a while."""
    before = _PRESENT.catalogue
    adopt(catalogue)
    try:
        yield
    finally:
        _PRESENT.catalogue = before
