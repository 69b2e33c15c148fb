"""Long lists of ids, in parts that one statement takes."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
IDS_A_STATEMENT = 5_000
"""SQLite takes 32,766 values in a statement, PostgreSQL's driver 65,535."""


def parts_of(ids: Iterable[T]) -> Iterator[list[T]]:
    """Yield all ids, so many at a time."""
    left = iter(ids)
    while part := list(islice(left, IDS_A_STATEMENT)):
        yield part
