"""Fields that another client wrote in a type that is not ours: their values are passed over, and told of."""

import logging
from time import monotonic

from fleet.personal import personal_signals
from fleet.signals import Form, Kind, SignalTable
from storage.series.influx import query as influxql
from storage.series.influx.apart import measurement_of, personal_measurement
from storage.series.influx.http import InfluxConnection

log = logging.getLogger(__name__)
_FITTING = {Form.BOOLEAN: {"boolean"}, Form.STATE: {"string"}, Form.TEXT: {"string"}}
_COUNT_AGAIN_S = 3_600.0
_NUMBERS = {"float", "integer", "unsigned"}


class Strays:
    """Looks at the types of fields. `counts` tells how many values of a kind, field and type are strays."""

    def __init__(self, connection: InfluxConnection, signals: SignalTable) -> None:
        self._connection = connection
        self._signals = signals
        self.counts: dict[tuple[Kind, str, str], int] = {}
        self._counted_s: dict[tuple[Kind, str, str], float] = {}

    def fields(self, kind: Kind) -> set[str]:
        """Return the fields that ever came: each that did not would cost as much to read as one that did."""
        personal = personal_signals(kind)
        found = {each for each in self._keys(str(kind)) if each[0] not in personal}
        if personal:
            found |= {each for each in self._keys(personal_measurement(kind)) if each[0] in personal}
        forms = {signal.name: signal.form for signal in self._signals.for_kind(kind)}
        for name, type_name in sorted(found):
            if name in forms and type_name not in _FITTING.get(forms[name], _NUMBERS):
                self._tell(kind, name, type_name)
        return {name for name, _ in found}

    def _keys(self, measurement: str) -> set[tuple[str, str]]:
        (result,) = self._connection.json(f"SHOW FIELD KEYS FROM {influxql.name_of(measurement)}")
        return {(str(row[0]), str(row[1])) for series in result.get("series", ()) for row in series["values"]}

    def _tell(self, kind: Kind, name: str, type_name: str) -> None:
        key = (kind, name, type_name)
        if monotonic() - self._counted_s.get(key, -_COUNT_AGAIN_S) < _COUNT_AGAIN_S:
            return  # it reads all there is
        self._counted_s[key] = monotonic()
        where = influxql.name_of(measurement_of(kind, name))
        query = f"SELECT count({influxql.name_of(name)}::{type_name}) FROM {where}"
        answer = self._connection.json(query)
        count = sum(int(row[1]) for series in answer[0].get("series", ()) for row in series["values"])
        if count and count != self.counts.get(key):
            log.warning(
                "%d values of %s of %s were written as %s by another client and are passed over",
                count,
                name,
                kind,
                type_name,
            )
        self.counts[key] = count
