"""Who sees what wristbands tell of the people who wear them: the safety role of that site alone."""

from access.doors import Visitor
from api.services import ApiServices
from fleet.devices import Device
from fleet.grants import Permission
from fleet.personal import personal_signals


def hidden_signals(services: ApiServices, visitor: Visitor, device: Device) -> frozenset[str]:
    """Return the signals of a device that a visitor may not see; a look at those they may is told the log."""
    personal = personal_signals(device.kind)
    if not personal:
        return frozenset()
    sites = visitor.principal.reach(Permission.PERSONAL_READ)
    if sites is not None and device.site not in sites:
        return personal
    services.doors.looks.looked(visitor.principal, device.id, device.site)
    return frozenset()
