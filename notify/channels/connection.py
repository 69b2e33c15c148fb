"""Connections for HTTP: to addresses that were checked, and with no more time than the delivery has."""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2
from httpcore2 import NetworkBackend, NetworkStream, SyncBackend

from notify.channels.deadline import Deadline
from notify.channels.targets import check_targets


class Backend(NetworkBackend):
    """Connects to the addresses that were checked, so that a name cannot lead elsewhere meanwhile."""

    def __init__(self, deadline: Deadline, guarded: bool) -> None:
        self._deadline = deadline
        self._guarded = guarded
        self._sockets = SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """Return a connection to the first address of a host that answers."""
        addresses = self._deadline.addresses(host.strip("[]"), port)
        if self._guarded:
            check_targets(addresses)
        problem: Exception = OSError("it has no address")
        for each in addresses:
            try:
                stream = self._sockets.connect_tcp(each, port, self._deadline.left())
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                problem = error
                continue
            self._deadline.watch(stream.get_extra_info("socket"))
            return _Stream(stream, self._deadline)
        raise problem


class _Stream(NetworkStream):
    """A connection on which each step has only the time that is left."""

    def __init__(self, inner: NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._deadline.left()
        self._deadline.sent = True
        self._inner.write(buffer, left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
