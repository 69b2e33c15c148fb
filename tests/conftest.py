"""What every test may ask for, and which files come first."""

from collections.abc import Iterator

import pytest

from fleet.catalogue.present import adopt
from fleet.catalogue.reading import standard

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
