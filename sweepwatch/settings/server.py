"""The settings of the API and the console: where it listens, how browsers reach it, how much it takes."""

import difflib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field, field_validator

from sweepwatch.settings.section import Section

_MOST_A_MINUTE = 10_000_000


def is_address(text: str) -> bool:
    """Tell whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches what listens on an address."""
    return host == "localhost" or (is_address(host) and ip_address(host).is_loopback)


def _parts(given: object) -> object:
    """Return what a variable holds, parts with commas between them, as a list."""
    if isinstance(given, str):
        return [part.strip() for part in given.split(",") if part.strip()]
    return given


Several = Annotated[tuple[str, ...], BeforeValidator(_parts)]
"""Several texts: a list in a file, with commas between them in a variable."""


def _listens_on(host: str) -> str:
    if host != "localhost" and not is_address(host):
        raise ValueError("allowed: an address such as 127.0.0.1, ::1, 0.0.0.0 or ::, or localhost")
    return host


class ServerSettings(Section):
    """The API and the console."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; not loopback once there is an admin, and TLS or a trusted proxy",
    )
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on")
    public_url: str | None = Field(
        None, description="Address by which browsers reach it, https://sweepwatch.example; links begin so"
    )
    hosts: Several = Field(
        (), description="More names that it answers to, beside those of public_url and the certificate"
    )
    tls_certificate: Path | None = Field(
        None, description="Certificate (PEM, with the chain); with tls_key it serves HTTPS"
    )
    tls_key: Path | None = Field(None, description="The certificate's key (PEM, no passphrase)")
    trusted_proxies: Several = Field(
        (), description="Addresses or networks of proxies whose forwarded headers are believed"
    )
    forwarded: Literal["x-forwarded", "forwarded"] = Field(
        "x-forwarded",
        description="Which headers they write: X-Forwarded-For, -Proto and -Host, or RFC 7239's Forwarded",
    )
    open_browser: bool = Field(
        True, description="`run` opens the one-time link where somebody sits before a browser"
    )
    requests_per_minute: int = Field(
        30_000,
        ge=0,
        le=_MOST_A_MINUTE,
        description="Requests of one person or token, and of one address, a minute; 0: no limit",
    )
    sign_ins_per_minute: int = Field(
        300,
        ge=0,
        le=_MOST_A_MINUTE,
        description="Sign-ins and one-time links tried from one address a minute; 0: no limit",
    )
    refusals_per_minute: int = Field(
        1_000,
        ge=0,
        le=_MOST_A_MINUTE,
        description="Tokens and sessions that are none, shown from one address a minute; 0: no limit",
    )
    upload_mb: int = Field(
        512,
        ge=1,
        le=102_400,
        description="The most that may be sent for one proof on a past (docs/prove.md), in MiB",
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="`run` and `serve` serve /healthz, /readyz and /metrics there too, without a token; "
        "0: not at all",
    )
    metrics_host: str = Field(
        "127.0.0.1",
        description="Address on which the metrics ports of all processes listen; whoever reaches it may read",
    )
    time_zone: str = Field(
        "UTC", description="Zone in which the console shows times, such as Asia/Shanghai; the API speaks UTC"
    )
    second_factor: Literal["optional", "required"] = Field(
        "optional", description="Whether everybody who signs in must show a code of a phone (TOTP) as well"
    )
    site_time_zones: dict[str, str] = Field(
        default_factory=dict,
        description="Zones of sites in others, in the file alone: [server.site_time_zones], by site",
    )

    @field_validator("host", "metrics_host")
    @classmethod
    def _listens(cls, host: str) -> str:
        return _listens_on(host)

    @field_validator("public_url")
    @classmethod
    def _is_a_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError("allowed: https://name or https://name:port")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("allowed: https://name or https://name:port; it cannot live under a path")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("hosts")
    @classmethod
    def _are_names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not host or any(part in host for part in "/@ *"):
                raise ValueError(f"{host!r} is no name; allowed: names such as sweepwatch.example")
        return tuple(host.lower() for host in hosts)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                network = ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy!r} is none; allowed: 10.0.0.5, 10.0.0.0/24, ::1") from None
            if network.prefixlen == 0:
                raise ValueError(f"{proxy!r} is everybody; allowed: the addresses of the proxies alone")
        return proxies

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, name: str) -> str:
        return _known_zone(name)

    @field_validator("site_time_zones")
    @classmethod
    def _zones_are_known(cls, zones: dict[str, str]) -> dict[str, str]:
        return {site: _known_zone(name) for site, name in zones.items()}


def _known_zone(name: str) -> str:
    zones = available_timezones()
    if name not in zones:
        near = ", ".join(difflib.get_close_matches(name, sorted(zones), 3, 0.5)) or "UTC, Asia/Shanghai"
        raise ValueError(f"{name!r} is no time zone; allowed are names such as {near}")
    return name
