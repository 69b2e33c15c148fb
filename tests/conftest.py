"""What every test may ask for, and which files come first."""

import os
from collections.abc import Iterator

import pytest

from fleet.catalogue.present import adopt
from fleet.catalogue.reading import standard

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Threads of boosted trees wait for each other by spinning: of three workers' on two cores most of the time
went into that (a life model of 4,000 rows: 55 s of CPU for 4 s of work)."""

pytest_plugins = ["helpers.brokers", "helpers.influx", "helpers.passwords"]

LONGEST = (
    "test_notebooks.py",
    "unit/yardsticks/",
    "test_run.py",
    "test_young_fleets.py",
    "test_console_browser.py",
)
"""Files that take minutes: begun last, one of them would be run alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files come first; the others stay in the order of their folders."""
    items.sort(key=lambda item: not any(part in item.path.as_posix() for part in LONGEST))


@pytest.fixture(autouse=True)
def shipped_catalogue() -> Iterator[None]:
    """Leave the catalogue that ships behind, whatever the settings of a test named."""
    yield
    adopt(standard())
