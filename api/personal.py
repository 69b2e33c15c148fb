"""Who sees what wristbands tell of the people who wear them: the safety role of that site alone."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from access.doors import Visitor
from api.services import ApiServices
from fleet.alerts import Alert
from fleet.devices import Device
from fleet.grants import Permission
from fleet.personal import (
    is_bodily,
    is_personal,
    may_be_of_a_person,
    personal_signals,
    plain_detail,
    plain_evidence,
)
from fleet.tickets import Ticket
from storage.records.devices import Devices, ReportedEvent
from storage.records.dropped_values import DroppedValue
from storage.records.quarantine import QuarantineItem
from storage.records.topics_beside import TopicBeside

UNKNOWN = "?"
"""Whose data were looked at where no known device sent them."""
HIDDEN = ""
"""What stands in place of a payload, its explanation, or an example that somebody may not see."""


def hidden_signals(services: ApiServices, visitor: Visitor, device: Device) -> frozenset[str]:
    """Return the signals of a device that a visitor may not see; a look at those they may is told the log."""
    personal = personal_signals(device.kind)
    if not personal or Sight(services, visitor).sees(device.id, device.site):
        return frozenset()
    return personal


class Sight:
    """What one visitor sees of people. What is shown is told the log before; else it is taken out.

    May raise StoreUnavailable: then nothing is shown.
    """

    def __init__(self, services: ApiServices, visitor: Visitor) -> None:
        self._services = services
        self._visitor = visitor
        self._sites = visitor.principal.reach(Permission.PERSONAL_READ)

    def sees(self, device_id: str, site: str) -> bool:
        """Tell whether a visitor sees what a wristband of a site tells; the look is told the log."""
        if self._sites is not None and site not in self._sites:
            return False
        self._services.doors.looks.looked(self._visitor.principal, device_id, site)
        return True

    def alerts(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Return alerts as the visitor sees them: without what their evidence quotes of others."""
        found = list(alerts)
        hidden = self._hidden(
            {one.device_id for one in found if plain_evidence(one.evidence) != one.evidence}
        )
        return [
            replace(one, evidence=plain_evidence(one.evidence)) if one.device_id in hidden else one
            for one in found
        ]

    def tickets(self, tickets: Iterable[Ticket]) -> list[Ticket]:
        """Return cases as the visitor sees them: without what the evidence of their suspicions quotes."""
        found = list(tickets)
        quoting = {
            one.device_id
            for one in found
            for each in one.suspicions
            if plain_evidence(each.evidence) != each.evidence
        }
        hidden = self._hidden(quoting)
        return [_without_quotes(one) if one.device_id in hidden else one for one in found]

    def shows_files(self, ticket: Ticket) -> bool:
        """Tell whether a visitor sees a case's files: of a worker's they are as what the wristband tells."""
        return not self._hidden({ticket.device_id})

    def events(self, device: Device, events: Sequence[ReportedEvent]) -> list[ReportedEvent]:
        """Return what a device told of as the visitor sees it: of a person without its details."""
        if not is_personal(device.kind):
            return list(events)
        quoting = any(plain_detail(one.detail) != one.detail for one in events)
        if not quoting or self.sees(device.id, device.site):
            return list(events)
        return [replace(one, detail=plain_detail(one.detail)) for one in events]

    def quarantined(self, items: Sequence[QuarantineItem]) -> list[QuarantineItem]:
        """Return messages that were turned away; of wristbands, and of nobody known, what they are alone."""
        known = Devices(self._services.desk).placements({one.device_id for one in items if one.device_id})
        bodily = {one.device_id for one in items if one.device_id in known and is_bodily(one.payload)}
        personal = {device for device, place in known.items() if is_personal(place.kind)}
        hidden = {each for each in bodily | personal if not self.sees(each, known[each].site)}

        def hides(one: QuarantineItem) -> bool:
            if one.device_id in personal or (one.device_id in bodily and is_bodily(one.payload)):
                return one.device_id in hidden
            return one.device_id not in known and self._hides_strangers(one.topic, one.payload)

        return [
            replace(one, payload=b"", detail=HIDDEN, withheld=True) if hides(one) else one for one in items
        ]

    def dropped(self, items: Sequence[DroppedValue]) -> list[DroppedValue]:
        """Return dropped values; of wristbands without the example."""
        hidden = self._hidden({one.device_id for one in items})
        return [
            replace(one, example=HIDDEN, withheld=True) if one.device_id in hidden else one for one in items
        ]

    def beside(self, items: Sequence[TopicBeside]) -> list[TopicBeside]:
        """Return topics beside ours; what came on them is of nobody known, and so may be of a person."""
        return [
            replace(one, payload=b"", withheld=True) if self._hides_strangers(one.topic, one.payload) else one
            for one in items
        ]

    def _hides_strangers(self, topic: str, payload: bytes) -> bool:
        """Tell whether what nobody known sent is hidden: it may be any site's, so it asks for all of them."""
        if not may_be_of_a_person(topic, payload):
            return False
        if self._sites is not None:
            return True
        self._services.doors.looks.looked(self._visitor.principal, UNKNOWN, "")
        return False

    def _hidden(self, devices: Collection[str]) -> set[str]:
        """Return of which devices the visitor may not see personal data; looks at the others are told."""
        places = Devices(self._services.desk).placements(devices) if devices else {}
        return {
            device
            for device, place in places.items()
            if is_personal(place.kind) and not self.sees(device, place.site)
        }


def _without_quotes(ticket: Ticket) -> Ticket:
    suspicions = tuple(replace(each, evidence=plain_evidence(each.evidence)) for each in ticket.suspicions)
    return replace(ticket, suspicions=suspicions)
