"""Where the broker is: `mqtt://user:pass@host:port` or `mqtts://…`."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from fleet.errors import ConfigError

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker's address, taken apart."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool

    @classmethod
    def parse(cls, url: str) -> "BrokerAddress":
        """Return the address in a URL. Raises ConfigError, naming what is allowed."""
        allowed = "mqtt://[user:password@]host[:port] or mqtts://…"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"broker URL {url!r} is not usable: {error}; allowed: {allowed}") from error
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigError(f"broker URL {url!r} is not usable; allowed: {allowed}")
        return cls(
            host=parts.hostname,
            port=_PORTS[parts.scheme] if port is None else port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=parts.scheme == "mqtts",
        )
