"""Where messages may go: addresses that people enter must not lead into the network that we stand in."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = ip_network("64:ff9b::/96")
_OLD_COMPATIBLE = ip_network("::/96")


class ForbiddenTarget(OSError):
    """A name leads to an address of this machine or of a private network, and that is not allowed."""


def check_targets(addresses: Iterable[str]) -> None:
    """Raise ForbiddenTarget where one of a host's addresses is not of the public internet.

    One is enough: whoever answers for the name chooses which of them is tried.
    """
    for each in addresses:
        if not is_public(each):
            raise ForbiddenTarget("it leads to this machine or to a private network")


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, those that it may hold included."""
    one = ip_address(address.partition("%")[0])
    return all(each.is_global and not each.is_multicast for each in (one, *_inside(one)))


def _inside(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return []
    found = [each for each in (address.ipv4_mapped, address.sixtofour) if each is not None]
    found += address.teredo or ()
    if address in _NAT64 or address in _OLD_COMPATIBLE:
        found.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return found
