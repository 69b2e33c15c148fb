"""A real Chromium, and a watch over what a page asks of the network and says on its console."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from helpers.publishing import wait_until
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
_ARGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Yield the browser; without one the test is skipped, but fails where CI is set."""
    if shutil.which(CHROMIUM) is None:
        message = f"{CHROMIUM} is not installed; `make test` installs it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """What went wrong on a page: console errors, failed requests, requests to other hosts."""

    complaints: list[str] = field(default_factory=list)


def watched(page: Page, host: str) -> Watch:
    """Watch a page that may ask `host` (with its port) alone."""
    watch = Watch()

    def on_request(request: Any) -> None:
        place = urlsplit(request.url)
        if place.scheme not in ("data", "blob") and place.netloc != host:
            watch.complaints.append(f"asked another host: {request.url}")

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            watch.complaints.append(f"console: {message.text}")

    def on_response(response: Any) -> None:
        if response.status >= 400:
            watch.complaints.append(f"{response.status}: {response.url}")

    page.on("request", on_request)
    page.on("console", on_console)
    page.on("response", on_response)
    page.on("pageerror", lambda error: watch.complaints.append(f"script: {error}"))
    return watch


def load_images(page: Page) -> None:
    """Load the images further down too, and wait until all are there."""
    page.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    loaded = "[...document.images].every(image => image.complete)"
    wait_until(lambda: page.evaluate(loaded), 60)
