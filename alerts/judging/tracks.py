"""The open alerts that an engine follows, by device and fault."""

from collections.abc import Iterable, Iterator, Mapping

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
        self._by_key: dict[Key, Track] = {}
        self._devices: dict[str, set[str]] = {}
        for track in tracks:
            self.put(key_of(track.alert), track)

    def __iter__(self) -> Iterator[Track]:
        return iter(self._by_key.values())

    def get(self, key: Key) -> Track | None:
        """Return the track of a key, if there is one."""
        return self._by_key.get(key)

    def put(self, key: Key, track: Track | None) -> None:
        """Follow a track from now on; None: follow nothing under this key."""
        before = self._by_key.get(key)
        was = None if before is None else before.alert.rule
        rule = None if track is None else track.alert.rule
        if was is not None and was != rule:
            self._devices[was].discard(key[0])
        if rule is not None and was != rule:
            self._devices.setdefault(rule, set()).add(key[0])
        if track is None:
            self._by_key.pop(key, None)
        else:
            self._by_key[key] = track

    def of_rule(self, rule: str, fault: str) -> list[Track]:
        """Return the tracks of one rule for one fault."""
        found = (self._by_key.get((device, fault)) for device in self._devices.get(rule, ()))
        return [track for track in found if track is not None]

    @property
    def devices(self) -> Mapping[str, set[str]]:
        """The devices that have an open alert, by the rule that raised it."""
        return self._devices
