"""Measures requests: how many by route, method and status, and how long they took."""

from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Measured:
    """ASGI middleware; a route goes by its template, so that no id becomes a label."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "sweepwatch_http_requests", "Requests", ["route", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "sweepwatch_http_request_seconds",
            "From a request to its last byte",
            ["route"],
            registry=registry,
            buckets=_BUCKETS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        status = 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            route = _template(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._requests.labels(route, method, str(status)).inc()
            self._seconds.labels(route).observe(perf_counter() - begun)


def _template(scope: Scope) -> str:
    """Return the template of the route that was found; what no route has, or is a file, goes by one name."""
    # Of a route in a router FastAPI tells the whole template here alone; `route` has that within its router.
    whole = scope.get("fastapi", {}).get("effective_route_context")
    template = getattr(whole or scope.get("route"), "path_format", None)
    return str(template) if template else "static" if scope["path"].startswith("/static/") else "none"
