"""How the server is reached, by its settings: refused before it listens where that would be careless."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from time import monotonic
from urllib.parse import urlsplit

from access.people import People
from access.rates import RateLimits, Rates
from api.reach import LOOPBACK, Reach
from fleet.errors import ConfigError
from sweepwatch.run.certificates import check_certificate
from sweepwatch.settings.server import ServerSettings, is_loopback


def reach_of(server: ServerSettings, now: int) -> Reach:
    """Return how the server is reached. Raises ConfigError where nobody should reach it so."""
    certified: frozenset[str] = frozenset()
    if server.tls_certificate is not None and server.tls_key is not None:
        certified = check_certificate(server.tls_certificate, server.tls_key, now)
    elif server.tls_certificate is not None or server.tls_key is not None:
        lacking = "tls_key" if server.tls_key is None else "tls_certificate"
        raise ConfigError(f"server.{lacking}: required too; HTTPS needs a certificate and its key")
    tls = server.tls_certificate is not None
    if not is_loopback(server.host) and not tls and not server.trusted_proxies:
        raise ConfigError(
            f"server.host = {server.host}: beyond this machine it is served by HTTPS alone; set "
            "server.tls_certificate and server.tls_key, or name the proxy that does it in "
            "server.trusted_proxies and its address in server.public_url"
        )
    public = urlsplit(server.public_url or "")
    if public.scheme == "http" and (tls or not is_loopback(public.hostname or "")):
        raise ConfigError(
            f"server.public_url = {server.public_url}: beyond this machine, and with a certificate, "
            "it begins with https://"
        )
    if server.trusted_proxies and not public.hostname:
        raise ConfigError(
            "server.public_url: required with server.trusted_proxies; it is the address that browsers use, "
            "such as https://sweepwatch.example"
        )
    own = frozenset() if _is_any(server.host) else frozenset({server.host.lower()})
    named = frozenset(server.hosts) | ({public.hostname} if public.hostname else frozenset())
    names = LOOPBACK | own | named | certified
    if not is_loopback(server.host) and names == LOOPBACK:
        raise ConfigError(
            f"server.host = {server.host}: by which name do browsers reach it? The certificate has none; "
            "set server.public_url, such as https://sweepwatch.example"
        )
    return Reach(
        names=names,
        proxies=tuple(ip_network(proxy) for proxy in server.trusted_proxies),
        rfc7239=server.forwarded == "forwarded",
        secure=tls or public.scheme == "https",
        public_url=server.public_url,
    )


def require_admin(server: ServerSettings, people: People) -> None:
    """Raise ConfigError where others could reach a server that nobody can let them into."""
    if is_loopback(server.host) or people.have_admin():
        return
    raise ConfigError(
        f"server.host = {server.host}: there is no admin yet, and the link for the first one is for this "
        "machine alone; start it on 127.0.0.1 once and follow the link, or run "
        "`sweepwatch people invite EMAIL NAME --role admin`, and then start it so"
    )


def rates_of(server: ServerSettings, now: Callable[[], float] = monotonic) -> Rates:
    """Return how often each may ask."""
    limits = RateLimits(server.requests_per_minute, server.sign_ins_per_minute, server.refusals_per_minute)
    return Rates(limits, now)


def address_of(server: ServerSettings) -> str:
    """Return the address of the console as people enter it, with a slash at its end."""
    if server.public_url is not None:
        return f"{server.public_url}/"
    scheme = "http" if server.tls_certificate is None else "https"
    host = next(iter(server.hosts), "127.0.0.1") if _is_any(server.host) else server.host
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{server.port}/"


def _is_any(host: str) -> bool:
    return host != "localhost" and ip_address(host).is_unspecified
