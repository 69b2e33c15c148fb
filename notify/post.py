"""The threads that send: a few for each channel, so that one that hangs holds up nobody but itself."""

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag
from threading import Lock, Thread
from types import TracebackType

from fleet.errors import StoreUnavailable
from fleet.notices import ChannelKind
from notify.sender import Sender

log = logging.getLogger(__name__)
LOOK_S = 1.0
"""How soon what another process wrote, or what is due again, is seen; what this one wrote is seen at once."""
_AT_ONCE = 3
"""So many destinations of one channel are served at a time."""
_STOP_S = 2.0


class Post:
    """Sends whatever is due while it is open; a context manager that starts and stops the threads."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._ending = Flag()
        self._wake = Flag()
        self._lock = Lock()
        self._under_way: set[int] = set()
        self._pools: dict[ChannelKind, ThreadPoolExecutor] = {}
        self._thread = Thread(target=self._run, name="notices", daemon=True)

    def __enter__(self) -> "Post":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._wake.set()
        self._thread.join(_STOP_S)
        for pool in self._pools.values():
            # What hangs is left to itself: its lease ends, and another start sends it under the same key.
            pool.shutdown(wait=False, cancel_futures=True)

    def wake(self) -> None:
        """Look at once: something was written."""
        self._wake.set()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait(LOOK_S)
            self._wake.clear()
            try:
                self._serve()
            except StoreUnavailable as error:
                log.warning("notices: %s; looking again", error)
                self._ending.wait(LOOK_S)
            except Exception:
                log.exception("notices: a look at the outbox failed")
                self._ending.wait(LOOK_S)

    def _serve(self) -> None:
        for destination, channel in self._sender.due():
            with self._lock:
                if self._ending.is_set() or destination in self._under_way:
                    continue
                self._under_way.add(destination)
            self._pool(channel).submit(self._send, destination)

    def _pool(self, channel: ChannelKind) -> ThreadPoolExecutor:
        if channel not in self._pools:
            self._pools[channel] = ThreadPoolExecutor(_AT_ONCE, f"notices by {channel}")
        return self._pools[channel]

    def _send(self, destination: int) -> None:
        try:
            self._sender.send_to(destination)
        except StoreUnavailable as error:
            log.warning("notices: %s; its lease ends, and they are sent again", error)
        except Exception:
            log.exception("notices: sending failed")
        finally:
            with self._lock:
                self._under_way.discard(destination)
