"""A double of InfluxDB 2.9.1, in front of a real 1.6.7: the answers of 2.x, the data of a real server.

What it answers was learnt from recorded exchanges with a real 2.9.1, each of which
tests/contract/storage/test_influx2_answers.py replays: organisations, tokens, buckets, deletes and refusals
are answered here; points are kept, and questions answered, by the 1.6.7, in which each bucket is a database.
"""

import gzip
import http.client
import json
import re
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from helpers.influx2_state import Answer, Bucket, State, Token, id_of, org_shown

from storage.series.influx.http import InfluxConnection
from storage.series.influx.probe import PROBES
from storage.series.influx.setup import set_up
from storage.series.store_url import InfluxAddress

OPERATOR, ALL, BUCKETS = "TOKEN-OPERATOR", "TOKEN-ALL", "TOKEN-BUCKETS"
READ, WRITE = "TOKEN-READ", "TOKEN-WRITE"
VERSION = "v2.9.1"
_TAIL = r"(?:\\.|[^\s,=\\])+"
_VALUE = r'(?:"(?:\\.|[^"\\])*"|[^\s,="]+)'
_LINE = re.compile(
    rf"(?:\\.|[^\s,\\])+(?:,{_TAIL}={_TAIL})* {_TAIL}={_VALUE}(?:,{_TAIL}={_VALUE})*(?: -?\d+)?"
)
_QUALIFIED = re.compile(r'(?i)(\bFROM\s+)"([^"]+)"\."([^"]+)"')
_SHARDS = 168


@dataclass(frozen=True)
class Request:
    """One request; `asked` are the parameters of its address and of its form, one value each."""

    method: str
    path: str
    asked: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer: `kind` is its content type, `code` the platform's error code."""

    status: int
    body: str = ""
    kind: str = "application/json; charset=utf-8"
    code: str = ""


