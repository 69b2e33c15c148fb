"""Gives an InfluxDB 1.6, as Debian has it, the address `/api/v2/write` that 1.8, 2 and 3 have.

`python -m benchmarks.harness.influx_alias PORT` serves the InfluxDB at PORT on a port of its own, which it
prints: a process of its own, so that its time is nobody else's.
"""

import http.client
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

_TIMEOUT_S = 60
_HOP_BY_HOP = ("transfer-encoding", "content-length", "date", "connection")


def alias_server(port: int) -> ThreadingHTTPServer:
    """Return a server on a free port that passes all on to the InfluxDB at `port`; it is yours to run."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _alias_for(port))
    server.daemon_threads = True
    return server


def _alias_for(port: int) -> type[BaseHTTPRequestHandler]:
    """Return a handler that passes requests on as they are, but for the path and names of a v2 write."""

    class Alias(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _TIMEOUT_S
        disable_nagle_algorithm = True

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
            try:
                upstream.request(self.command, _mapped(self.path), body, headers)
                answer = upstream.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                self.close_connection = True  # as if the server itself had gone: no answer
                return
            finally:
                upstream.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = _pass_on  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Alias


def _mapped(path: str) -> str:
    """Return `/write?db=&precision=` for `/api/v2/write?org=&bucket=&precision=`; anything else as it is.

    In 1.8 a bucket is a database, or a database and a retention policy: `db/rp`.
    """
    parts = urlsplit(path)
    if parts.path != "/api/v2/write":
        return path
    asked = parse_qs(parts.query)
    database, _, policy = asked["bucket"][0].partition("/")
    names = {"db": database, "rp": policy, "precision": asked["precision"][0]}
    return "/write?" + urlencode({name: value for name, value in names.items() if value})


def main(port: int) -> None:
    """Serve until killed."""
    server = alias_server(port)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
