"""/healthz, /readyz and /metrics on a port of their own, for whoever reaches it."""

import json
import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from urllib.parse import parse_qs

from prometheus_client import CollectorRegistry

from api.exposition import exposed
from fleet.errors import PortTaken
from sweepwatch.settings.server import ServerSettings

log = logging.getLogger(__name__)
Readiness = Callable[[], Mapping[str, str | None]]
_TIMEOUT_S = 10.0
"""So long whoever asks may take for it: a thread waits meanwhile."""
_JSON, _PROBLEM = "application/json", "application/problem+json"


class HealthServer:
    """Answers on a port of `host`; a context manager that ends it. Raises PortTaken.

    `readiness` maps each component to what is wrong with it, None when it is fine, as the API's does.
    """

    def __init__(
        self, port: int, readiness: Readiness, metrics: CollectorRegistry, host: str = "127.0.0.1"
    ) -> None:
        family = _SixServer if ":" in host else ThreadingHTTPServer
        try:
            self._server = family((host, port), _handler(readiness, metrics))
        except OSError as error:
            raise PortTaken(f"cannot serve /metrics on {host}, port {port}: {error.strerror}") from error
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, name="health", daemon=True)

    def __enter__(self) -> "HealthServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _SixServer(ThreadingHTTPServer):
    address_family = socket.AF_INET6


def serve_health(
    server: ServerSettings, port: int, readiness: Readiness, metrics: CollectorRegistry, stack: ExitStack
) -> None:
    """Serve /healthz, /readyz and /metrics on a port, 0: not at all; `stack` ends it. Raises PortTaken."""
    if port:
        stack.enter_context(HealthServer(port, readiness, metrics, server.metrics_host))


def _handler(readiness: Readiness, metrics: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    def answer(target: str, accept: str) -> tuple[int, str, bytes]:
        path, _, query = target.partition("?")
        if path == "/healthz":
            return 200, _JSON, json.dumps({"status": "ok"}).encode()
        if path == "/readyz":
            return told(readiness())
        if path in ("/metrics", "/"):
            return 200, *exposed(metrics, accept, parse_qs(query).get("name[]", ()))
        return 404, "text/plain", b"there is /healthz, /readyz and /metrics here\n"

    class Handler(BaseHTTPRequestHandler):
        timeout = _TIMEOUT_S
        server_version, sys_version = "sweepwatch", ""

        def do_GET(self) -> None:
            status, media_type, body = answer(self.path, self.headers.get("accept", ""))
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *told: object) -> None:
            log.debug("%s", told)

    return Handler


def told(found: Mapping[str, str | None]) -> tuple[int, str, bytes]:
    """Return status, media type and body of /readyz, in the API's form."""
    components = {name: wrong or "ok" for name, wrong in found.items()}
    wrong = [f"{name}: {text}" for name, text in found.items() if text is not None]
    if not wrong:
        return 200, _JSON, json.dumps({"status": "ready", "components": components}).encode()
    body = {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "; ".join(wrong),
        "components": components,
    }
    return 503, _PROBLEM, json.dumps(body).encode()
