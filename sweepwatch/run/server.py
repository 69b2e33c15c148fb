"""Serves the API and the console from a thread, on a port that is taken before anything else starts."""

import socket
import threading
from types import TracebackType

import uvicorn
from fastapi import FastAPI

from fleet.errors import PortTaken

STOP_TIMEOUT_S = 2.0


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
    """uvicorn in a thread; a context manager that stops it."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=1, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="web", daemon=True
        )

    def __enter__(self) -> "WebServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop taking requests and end the thread."""
        self._server.should_exit = True
        self._thread.join(STOP_TIMEOUT_S)
        self._listener.close()
