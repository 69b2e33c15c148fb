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
        were, now = _watching(found.get(device_id)), _watching(track)
        for rule in were:
            if rule not in now:
                self._devices[rule].discard(device_id)
        for rule in now:
            if rule not in were:
                self._devices.setdefault(rule, set()).add(device_id)
        if track is None:
            found.pop(device_id, None)
        else:
            found[device_id] = track

    def of_rule(self, rule: str, fault: str) -> list[Track]:
        """Return the tracks of one rule for one fault."""
        found = self._by_fault.get(fault, {})
        its = (found[device] for device in self._devices.get(rule, ()) if device in found)
        return [track for track in its if track.alert.rule == rule]

    def wait_beside(self, track: Track, rule: str, since: int) -> None:
        """Note that a rule holds for an alert of another since an event time; an earlier one stays."""
        if track.beside is None:
            track.beside = {}
        track.beside.setdefault(rule, since)
        device_id, fault = key_of(track.alert)
        if self.get(device_id, fault) is track:
            self._devices.setdefault(rule, set()).add(device_id)

    def leave(self, track: Track, rule: str) -> None:
        """Forget that a rule held for an alert of another."""
        if track.beside and track.beside.pop(rule, None) is not None:
            self._devices.get(rule, set()).discard(track.alert.device_id)

    @property
    def devices(self) -> Mapping[str, set[str]]:
        """The devices with an open alert, by the rule that raised it or waits to join it."""
        return self._devices


def _watching(track: Track | None) -> tuple[str, ...]:
    """Return the rules that must see readings of a track's device."""
    if track is None:
        return ()
    return (track.alert.rule, *track.beside) if track.beside else (track.alert.rule,)
