"""Limits how much of a request's body is read: while it arrives, whatever its headers say."""

from asyncio import wait_for
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

MAX_BODY_BYTES = 1_048_576
_DRAIN_BYTES = 16 * MAX_BODY_BYTES
_DRAIN_S = 1.0


class BodyLimit:
    """ASGI middleware: a body beyond `most` bytes is refused (413) as soon as that is known.

    By its Content-Length before anything is read; without one (chunked), or with one that lies, when the
    first byte too many arrives. What comes behind it is thrown away for a moment, so that the sender reads
    the answer before it finds the connection closed.
    """

    def __init__(self, app: ASGIApp, most: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced(scope) > self._most:
            await self._refuse(scope, receive, send)
            return
        read = 0
        begun = False

        async def receive_limited() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > self._most:
                    raise _TooLarge
            return message

        async def send_noted(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive_limited, send_noted)
        except _TooLarge:
            if not begun:
                await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = problem(
            413,
            f"the body is larger than {self._most} bytes, which is the most that is taken",
            {"Connection": "close"},
        )

        async def send_and_drain(message: Message) -> None:
            if message["type"] == "http.response.body":
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    await wait_for(_drain(receive), _DRAIN_S)
                message = {**message, "body": b""}
            await send(message)

        await answer(scope, receive, send_and_drain)


async def _drain(receive: Receive) -> None:
    left = _DRAIN_BYTES
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return


class _TooLarge(BaseException):
    """Ends the reading of a body; no handler of the application's errors may take it for one of theirs."""


def _announced(scope: Scope) -> int:
    """Return the Content-Length, 0 where there is none or it is no number (the server refuses those)."""
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else 0
