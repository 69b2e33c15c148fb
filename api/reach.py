"""How browsers reach the server: by which names, through which proxies, by HTTP or HTTPS."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Reach:
    """How the server is reached.

    `names` are those that it answers to, `*.` at the begin of one stands for one label. What `proxies` say of
    those behind them is believed, in RFC 7239's header with `rfc7239`, else in the X-Forwarded ones. `secure`
    tells that browsers come by HTTPS whatever a request looks like. `public_url` is where links begin, None
    where nobody said.
    """

    names: frozenset[str] = LOOPBACK
    proxies: tuple[Network, ...] = ()
    rfc7239: bool = False
    secure: bool = False
    public_url: str | None = None

    def answers_to(self, host: str | None) -> bool:
        """Tell whether a name, in lower case, is one of the server's."""
        if not host:
            return False
        return host in self.names or f"*.{host.partition('.')[2]}" in self.names

    def trusts(self, address: str) -> bool:
        """Tell whether an address is that of a proxy whose words are believed."""
        plain = plain_address(address)
        return plain is not None and any(ip_address(plain) in network for network in self.proxies)


def plain_address(text: str) -> str | None:
    """Return an address as it is compared and kept; None for what is none.

    Ports and brackets are taken off, and an IPv4 address that came as IPv6 is one of IPv4.
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def names_in_words(names: Collection[str]) -> str:
    """Return the names of the server for a message, those of this machine first."""
    shown = [*sorted(LOOPBACK & set(names)), *sorted(set(names) - LOOPBACK)]
    shown = [f"[{name}]" if ":" in name else name for name in shown]
    return ", ".join(shown[:-1]) + f" and {shown[-1]}" if len(shown) > 1 else "".join(shown)
