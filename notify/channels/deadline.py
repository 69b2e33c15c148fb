"""A deadline over everything that a delivery does on the network, however slowly the other side goes."""

import socket
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Lock, Thread, Timer
from time import monotonic
from types import TracebackType
from typing import Any

PATIENCE_S = 15.0
"""How long handing over one message takes at most."""


class Deadline:
    """A context manager: when its time is up, the connections that it watches are shut down.

    Time limits of a socket count from the last byte; a server that sends one byte now and then would keep us
    for ever. `sent` is set once a message begins to leave: from then on it may have been taken.
    """

    def __init__(self, seconds: float = PATIENCE_S) -> None:
        self.seconds = seconds
        self.sent = False
        self._end = monotonic() + seconds
        self._watched: list[socket.socket] = []
        self._lock = Lock()
        self._timer = Timer(seconds, self._shut_down)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for each in self._watched:
                each.close()
            self._watched.clear()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return monotonic() >= self._end

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError where none are."""
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError("the time is up")
        return left

    def watch(self, connection: socket.socket) -> None:
        """Shut a connection down when the time is up; TLS may be laid over it later."""
        copy = connection.dup()  # of the same connection: it stays where TLS takes over the first
        with self._lock:
            self._watched.append(copy)

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host. Raises OSError, TimeoutError.

        Names are looked up beside us, since nothing else can end that in time.
        """
        found: SimpleQueue[list[Any] | OSError] = SimpleQueue()
        Thread(target=_look_up, args=(host, port, found), name="look up", daemon=True).start()
        try:
            answer = found.get(timeout=self.left())
        except Empty:
            raise TimeoutError("its name was not found in time") from None
        if isinstance(answer, OSError):
            raise answer
        return list(dict.fromkeys(str(each[4][0]) for each in answer))

    def _shut_down(self) -> None:
        with self._lock:
            for each in self._watched:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it ended by itself


def _look_up(host: str, port: int, found: "SimpleQueue[list[Any] | OSError]") -> None:
    try:
        found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError as error:
        found.put(error)
    except UnicodeError:
        found.put(OSError("its name is none"))
