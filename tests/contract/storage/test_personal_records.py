"""What is personal goes from the desk by age and by device, on either kind of database."""

from fleet.clock import DAY_MS
from fleet.signals import Kind
from storage.records.database import DeskDatabase
from storage.records.device_events import newest_events
from storage.records.devices import Devices, Placement, ReportedEvent
from storage.records.dropped_values import DroppedValue, DroppedValues
from storage.records.erasures import add_erasure, erasures_to_do, store_is_done
from storage.records.personal import erase_device, find_personal, forget_older
from storage.records.quarantine import Evidence, Quarantine

NOW = 100 * DAY_MS
TOPIC = "sweepwatch/v1/s1/{}/{}/telemetry"


def furnish(desk: DeskDatabase) -> None:
    kinds = {"W1": Kind.WRISTBAND, "W2": Kind.WRISTBAND, "R1": Kind.ROBOT}
    Devices(desk).register({name: Placement("s1", kind) for name, kind in kinds.items()}, NOW)
    for device, kind in kinds.items():
        for at in (NOW - 31 * DAY_MS, NOW - DAY_MS):
            payload = f"{device} {at}".encode()
            Quarantine(desk).add([Evidence(TOPIC.format(kind, device), device, "bad_json", "", payload, at)])
            Devices(desk).record_events(
                [ReportedEvent(device, at, "sos", {"lat": 31.25, "part": "strap"}, at)]
            )
        DroppedValues(desk).add([DroppedValue(device, "lat", "out_of_range", "99", 1, at, at)])
    Quarantine(desk).add([Evidence("a/strangers", None, "bad_json", "", b"?", NOW - 31 * DAY_MS)])


def quarantined(desk: DeskDatabase) -> list[tuple[str | None, int]]:
    return sorted((one.device_id or "?", one.last_seen // DAY_MS) for one in Quarantine(desk).find().items)


def details(desk: DeskDatabase, device: str) -> list[object]:
    with desk.transaction() as session:
        return [one.detail for one in newest_events(session, device, 9)]


def test_by_age_it_goes_from_wristbands_and_strangers_alone(desk: DeskDatabase) -> None:
    furnish(desk)
    with desk.transaction() as session:
        assert forget_older(session, NOW - 30 * DAY_MS, NOW) == 5
    with desk.transaction() as session:
        assert forget_older(session, NOW - 30 * DAY_MS, NOW) == 0
    desk.let_go()
    assert quarantined(desk) == [("R1", 69), ("R1", 99), ("W1", 99), ("W2", 99)]
    whole, plain = {"lat": 31.25, "part": "strap"}, {"part": "strap", "withheld": True}
    assert (details(desk, "W1"), details(desk, "R1")) == ([whole, plain], [whole, whole])


def test_by_device_it_goes_from_that_one_in_that_span(desk: DeskDatabase) -> None:
    furnish(desk)
    span = (NOW - 2 * DAY_MS, NOW)
    with desk.transaction() as session:
        held = find_personal(session, "W1", *span)
        assert [len(held[name]) for name in ("quarantine", "device_events", "dropped_values")] == [1, 1, 1]
        erasure = add_erasure(session, "W1", *span, NOW)
        assert erase_device(session, "W1", *span) == 3
    with desk.transaction() as session:
        assert [one.id for one in erasures_to_do(session, 2**45)] == [erasure.id]
        store_is_done(session, erasure.id, NOW)
        assert erase_device(session, "W1", *span) == 0
    with desk.transaction() as session:
        assert (list(erasures_to_do(session, 2**45)), len(erasures_to_do(session, NOW))) == ([], 1)
    assert [day for name, day in quarantined(desk) if name == "W1"] == [69]
    assert {one.device_id for one in DroppedValues(desk).find().items} == {"W2", "R1"}