class Influx2:
    """The double; `backend` is the port of the 1.6.7. Counts the requests to each path in `requests`."""

    def __init__(self, backend: int) -> None:
        self.state = State(
            orgs=["org1"],
            tokens={
                OPERATOR: Token("org1", operator=True),
                ALL: Token("org1"),
                BUCKETS: Token("org1"),
                READ: Token("org1", write=False, make=False),
                WRITE: Token("org1", read=False, make=False),
            },
        )
        self.requests: list[Request] = []
        self._backend = backend
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60
            disable_nagle_algorithm = True

            def _take(self) -> None:
                request = _request(self)
                double.requests.append(request)
                try:
                    reply = double.reply(request)
                except Answer as answer:
                    said = json.dumps({"code": answer.code, "message": answer.message})
                    reply = Reply(answer.status, said, code=answer.code)
                except (OSError, http.client.HTTPException):
                    self.close_connection = True  # as if the server itself had gone
                    return
                self._send(reply)

            def _send(self, reply: Reply) -> None:
                self.send_response(reply.status)
                self.send_header("X-Influxdb-Build", "OSS")
                self.send_header("X-Influxdb-Version", VERSION)
                if reply.code:
                    self.send_header("X-Platform-Error-Code", reply.code)
                body = reply.body.encode()
                if reply.status != 204:
                    self.send_header("Content-Type", reply.kind)
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if reply.status != 204:
                    self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = _take  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    def address(self, bucket: str = "fleet", org: str = "org1", token: str = ALL) -> InfluxAddress:
        """Where a bucket is."""
        return InfluxAddress("127.0.0.1", self.http.server_port, False, token, org, bucket)

    def bucket_for(self, folder: Path) -> InfluxAddress:
        """Make the bucket that belongs to a folder, if it is not there: a fresh folder, a fresh bucket."""
        address = self.address("b" + id_of(str(folder)))
        with closing(InfluxConnection(address, compress=False)) as connection:
            set_up(connection, None)
        return address

    def begin(self) -> None:
        """Make the first bucket, as the real server's own set-up does."""
        self.make("org1", "first")

    def make(self, org: str, name: str) -> None:
        """Make a bucket."""
        self._ask(f'CREATE DATABASE "{self.state.make_bucket(org, name, []).database}"')

    def remove(self, org: str, name: str) -> None:
        """Remove a bucket."""
        self._remove(self.state.buckets[org, name])

    def write(self, org: str, name: str, lines: str) -> None:
        """Write lines of ms precision, as another client would."""
        asked = {"org": org, "bucket": name, "precision": "ms"}
        self._write(Request("POST", "/api/v2/write", asked, {}, lines.encode()), self.state.tokens[OPERATOR])

    def points(self, org: str, name: str) -> int:
        """Return how many points a bucket holds but for probes."""
        answer = self._ask("SELECT * FROM /.*/", self.state.buckets[org, name])
        series = json.loads(answer)["results"][0].get("series", [])
        return sum(len(each["values"]) for each in series if each["name"] != PROBES)

    def close(self) -> None:
        """Remove what the server behind holds of it."""
        for bucket in list(self.state.buckets.values()):
            self._remove(bucket)

    def sent(self, path: str) -> list[Request]:
        """Return the requests to a path."""
        return [request for request in self.requests if request.path == path]

    def reply(self, request: Request) -> Reply:  # noqa: PLR0911 - one for each address
        """Return the answer to a request. Raises Answer."""
        path = request.path
        if path == "/ping":
            return Reply(204)
        if path == "/health":
            told = {"name": "influxdb", "message": "ready for queries and writes", "status": "pass"}
            return Reply(200, json.dumps(told | {"checks": [], "version": VERSION, "commit": "none"}))
        if path == "/ready":
            return Reply(200, json.dumps({"status": "ready", "started": "", "up": ""}))
        sent = request.headers.get("Authorization", "").removeprefix("Token ")
        token = self.state.token(sent, "Unauthorized" if path == "/query" else "unauthorized access")
        if path == "/query":
            return self._query(request, token)
        if path == "/api/v2/write":
            return self._write(request, token)
        if path == "/api/v2/delete":
            return self._delete_v2(request, token)
        if path == "/api/v2/orgs":
            return self._orgs(request, token)
        if path.startswith("/api/v2/buckets"):
            return self._buckets(request, token)
        raise Answer(404, "not found", "path not found")

    def _orgs(self, request: Request, token: Token) -> Reply:
        if request.method == "POST":
            if not token.operator:
                raise Answer(401, "unauthorized", "write:orgs is unauthorized")
            self.state.orgs.append(json.loads(request.body)["name"])
            return Reply(201, json.dumps(org_shown(self.state.orgs[-1])))
        seen = self.state.orgs if token.operator else []
        if "org" in request.asked:
            asked = self.state.org(request.asked["org"])
            seen = [org for org in seen if org == asked]
        return Reply(
            200, json.dumps({"links": {"self": _own(request)}, "orgs": [org_shown(org) for org in seen]})
        )

    def _buckets(self, request: Request, token: Token) -> Reply:
        named = unquote(request.path.removeprefix("/api/v2/buckets").strip("/"))
        if request.method == "POST":
            asked = json.loads(request.body)
            org = self.state.org(asked["orgID"])
            if not token.make or not (token.operator or token.org == org):
                raise Answer(401, "unauthorized", f"write:orgs/{id_of(org)}/buckets is unauthorized")
            bucket = self.state.make_bucket(org, asked["name"], asked.get("retentionRules", []))
            self._ask(f'CREATE DATABASE "{bucket.database}"')
            return Reply(201, json.dumps(bucket.shown()))
        if not named:
            return self._find_buckets(request, token)
        (bucket,) = [each for each in self.state.buckets.values() if each.id == named]
        if request.method == "PATCH":
            self.state.change_retention(bucket, json.loads(request.body)["retentionRules"])
            return Reply(200, json.dumps(bucket.shown()))
        if request.method == "DELETE":
            self._remove(bucket)
            return Reply(204)
        return Reply(200, json.dumps(bucket.shown()))

    def _find_buckets(self, request: Request, token: Token) -> Reply:
        asked = request.asked
        org = self.state.org(asked.get("orgID") or asked.get("org") or token.org)
        if "name" in asked:
            found = [self.state.bucket(token, org, asked["name"])]
        else:
            found = self.state.seen(token, org)
        links = {"self": _own(request, descending="false", offset="0")}
        return Reply(200, json.dumps({"links": links, "buckets": [bucket.shown() for bucket in found]}))

    def _remove(self, bucket: Bucket) -> None:
        del self.state.buckets[bucket.org, bucket.name]
        self._ask(f'DROP DATABASE "{bucket.database}"')

    def _write(self, request: Request, token: Token) -> Reply:
        org = self.state.org(request.asked["org"])
        bucket = self.state.bucket(token, org, request.asked["bucket"])
        if not token.write:
            raise Answer(403, "forbidden", "insufficient permissions for write")
        lines = request.body
        if request.headers.get("Content-Encoding") == "gzip":
            try:
                lines = gzip.decompress(lines)
            except (OSError, EOFError) as error:
                said = "An internal error has occurred - check server logs"
                raise Answer(500, "internal error", said) from error
        if not lines.strip():
            return Reply(204)
        for line in lines.decode().splitlines():
            if line and not _LINE.fullmatch(line):
                self._put(bucket, line.encode(), request)  # it says what is wrong with it, and keeps nothing
        self._put(bucket, lines, request)
        return Reply(204)

    def _put(self, bucket: Bucket, lines: bytes, request: Request) -> None:
        names = {"db": bucket.database, "precision": request.asked.get("precision", "ns")}
        status, body = self._pass_on("POST", f"/write?{urlencode(names)}", lines)
        if status == 204:
            return
        said = json.loads(body)["error"]
        if said.startswith("partial write"):
            raise Answer(422, "unprocessable entity", f"failure writing points to database: {said}")
        raise Answer(400, "invalid", said)

    def _delete_v2(self, request: Request, token: Token) -> Reply:
        bucket = self.state.bucket(token, self.state.org(request.asked["org"]), request.asked["bucket"])
        asked = json.loads(request.body)
        (measurement,) = re.findall(r'_measurement="([^"]+)"', asked["predicate"])
        where = f"time >= '{asked['start']}' AND time <= '{asked['stop']}'"
        self._ask(f'DELETE FROM "{measurement}" WHERE {where}', bucket)
        return Reply(204)

    def _query(self, request: Request, token: Token) -> Reply:
        """Answer InfluxQL: it looks in the token's organisation, and its errors are in an answer of 200."""
        as_csv = request.headers.get("Accept") == "application/csv"
        asked = request.asked
        try:
            said = self._answer(asked["q"], asked.get("db", ""), asked.get("rp", ""), token, as_csv)
        except LookupError as error:
            said = json.dumps({"results": [{"statement_id": 0, "error": str(error.args[0])}]}) + "\n"
            if as_csv:
                said = ""
        return Reply(200, said, "application/csv" if as_csv else "application/json")

    def _answer(  # noqa: PLR0911 - one for each statement
        self, query: str, database: str, policy: str, token: Token, as_csv: bool
    ) -> str:
        word, *_ = verb = query.upper().split()
        if verb[:2] == ["SHOW", "DATABASES"]:
            names = dict.fromkeys(
                bucket.name.partition("/")[0] for bucket in self.state.seen(token, token.org)
            )
            return _table(["name"], [[name] for name in names], name="databases")
        if verb[:3] == ["SHOW", "RETENTION", "POLICIES"]:
            return self._policies(token, database)
        if verb[:2] in (["CREATE", "DATABASE"], ["CREATE", "RETENTION"], ["ALTER", "RETENTION"]):
            raise LookupError(f"not implemented: {' '.join(verb[:2])}")
        qualified = _QUALIFIED.search(query)
        named = qualified[2] if qualified else ("" if word == "DELETE" else policy)
        query = _QUALIFIED.sub(r'\1"\3"', query)
        if word == "DELETE":
            return self._delete(query, database, named, token)
        if verb[:2] == ["SHOW", "MEASUREMENTS"]:
            try:
                bucket = self._bucket_of(token, database, named)
            except LookupError:
                return '{"results":[{"statement_id":0}]}\n'
            return self._ask(query, bucket)
        if word in {"SELECT", "SHOW"}:
            return self._ask(query, self._bucket_of(token, database, named), as_csv)
        return self._ask(query)

    def _delete(self, query: str, database: str, policy: str, token: Token) -> str:
        try:
            bucket = self._bucket_of(token, database, policy)
        except LookupError as error:
            named = f"db={database}, rp={policy}"
            raise LookupError(
                f"no dbrp mappings found: {named}, please check to make sure db and rp exist"
            ) from error
        if not token.write:
            raise LookupError("insufficient permissions")
        answer = self._ask(query, bucket)
        return answer if "error" in json.loads(answer)["results"][0] else "{}\n"

    def _bucket_of(self, token: Token, database: str, policy: str) -> Bucket:
        """Return the bucket of a database and policy in the token's organisation. Raises LookupError."""
        seen = {bucket.name: bucket for bucket in self.state.seen(token, token.org)} if token.read else {}
        if not any(name.partition("/")[0] == database for name in seen):
            raise LookupError(f"database not found: {database}")
        name = f"{database}/{policy}" if policy and policy != "autogen" else database
        if name not in seen and policy:
            raise LookupError(f"retention policy not found: {policy}")
        if name not in seen:
            raise LookupError(f"default retention policy not set for: {database}")
        return seen[name]

    def _policies(self, token: Token, database: str) -> str:
        rows = []
        for bucket in self.state.seen(token, token.org):
            name, _, policy = bucket.name.partition("/")
            if name == database:
                rows.append(
                    [policy or "autogen", _duration(bucket.retention_s), f"{_SHARDS}h0m0s", 1, not policy]
                )
        return _table(["name", "duration", "shardGroupDuration", "replicaN", "default"], rows)

    def _ask(self, query: str, bucket: Bucket | None = None, as_csv: bool = False) -> str:
        names = {"epoch": "ms", "q": query} | ({"db": bucket.database} if bucket else {})
        accept = {"Accept": "application/csv" if as_csv else "application/json"}
        form = accept | {"Content-Type": "application/x-www-form-urlencoded"}
        status, body = self._pass_on("POST", "/query", urlencode(names).encode(), form)
        if status == 400:
            said = json.loads(body)["error"].replace("error parsing query", "failed to parse query")
            raise Answer(400, "invalid", said)
        # 1.6.7 ends an answer with an empty line more than 2.9.1.
        return re.sub(r"\n+\Z", "\n", body) if body.strip() else ""

    def _pass_on(
        self, method: str, path: str, body: bytes, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        upstream = http.client.HTTPConnection("127.0.0.1", self._backend, timeout=60)
        try:
            upstream.request(method, path, body, headers or {})
            answer = upstream.getresponse()
            return answer.status, answer.read().decode()
        finally:
            upstream.close()


def _request(handler: BaseHTTPRequestHandler) -> Request:
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    parts = urlsplit(handler.path)
    asked = parse_qs(parts.query)
    if handler.headers.get("Content-Type") == "application/x-www-form-urlencoded":
        asked |= parse_qs(body.decode())
    first = {name: values[0] for name, values in asked.items()}
    return Request(handler.command, parts.path, first, dict(handler.headers), body)


def _own(request: Request, **more: str) -> str:
    asked = request.asked | more
    if "name" in asked:
        asked = {"bucket": asked["name"], "limit": "20"} | asked
        del asked["name"]
    return f"{request.path}?{urlencode(sorted(asked.items()))}" if asked else request.path


def _table(columns: list[str], rows: list[list[Any]], **more: str) -> str:
    series = {**more, "columns": columns, "values": rows}
    result = {"statement_id": 0} | ({"series": [series]} if rows else {})
    return json.dumps({"results": [result]}) + "\n"


def _duration(seconds: int) -> str:
    return f"{seconds // 3600}h0m0s" if seconds else "0s"
