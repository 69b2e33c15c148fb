"""What a foreign fleet sends over MQTT: its info, and its readings as a backlog of arrays."""

from collections.abc import Iterator

import orjson

from benchmarks.harness.foreign_fleet import ForeignFleet

_READINGS_A_MESSAGE = 100


def messages(fleet: ForeignFleet) -> Iterator[tuple[str, bytes]]:
    """Return topics and payloads, device by device: whoever judges must not depend on their order."""
    frame = fleet.batch.frame.drop("received", "site")
    sent = [name for name in frame.columns if frame[name].null_count() < frame.height]
    for (device,), rows in frame.select(sent).group_by("device_id", maintain_order=True):
        name = str(device)
        topic = f"sweepwatch/v1/{fleet.sites[name]}/robot/{name}"
        yield f"{topic}/info", orjson.dumps({"model": fleet.models[name]})
        for piece in rows.drop("device_id").iter_slices(_READINGS_A_MESSAGE):
            readings = [
                {key: value for key, value in row.items() if value is not None}
                for row in piece.iter_rows(named=True)
            ]
            yield f"{topic}/telemetry", orjson.dumps(readings)
