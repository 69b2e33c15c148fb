"""The letter box of the crew: a mail server on this machine that takes letters, and keeps nothing."""

import asyncio
import email
import email.policy
import threading
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from typing import Any

_PATIENCE_S = 2.0

Letter = tuple[str, str]
"""To whom (an address), and the text."""


class Mailbox:
    """Takes mail by SMTP on 127.0.0.1, on a port that is free; a context manager that starts and stops it.

    `take` is called with each letter, from the server's own thread. Raises OSError where it cannot listen.
    """

    def __init__(self, take: Callable[[str, str], None]) -> None:
        from aiosmtpd.smtp import SMTP

        self._protocol = partial(SMTP, _Handler(take), hostname="crew.invalid", enable_SMTPUTF8=True)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="letter box", daemon=True)
        self.port = 0
        """Where it listens."""

    def __enter__(self) -> "Mailbox":
        self._thread.start()
        made = self._loop.create_server(self._protocol, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(made, self._loop).result(_PATIENCE_S)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        async def end() -> None:
            self._server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:  # whoever is about to send something
                task.cancel()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(_PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE_S)
        self._loop.close()


class _Handler:
    def __init__(self, take: Callable[[str, str], None]) -> None:
        self._take = take

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take one message."""
        text = text_of(envelope.content)
        for address in envelope.rcpt_tos:
            self._take(address.lower(), text)
        return "250 taken"


def text_of(message: bytes) -> str:
    """Return the plain text of a message (RFC 5322)."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)  # the policy says so
    body = parsed.get_body(("plain",))
    return "" if body is None else str(body.get_content())
