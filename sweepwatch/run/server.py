"""Serves the API and the console from a thread, on a port that is taken before anything else starts."""

import logging
import socket
import threading
from contextlib import suppress
from functools import partial
from types import TracebackType

import uvicorn
from fastapi import FastAPI

from fleet.clock import Clock, SystemClock
from fleet.errors import PortTaken
from sweepwatch.run.certificates import Renewal, ends_soon
from sweepwatch.settings.server import ServerSettings

log = logging.getLogger(__name__)
STOP_TIMEOUT_S = 2.0
_RENEWAL_EVERY_S = 60.0


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {host}:{port}: {error.strerror}; give another port with --port"
        ) from error
    listener.listen(128)
    return listener


class WebServer:
    """uvicorn in a thread, by HTTPS where a certificate is set; a context manager that stops it.

    It logs no request, since addresses of one-time links are secrets, and believes no forwarded header: what
    proxies say is for the application to judge.
    """

    def __init__(self, app: FastAPI, listener: socket.socket, server: ServerSettings | None = None) -> None:
        server = server or ServerSettings()
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            lifespan="off",
            ssl_certfile=server.tls_certificate,
            ssl_keyfile=server.tls_key,
        )
        self._server = uvicorn.Server(config)
        self._config = config
        self._listener = listener
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="web", daemon=True
        )
        self._threads = [self._thread]
        if server.tls_certificate is not None and server.tls_key is not None:
            watch = partial(self._take_renewed, Renewal(server.tls_certificate, server.tls_key))
            self._threads.append(threading.Thread(target=watch, name="certificate", daemon=True))

    def __enter__(self) -> "WebServer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop taking requests and end the thread."""
        self._server.should_exit = True
        self._stopped.set()
        self._thread.join(STOP_TIMEOUT_S)
        self._listener.close()

    def _take_renewed(self, renewal: Renewal) -> None:
        while not self._stopped.wait(_RENEWAL_EVERY_S):
            servers = getattr(self._server, "servers", None)
            if self._config.ssl is not None and servers:
                # In the loop that shakes hands: none sees the new certificate with the old one's key.
                look = partial(renewal.look, self._config.ssl, SystemClock().now_ms())
                with suppress(RuntimeError):  # it has ended meanwhile
                    servers[0].get_loop().call_soon_threadsafe(look)


def warn_of_end(server: ServerSettings, clock: Clock) -> None:
    """Log a warning where the certificate is over soon."""
    if server.tls_certificate is None:
        return
    ends = ends_soon(server.tls_certificate, clock.now_ms())
    if ends is not None:
        log.warning("%s ends at %s; renew it", server.tls_certificate, ends)
