"""Limits how much of a request's body is read: while it arrives, whatever its headers say."""

from asyncio import get_running_loop, timeout_at, wait_for
from collections.abc import Mapping
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

MAX_BODY_BYTES = 1_048_576
_DRAIN_BYTES = 16 * MAX_BODY_BYTES
_DRAIN_S = 1.0
BODY_S = 60.0
"""So long a body may take to arrive; a second for each MiB where more than so many MiB are taken."""


class BodyLimit:
    """ASGI middleware: a body beyond `most` bytes is refused (413) once that is known, a slow one (408).

    By its Content-Length before anything is read; without one (chunked), or with one that lies, when the
    first byte too many arrives. What comes behind it is thrown away for a moment, so that the sender reads
    the answer before it finds the connection closed. `more_at` allows more at some paths, in which `*` stands
    for one step.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: int = MAX_BODY_BYTES,
        within_s: float = BODY_S,
        more_at: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._usual = most
        self._more_at = [(tuple(path.split("/")), allowed) for path, allowed in (more_at or {}).items()]
        self._within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._most_at(scope.get("path", ""))
        if _announced(scope) > most:
            await self._refuse(scope, receive, send, _too_large(most))
            return
        begun = False
        body = _Body(receive, most, max(self._within_s, self._within_s * most / (BODY_S * MAX_BODY_BYTES)))

        async def send_noted(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, body.receive, send_noted)
        except _Refused as refused:
            if not begun:
                await self._refuse(scope, receive, send, refused)

    def _most_at(self, path: str) -> int:
        """Return how many bytes are taken at a path."""
        steps = path.split("/")
        for known, allowed in self._more_at:
            if len(known) == len(steps) and all(
                each in ("*", step) for each, step in zip(known, steps, strict=True)
            ):
                return allowed
        return self._usual

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, refused: "_Refused") -> None:
        answer = problem(refused.status, refused.detail, {"Connection": "close"})

        async def send_and_drain(message: Message) -> None:
            if message["type"] == "http.response.body":
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    await wait_for(_drain(receive), _DRAIN_S)
                message = {**message, "body": b""}
            await send(message)

        await answer(scope, receive, send_and_drain)


class _Body:
    """A body as it arrives: its end is waited for so long, and no more of it is handed on than may be."""

    def __init__(self, receive: Receive, most: int, within_s: float) -> None:
        self._receive = receive
        self._most = most
        self._within_s = within_s
        self._until = get_running_loop().time() + within_s
        self._read = 0
        self._whole = False

    async def receive(self) -> Message:
        """Return the next message. Raises _Refused."""
        if self._whole:
            return await self._receive()
        try:
            async with timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise _Refused(408, f"the body did not arrive within {self._within_s:g} s") from None
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
            self._read += len(message.get("body", b""))
            if self._read > self._most:
                raise _too_large(self._most)
        return message


async def _drain(receive: Receive) -> None:
    left = _DRAIN_BYTES
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return


class _Refused(BaseException):
    """Ends the reading of a body; no handler of the application's errors may take it for one of theirs."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def _too_large(most: int) -> _Refused:
    return _Refused(413, f"the body is larger than {most} bytes, which is the most that is taken")


def _announced(scope: Scope) -> int:
    """Return the Content-Length, 0 where there is none or it is no number (the server refuses those)."""
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else 0
