"""A first start that was ended half-way can be repeated, wherever the stores are."""

from pathlib import Path

import pytest
from helpers.batches import batch_of
from helpers.influx2 import Influx2

from fleet.clock import ManualClock
from fleet.errors import DataFolderError
from fleet.signals import Kind
from storage.records.devices import Devices, Placement
from storage.series.store_url import InfluxAddress
from sweepwatch.data_folder import open_data_folder
from sweepwatch.run.unfinished import UnfinishedPast
from sweepwatch.settings.desk import DeskSettings
from sweepwatch.settings.settings import Settings, StoreSettings
from sweepwatch.wiring import Services, build

NOW = 1_763_800_000_000


def opened(data: Path, settings: Settings) -> Services:
    data.mkdir(exist_ok=True)
    return build(settings, open_data_folder(data), ManualClock(NOW))


def closed(services: Services) -> None:
    services.close()
    services.folder.close()


def url_of(address: InfluxAddress) -> str:
    return f"influxdb://{address.token}@{address.host}:{address.port}/{address.org}/{address.bucket}"


def interrupted(data: Path, settings: Settings) -> None:
    """Write a part of a past, and never end it."""
    services = opened(data, settings)
    services.folder.folder("simulator")
    UnfinishedPast(services.folder).begin(services)
    services.store.write(batch_of([{"device_id": "R1", "ts": NOW, "battery_pct": 1.0}]))
    Devices(services.desk).register({"R1": Placement(Kind.ROBOT, "s1")}, NOW)
    closed(services)


def discarded(data: Path, settings: Settings) -> bool:
    folder = open_data_folder(data)
    try:
        return UnfinishedPast(folder).discard(settings)
    finally:
        folder.close()


def test_it_is_taken_back_from_servers(influx2: Influx2, tmp_path: Path) -> None:
    desk = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    store = url_of(influx2.bucket_for(tmp_path))
    settings = Settings(data=tmp_path / "var", store=StoreSettings(url=store), desk=DeskSettings(url=desk))
    interrupted(tmp_path / "var", settings)
    assert discarded(tmp_path / "var", settings)
    again = opened(tmp_path / "var", settings)
    assert again.store.newest(Kind.ROBOT) == {}
    assert Devices(again.desk).placements(["R1"]) == {}
    closed(again)
    assert not discarded(tmp_path / "var", settings)


def test_a_store_that_it_was_not_written_to_is_left_alone(influx2: Influx2, tmp_path: Path) -> None:
    data = tmp_path / "var"
    interrupted(data, Settings(data=data))
    other = Settings(data=data, store=StoreSettings(url=url_of(influx2.bucket_for(tmp_path))))
    services = opened(data, other)
    services.store.write(batch_of([{"device_id": "R9", "ts": NOW, "battery_pct": 1.0}]))
    closed(services)
    assert discarded(data, other)
    again = opened(data, other)
    assert again.store.newest(Kind.ROBOT) == {"R9": NOW}
    closed(again)


def test_a_desk_that_held_devices_before_is_not_emptied(tmp_path: Path) -> None:
    data = tmp_path / "var"
    desk = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    settings = Settings(data=data, desk=DeskSettings(url=desk))
    services = opened(data, settings)
    Devices(services.desk).register({"R5": Placement(Kind.ROBOT, "s1")}, NOW)
    closed(services)
    interrupted(data, settings)
    with pytest.raises(DataFolderError, match="held devices before"):
        discarded(data, settings)
