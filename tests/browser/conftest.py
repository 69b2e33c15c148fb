"""A console that is served, and Chromium; each file brings its own house."""

from collections.abc import Iterator

import pytest
from helpers.api import House
from helpers.browser import open_browser
from playwright.sync_api import Browser

from sweepwatch.run.server import WebServer, listen


@pytest.fixture(scope="module")
def host(house: House) -> Iterator[str]:
    listener = listen("127.0.0.1", 0)
    with WebServer(house.app, listener):
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened
