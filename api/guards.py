"""Guards before every request: who is addressed, where a change comes from, and what browsers may do.

The server is reached on this machine alone. A web page open in the same browser could reach it too: by a name
that resolves to 127.0.0.1 (DNS rebinding), or by posting a form. Both are refused, before any door is asked.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

Handler = Callable[[Request, Exception], Response]
HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guards:
    """ASGI middleware: refuses foreign hosts and cross-site changes, and adds the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        refusal = _foreign_host(headers) or _cross_site(scope["method"], headers)
        app = self._app if refusal is None else problem(*refusal)
        await app(scope, receive, send_guarded)


def guarded(handler: Handler) -> Handler:
    """Return a handler of crashes that adds the headers too: their answers are made outside of all guards."""

    def answer(request: Request, error: Exception) -> Response:
        made = handler(request, error)
        for name, value in _HEADERS.items():
            made.headers.setdefault(name, value)
        return made

    return answer


def _foreign_host(headers: Headers) -> tuple[int, str] | None:
    try:
        host = urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        host = None
    if host in HOSTS:
        return None
    return (
        400,
        "Host: this server answers to 127.0.0.1, localhost and [::1] only",
    )


def _cross_site(method: str, headers: Headers) -> tuple[int, str] | None:
    """Refuse a change that another site's page asks for; programs send neither header and are let through."""
    if method in _SAFE_METHODS:
        return None
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and urlsplit(origin).netloc != headers.get("host")
    return (403, "a page of another site may not change anything here") if foreign else None
