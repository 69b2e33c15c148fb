"""Guards before every request: who is addressed, where a change comes from, and what browsers may do.

A web page open in a browser that reaches the server could reach it too: by a name of its own that resolves
to the server's address (DNS rebinding), or by posting a form. Both are refused, before any door is asked.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from api.reach import Reach, names_in_words

Handler = Callable[[Request, Exception], Response]
_HSTS = "max-age=31536000; includeSubDomains"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # unless an answer says otherwise: whose data it is, no cache can know
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guards:
    """ASGI middleware: refuses foreign hosts and cross-site changes, and adds the security headers."""

    def __init__(self, app: ASGIApp, reach: Reach) -> None:
        self._app = app
        self._reach = reach

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        headers = Headers(scope=scope)
        host = _host_of(headers)
        lasting = host != "localhost" and (self._reach.secure or scope["scheme"] == "https")

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
                if lasting:  # localhost is the name of whatever else runs on somebody's machine as well
                    answer["Strict-Transport-Security"] = _HSTS
            await send(message)

        refusal = self._foreign_host(host) or _cross_site(scope["method"], headers)
        app = self._app if refusal is None else problem(*refusal)
        await app(scope, receive, send_guarded)

    def _foreign_host(self, host: str | None) -> tuple[int, str] | None:
        if self._reach.answers_to(host):
            return None
        return 400, f"Host: this server answers to {names_in_words(self._reach.names)} only"


def guarded(handler: Handler) -> Handler:
    """Return a handler of crashes that adds the headers too: their answers are made outside of all guards."""

    def answer(request: Request, error: Exception) -> Response:
        made = handler(request, error)
        for name, value in _HEADERS.items():
            made.headers.setdefault(name, value)
        return made

    return answer


def _host_of(headers: Headers) -> str | None:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return None


def _cross_site(method: str, headers: Headers) -> tuple[int, str] | None:
    """Refuse a change that another site's page asks for; programs send neither header and are let through."""
    if method in _SAFE_METHODS:
        return None
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and _netloc(origin) != headers.get("host")
    return (403, "a page of another site may not change anything here") if foreign else None


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
