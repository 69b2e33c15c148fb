"""Which devices exist and where they belong, as the ingester holds it in memory."""

from collections.abc import Callable, Collection

from fleet.signals import Kind
from fleet.wire import Reason, Topic, topic_of
from ingest.messages import Refusal
from storage.records.devices import Placement

LookUp = Callable[[Collection[str]], dict[str, Placement]]
_LOOK_AGAIN_MS = 5_000


class Roster:
    """Decides whether a device may speak from where it speaks; new ones wait in `pending` to be stored.

    A device that the desk moved is found by looking there again when site or kind do not match, at most
    every five seconds a device, so that a stream of mismatches costs no stream of queries.
    """

    def __init__(self, look_up: LookUp, *, open_registration: bool) -> None:
        self._look_up = look_up
        self._open = open_registration
        self._known: dict[str, Placement] = {}
        self._looked: dict[str, int] = {}
        self.pending: dict[str, Placement] = {}
        self.moves = 0
        """Counts how often a known device may have turned out to be elsewhere."""

    def load(self, placements: dict[str, Placement]) -> None:
        """Take the devices that the desk knows."""
        self._known = dict(placements)
        self.moves += 1

    def kind_of(self, device_id: str) -> Kind | None:
        """Return a known device's kind."""
        known = self._known.get(device_id)
        return known.kind if known else None

    def topic_of(self, device_id: str) -> str | None:
        """Return the topic on which a known device's telemetry is taken."""
        known = self._known.get(device_id)
        return topic_of(known.site, known.kind, device_id, "telemetry") if known else None

    def is_settled(self, topic: Topic) -> bool:
        """Tell whether the device is known to be where the topic says, so that `admit` would take it."""
        known = self._known.get(topic.device_id)
        return known is not None and known.site == topic.site and known.kind == topic.kind

    def look_ahead(self, device_ids: Collection[str], now: int) -> None:
        """Ask the desk about all of these that are not known, in one query instead of one each in `admit`.

        Raises StoreUnavailable when the desk does not answer.
        """
        strangers = [device for device in device_ids if device not in self._known]
        if strangers:
            self._known |= self._look_up(strangers)
            self._looked |= dict.fromkeys(strangers, now)

    def admit(self, topic: Topic, now: int) -> Refusal | None:
        """Return why a message of this topic is refused, or None; register its device where it is new.

        Raises StoreUnavailable when the desk must be asked and does not answer.
        """
        known = self._known.get(topic.device_id)
        if known is None or known.site != topic.site or known.kind != topic.kind:
            known = self._ask(topic.device_id, now) or known
        if known is None:
            return self._register(topic)
        if known.site != topic.site:
            return Refusal(Reason.SITE_MISMATCH, f"{topic.device_id} belongs to site {known.site}")
        if known.kind != topic.kind:
            return Refusal(Reason.KIND_MISMATCH, f"{topic.device_id} is a {known.kind}")
        return None

    def _ask(self, device_id: str, now: int) -> Placement | None:
        if device_id in self.pending or now - self._looked.get(device_id, -_LOOK_AGAIN_MS) < _LOOK_AGAIN_MS:
            return None
        if len(self._looked) > _MANY:  # the past is of no use beyond five seconds
            self._looked.clear()
        found = self._look_up([device_id]).get(device_id)
        self._looked[device_id] = now
        if found is not None:
            self.moves += self._known.get(device_id, found) != found
            self._known[device_id] = found
        return found

    def _register(self, topic: Topic) -> Refusal | None:
        if not self._open:
            return Refusal(
                Reason.UNREGISTERED, f"{topic.device_id} is not registered and registration is closed"
            )
        self._known[topic.device_id] = self.pending[topic.device_id] = Placement(topic.site, topic.kind)
        return None

    def confirm(self, placements: dict[str, Placement]) -> None:
        """Take the pending devices as they are stored now: another process may have been first."""
        self.moves += any(self._known.get(device, place) != place for device, place in placements.items())
        self._known |= placements
        self.pending.clear()


_MANY = 10_000
