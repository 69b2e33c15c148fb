"""A house with one robot, for tests that change things; files with other needs have fixtures of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.api import House, add_device, client_of, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        add_device(made, "R1")
        yield made


@pytest.fixture
def client(house: House) -> TestClient:
    return client_of(house)
