"""Real receivers of notices on 127.0.0.1: HTTP that answers as providers do, and a server of mail.

Each can be told to refuse, to say an error inside a 200, to hang, to drip, to cut the connection.
"""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, TCPServer, ThreadingTCPServer
from threading import Event, Thread
from typing import Any

OK = {
    "dingtalk": {"errcode": 0, "errmsg": "ok"},
    "wecom": {"errcode": 0, "errmsg": "ok"},
    "feishu": {"code": 0, "data": {}, "msg": "success"},
    "slack": b"ok",
}


@dataclass
class Asked:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return its body, which is JSON."""
        return json.loads(self.body)


@dataclass
class HttpReceiver:
    """What it answers is `status`, `headers` and `body` (JSON-ready or bytes), or what `echo` makes.

    `how` is "answer", "hang", "drip" (one byte of the answer now and then, for ever) or "cut" (reads it all,
    and says nothing).
    """

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = b"ok"
    how: str = "answer"
    echo: Callable[[Asked], Any] | None = None
    asked: list[Asked] = field(default_factory=list)
    ending: Event = field(default_factory=Event)

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Keep a request and answer it."""
        length = int(handler.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(handler.path, headers, handler.rfile.read(length))
        self.asked.append(asked)
        handler.close_connection = True
        if self.how == "cut":
            return
        if self.how == "hang":
            self.ending.wait()
            return
        body = self.body if self.echo is None else self.echo(asked)
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        if self.how == "drip":
            self._drip(handler)
            return
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        with suppress(OSError):
            while not self.ending.wait(0.02):
                handler.wfile.write(b"x")
                handler.wfile.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away early is what tests are about."""


@contextmanager
def _serving(server: TCPServer, ending: Event) -> Iterator[None]:
    """Let a server answer from a thread of its own; what hangs is told by `ending` when it is over."""
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def http_receiver(
    certificate: ssl.SSLContext | None = None,
    port: int = 0,
    receiver: HttpReceiver | None = None,
    **how: Any,
) -> Iterator[HttpReceiver]:
    """Yield a receiver (`receiver` itself, where given); with a certificate by TLS, for localhost."""
    receiver = receiver or HttpReceiver(**how)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.handle(self)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name
            pass

    server = _Server(("127.0.0.1", port), Handler)
    scheme, host = "http", "127.0.0.1"
    if certificate is not None:
        server.socket = certificate.wrap_socket(server.socket, server_side=True)
        scheme, host = "https", "localhost"
    receiver.url = f"{scheme}://{host}:{server.server_port}"
    with _serving(server, receiver.ending):
        yield receiver


def free_port() -> int:
    """Return a port at which nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass
class MailReceiver:
    """A server of mail that speaks SMTP, STARTTLS and AUTH PLAIN.

    `replies` are what it says instead of yes to a verb (`MAIL`, `RCPT`, `DATA`, `.` for the end of a message,
    `AUTH`). `how` is "answer", "hang" (says nothing, not even a greeting), "drip", "cut" (takes a message and
    ends the connection).
    """

    port: int = 0
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    replies: dict[str, str] = field(default_factory=dict)
    how: str = "answer"
    sign_ins: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    ending: Event = field(default_factory=Event)

    @property
    def messages(self) -> list[EmailMessage]:
        """Return what was taken."""
        return [message_from_bytes(each, policy=policy.default) for each in self.raw]  # type: ignore[misc]


class _Smtp(StreamRequestHandler):
    server: "_MailServer"

    def handle(self) -> None:
        with suppress(OSError):
            self._serve(self.server.receiver)
        if self.connection is not self.request:  # TLS was laid over it
            self.connection.close()

    def _serve(self, receiver: MailReceiver) -> None:
        if receiver.how == "hang":
            receiver.ending.wait()
            return
        if receiver.how == "drip":
            while not receiver.ending.wait(0.02):
                self.wfile.write(b"2")
            return
        self.secure = receiver.implicit
        self._say("220 tests")
        while line := self.rfile.readline().decode("utf-8").strip():
            verb = line.split(" ")[0].upper()
            if verb == "QUIT":
                self._say("221 bye")
                return
            if not self._answer(receiver, verb, line):
                return

    def _answer(self, receiver: MailReceiver, verb: str, line: str) -> bool:
        if verb in receiver.replies:
            self._say(receiver.replies[verb])
        elif verb == "EHLO":
            offered = ["SMTPUTF8", "8BITMIME", "AUTH PLAIN"]
            offered += ["STARTTLS"] if receiver.tls is not None and not self.secure else []
            self._say("\r\n".join(["250-tests", *(f"250-{each}" for each in offered), "250 HELP"]))
        elif verb == "STARTTLS" and receiver.tls is not None:
            self._say("220 go ahead")
            self._lay_over(receiver.tls)
        elif verb == "AUTH":
            receiver.sign_ins.append(line)
            self._say("235 yes")
        elif verb == "DATA":
            return self._take(receiver)
        else:
            self._say("250 yes")
        return True

    def _lay_over(self, context: ssl.SSLContext) -> None:
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)  # type: ignore[assignment] # unbuffered, as it was
        self.secure = True

    def _take(self, receiver: MailReceiver) -> bool:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if line == b"":
            return False
        receiver.raw.append(b"".join(lines))
        receiver.over_tls.append(self.secure)
        if receiver.how == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            return False
        self._say(receiver.replies.get(".", "250 2.0.0 Ok: queued as 4F1A2B"))
        return True

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class _MailServer(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    receiver: MailReceiver

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.receiver.implicit and self.receiver.tls is not None:
            connection = self.receiver.tls.wrap_socket(connection, server_side=True)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that does not trust us is what tests are about."""


@contextmanager
def mail_receiver(port: int = 0, receiver: MailReceiver | None = None, **how: Any) -> Iterator[MailReceiver]:
    """Yield a server of mail (`receiver` itself, where given)."""
    receiver = receiver or MailReceiver(**how)
    server = _MailServer(("127.0.0.1", port), _Smtp)
    server.receiver = receiver
    receiver.port = int(server.server_address[1])
    with _serving(server, receiver.ending):
        yield receiver
