"""Opens the one-time link in a browser, where whoever started us sits before one."""

import sys
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from threading import Thread

from sweepwatch.settings.server import ServerSettings, is_loopback

_NOT_WITH = ("CI", "PYTEST_CURRENT_TEST", "SSH_CONNECTION", "SSH_TTY")
"""Where one of these is set nobody sits before this machine, or wants a window."""


def may_open(
    server: ServerSettings,
    environment: Mapping[str, str],
    platform: str = sys.platform,
    interactive: Callable[[], bool] = lambda: sys.stdin.isatty() and sys.stdout.isatty(),
) -> bool:
    """Tell whether a browser is wanted, and likely to be seen: there is a terminal, and a screen."""
    screen = platform in ("darwin", "win32") or bool(
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    )
    wanted = server.open_browser and is_loopback(server.host) and server.public_url is None
    return wanted and screen and not any(environment.get(name) for name in _NOT_WITH) and interactive()


@contextmanager
def opened_browser(
    link: str, folder: Path, find: Callable[[], webbrowser.BaseBrowser] = webbrowser.get
) -> Iterator[None]:
    """Open a link in a browser with a screen of its own, and go on at once; nothing where there is none.

    The browser is given a file of this user's that leads on to the link: what stands on a command line, every
    user of the machine can read. The file is gone at the end.
    """
    page = folder / "sign-in.html"
    page.touch(mode=0o600)
    page.write_text(
        '<!doctype html><meta charset="utf-8"><title>Sweepwatch</title>'
        f'<meta http-equiv="refresh" content="0; url={escape(link)}">\n',
        encoding="utf-8",
    )
    Thread(target=_open, args=(page.absolute().as_uri(), find), name="browser", daemon=True).start()
    try:
        yield
    finally:
        page.unlink(missing_ok=True)


def _open(address: str, find: Callable[[], webbrowser.BaseBrowser]) -> None:
    try:
        browser = find()
    except webbrowser.Error:
        return
    # One of exactly this class draws into the terminal, which is ours.
    if type(browser) is not webbrowser.GenericBrowser:
        browser.open(address)
