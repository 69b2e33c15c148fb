"""HEAD on every address that answers GET: the same headers, and no body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAnswers:
    """ASGI middleware: serves HEAD as GET and keeps the body back; a stream is ended after its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        ended = False

        async def receive_until_headers() -> Message:
            return {"type": "http.disconnect"} if ended else await receive()

        async def send_headers(message: Message) -> None:
            nonlocal ended
            if ended or message["type"] != "http.response.start":
                return
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            ended = True

        as_get = {**scope, "method": "GET"}
        await self._app(as_get, receive_until_headers, send_headers)
        scope.update({name: as_get[name] for name in ("route", "fastapi") if name in as_get})  # which it was
