"""Where an MQTT broker is: a URL, taken apart and checked."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from fleet.errors import ConfigError
from fleet.secrecy import without_secrets

_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who we are to it; `path` counts for WebSocket alone."""

    scheme: str
    host: str
    port: int
    username: str | None
    password: str | None = field(repr=False)
    path: str

    @property
    def websocket(self) -> bool:
        """Whether MQTT runs over a WebSocket."""
        return self.scheme in ("ws", "wss")

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("mqtts", "wss")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"  # fit for logs: without the password


def parse_broker_url(url: str) -> BrokerAddress:
    """Take `mqtt://user:pass@host:port` apart; also mqtts://, ws:// and wss:// (with a path).

    Raises ConfigError that says what is wrong and what is allowed.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its text may hold a part of the password
        raise ConfigError(
            f"broker: {_hidden(url)} is not a URL; its port is a number up to 65535, and in a password "
            "write %2F, %40, %3A, %3F and %23 for `/`, `@`, `:`, `?` and `#`"
        ) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ConfigError(
            f"broker: {_hidden(url)} is not mqtt://, mqtts://, ws:// or wss://[user:pass@]host[:port]"
        )
    if parts.path.strip("/") and not parts.scheme.startswith("ws"):
        raise ConfigError(f"broker: {_hidden(url)} has a path, which only ws:// and wss:// take")
    return BrokerAddress(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or _DEFAULT_PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        path=parts.path or "/mqtt",
    )


def _hidden(url: str) -> str:
    """Return a URL for an error message, without what may be a password or a token."""
    return repr(without_secrets(url))
