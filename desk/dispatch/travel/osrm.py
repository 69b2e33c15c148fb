"""Travel from the table service of an OSRM server (`/table/v1`), with another source to fall back on."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from desk.dispatch.travel.port import Floats, Travel, TravelMatrix, check_hour, check_positions
from fleet.visiting import Position

MOST_AT_ONCE = 100
"""Coordinates in one question: what `osrm-routed` takes without being told otherwise (--max-table-size)."""


class _Unusable(Exception):
    """The server's answer cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Osrm:
    """The ways that a server tells; where it does not answer as it should, those of `otherwise`, and why.

    The hour makes no difference to OSRM. A pair that it answers with null has no way.
    """

    url: str
    otherwise: Travel
    profile: str = "driving"
    timeout_s: float = 10.0

    def matrix(self, positions: Sequence[Position], hour: int) -> TravelMatrix:
        """Return the ways between positions for departures in an hour of the local day."""
        check_hour(hour)
        places = check_positions(positions)
        try:
            seconds, metres = self._asked(places)
        except _Unusable as error:
            found = self.otherwise.matrix(positions, hour)
            return TravelMatrix(places, found.seconds, found.metres, found.source, f"osrm: {error}")
        return TravelMatrix(places, seconds, metres, "osrm")

    def _asked(self, places: Sequence[Position]) -> tuple[Floats, Floats]:
        """Ask block by block, so that a table of any size keeps to what a server takes at once."""
        import httpx2

        seconds, metres = (np.zeros((len(places), len(places))) for _ in range(2))
        blocks = list(_blocks(len(places), MOST_AT_ONCE // 2))
        with httpx2.Client(timeout=self.timeout_s) as client:
            for rows in blocks:
                for columns in blocks:
                    told = self._table(client, places, rows, columns)
                    shape = np.ix_(rows, columns)
                    seconds[shape] = _matrix(told, "durations", len(rows), len(columns))
                    metres[shape] = _matrix(told, "distances", len(rows), len(columns))
        return seconds, metres

    def _table(self, client: Any, places: Sequence[Position], rows: range, columns: range) -> dict[str, Any]:
        import httpx2

        asked = [*rows] if rows == columns else [*rows, *columns]
        place_of = {place: at for at, place in enumerate(asked)}
        # OSRM takes longitude before latitude.
        where = ";".join(f"{places[each][1]:.6f},{places[each][0]:.6f}" for each in asked)
        more = {
            "annotations": "duration,distance",
            "sources": ";".join(str(place_of[each]) for each in rows),
            "destinations": ";".join(str(place_of[each]) for each in columns),
        }
        try:
            answer = client.get(f"{self.url.rstrip('/')}/table/v1/{self.profile}/{where}", params=more)
            told = json.loads(answer.content)
        except httpx2.TimeoutException as error:
            raise _Unusable(f"no answer within {self.timeout_s:g} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _Unusable(f"not reached: {error}") from error
        except ValueError as error:
            raise _Unusable(f"answered {answer.status_code} with what is no JSON") from error
        if not isinstance(told, dict) or told.get("code") != "Ok":
            code = told.get("code", "nothing") if isinstance(told, dict) else "nothing"
            raise _Unusable(f"answered {answer.status_code} {code}")
        return told


def _matrix(told: dict[str, Any], name: str, rows: int, columns: int) -> Floats:
    """Return one table of an answer with NaN for null. Raises _Unusable."""
    try:
        found = np.asarray(told[name], dtype=np.float64)  # null becomes NaN
    except (KeyError, TypeError, ValueError) as error:
        raise _Unusable(f"answered without a table of {name}") from error
    if found.shape != (rows, columns) or np.nanmin(found, initial=0.0) < 0:
        raise _Unusable(f"answered with {name} of the shape {found.shape}")
    return found


def _blocks(count: int, size: int) -> Iterator[range]:
    for first in range(0, count, size):
        yield range(first, min(first + size, count))
