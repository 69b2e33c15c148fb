"""`run` opens the one-time link where somebody sits before a browser, and nowhere else."""

import webbrowser
from pathlib import Path
from threading import Event

import pytest

from sweepwatch.run.browser import may_open, opened_browser
from sweepwatch.settings.server import ServerSettings

SCREEN = {"DISPLAY": ":0"}
LINK = "http://127.0.0.1:8000/enter/abc"


@pytest.mark.parametrize(
    ("settings", "environment", "platform", "interactive", "expected"),
    [
        ({}, SCREEN, "linux", True, True),
        ({}, {"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, True),
        ({}, {}, "darwin", True, True),
        ({}, {}, "linux", True, False),
        ({}, SCREEN, "linux", False, False),
        ({}, SCREEN | {"CI": "1"}, "linux", True, False),
        ({}, SCREEN | {"PYTEST_CURRENT_TEST": "x"}, "linux", True, False),
        ({}, SCREEN | {"SSH_CONNECTION": "x"}, "linux", True, False),
        ({"open_browser": False}, SCREEN, "linux", True, False),
        ({"host": "192.0.2.1"}, SCREEN, "linux", True, False),
        ({"public_url": "https://a.example"}, SCREEN, "linux", True, False),
    ],
)
def test_a_browser_is_opened_only_where_it_is_seen(
    settings: dict[str, object], environment: dict[str, str], platform: str, interactive: bool, expected: bool
) -> None:
    server = ServerSettings.model_validate(settings)
    assert may_open(server, environment, platform, lambda: interactive) is expected


class Seen(webbrowser.BaseBrowser):
    """A browser that notes what it is given."""

    def __init__(self) -> None:
        super().__init__("seen")
        self.given = ""
        self.called = Event()

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.given = url
        self.called.set()
        return True


def test_the_link_stands_in_a_file_and_not_in_the_list_of_processes(tmp_path: Path) -> None:
    browser = Seen()
    with opened_browser(LINK, tmp_path, lambda: browser):
        assert browser.called.wait(10)
        assert "abc" not in browser.given
        page = Path(browser.given.removeprefix("file://"))
        assert page.stat().st_mode & 0o077 == 0
        assert f"url={LINK}" in page.read_text()
    assert not page.exists()


def test_a_browser_that_would_draw_into_the_terminal_is_left_alone(tmp_path: Path) -> None:
    asked = Event()

    def find() -> webbrowser.BaseBrowser:
        asked.set()
        return webbrowser.GenericBrowser("/nonexistent/lynx")

    with opened_browser(LINK, tmp_path, find):
        assert asked.wait(10)
