"""The open alerts that an engine follows, by device and fault."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from alerts.judging.decisions import Track
from fleet.alerts import Alert

Key = tuple[str, str]
"""Device and fault: at most one open alert each."""


def key_of(alert: Alert) -> Key:
    """Return the key under which an alert is followed."""
    return alert.device_id, alert.fault


class Tracks:
    """A mapping from key to track that also answers which devices a rule has an open alert for."""

    def __init__(self, tracks: Iterable[Track] = ()) -> None:
        self._by_fault: dict[str, dict[str, Track]] = {}
        self._devices: dict[str, set[str]] = {}
        for track in tracks:
            self.put(key_of(track.alert), track)

    def __iter__(self) -> Iterator[Track]:
        return chain.from_iterable(found.values() for found in self._by_fault.values())

    def get(self, device_id: str, fault: str) -> Track | None:
        """Return the track of a device and fault, if there is one."""
        found = self._by_fault.get(fault)
        return None if found is None else found.get(device_id)

    def put(self, key: Key, track: Track | None) -> None:
        """Follow a track from now on; None: follow nothing under this key."""
        device_id, fault = key
        found = self._by_fault.setdefault(fault, {})
        before = found.get(device_id)
        was = None if before is None else before.alert.rule
        rule = None if track is None else track.alert.rule
        if was is not None and was != rule:
            self._devices[was].discard(device_id)
        if rule is not None and was != rule:
            self._devices.setdefault(rule, set()).add(device_id)
        if track is None:
            found.pop(device_id, None)
        else:
            found[device_id] = track

    def of_rule(self, rule: str, fault: str) -> list[Track]:
        """Return the tracks of one rule for one fault."""
        found = self._by_fault.get(fault, {})
        return [found[device] for device in self._devices.get(rule, ()) if device in found]

    @property
    def devices(self) -> Mapping[str, set[str]]:
        """The devices that have an open alert, by the rule that raised it."""
        return self._devices
