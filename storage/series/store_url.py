"""Where the time-series store is: a URL, taken apart and checked."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fleet.errors import ConfigError
from fleet.secrecy import without_secrets

ALLOWED = "duckdb:///path, influxdb://token@host:port/org/bucket or influxdbs:// (TLS)"
_DEFAULT_PORT = 8086


@dataclass(frozen=True, slots=True)
class DuckDbAddress:
    """The file of an embedded store."""

    path: Path

    def __str__(self) -> str:
        return f"duckdb://{self.path}"


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """Where an InfluxDB is and what is ours in it.

    `token` is empty where the server asks for none; on 1.8 it is `user:password`, `bucket` is the database,
    and `org` may be anything.
    """

    host: str
    port: int
    tls: bool
    token: str = field(repr=False)
    org: str
    bucket: str

    @property
    def url(self) -> str:
        """The base of its HTTP addresses."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether it runs on this machine, so that compressing what we send gains nothing."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def __str__(self) -> str:  # fit for logs: without the token
        return f"influxdb{'s' if self.tls else ''}://{self.host}:{self.port}/{self.org}/{self.bucket}"


StoreAddress = DuckDbAddress | InfluxAddress


def parse_store_url(url: str) -> StoreAddress:
    """Take the URL of a store apart. Raises ConfigError that says what is wrong and what is allowed."""
    scheme, separator, rest = url.partition("://")
    if scheme == "duckdb" and rest.startswith("/") and rest != "/":
        return DuckDbAddress(Path(rest))
    if scheme in ("influxdb", "influxdbs") and separator:
        return _influx(url)
    raise ConfigError(f"store: {_hidden(url)} is no store; allowed: {ALLOWED}")


def _influx(url: str) -> InfluxAddress:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its text may hold a part of the password
        raise ConfigError(
            f"store: {_hidden(url)} is not a URL; its port is a number up to 65535, and in the token "
            "write %2F, %40, %3A, %3F and %23 for `/`, `@`, `:`, `?` and `#`"
        ) from None
    names = [unquote(name) for name in parts.path.strip("/").split("/")]
    if not parts.hostname or len(names) != 2 or not all(names) or parts.query or parts.fragment:
        raise ConfigError(
            f"store: {_hidden(url)} is not influxdb://token@host:port/org/bucket; in the token write "
            "%2F, %40, %3A and %23 for `/`, `@`, `:` and `#`"
        )
    given = [unquote(part) for part in (parts.username, parts.password) if part is not None]
    return InfluxAddress(
        host=parts.hostname,
        port=port or _DEFAULT_PORT,
        tls=parts.scheme == "influxdbs",
        token=":".join(given),
        org=names[0],
        bucket=names[1],
    )


def _hidden(url: str) -> str:
    """Return a URL for an error message, without what may be a password or a token."""
    return repr(without_secrets(url))
