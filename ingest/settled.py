"""What topics were found to mean, so that it need not be found again with each message of a large fleet."""

from collections.abc import Sequence

from ingest.roster import Roster

ONE_BY_ONE = -1
Place = tuple[int, str, str]
"""The index of a kind of device, or ONE_BY_ONE; the device and its site."""
NOWHERE: Place = (ONE_BY_ONE, "", "")


class SettledTopics:
    """Topics of telemetry whose device is known to be where they say, and is not suspected of anything.

    There are no more of them than devices. As soon as the roster moves any device, all are forgotten.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._moves = roster.moves
        self._places: dict[str, Place] = {}

    def of(self, topics: Sequence[str]) -> list[Place]:
        """Return the place of each topic, NOWHERE where it must be looked at."""
        if self._moves != self._roster.moves:
            self._moves = self._roster.moves
            self._places.clear()
        return [NOWHERE if place is None else place for place in map(self._places.get, topics)]

    def add(self, topic: str, place: Place) -> None:
        """Remember a topic."""
        self._places[topic] = place

    def forget(self, topic: str) -> None:
        """Look at a topic again when it comes again."""
        self._places.pop(topic, None)
