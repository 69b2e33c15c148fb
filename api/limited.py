"""Counts the requests of each address: beyond its rate they are refused before anything is done."""

from starlette.types import ASGIApp, Receive, Scope, Send

from access.rates import Rates
from api.problems import problem
from fleet.errors import TooOften


class Limited:
    """ASGI middleware: 429 with Retry-After where an address asks too often."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        app = self._app
        if scope["type"] == "http":
            try:
                self._rates.request_from((scope.get("client") or ("",))[0])
            except TooOften as error:
                app = problem(429, str(error), {"Retry-After": str(error.after_s)})
        await app(scope, receive, send)
