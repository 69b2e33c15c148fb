"""Parts that run apart: where their files are, what they tell of themselves, and whose desk they have."""

import builtins
import json
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from helpers.batches import batch_of
from helpers.fresh_desk import fresh_desk
from helpers.running import free_port
from prometheus_client import CollectorRegistry

from fleet.errors import ConfigError, PortTaken
from fleet.signals import STANDARD_SIGNALS, Kind
from models.registry.files import DeskFiles, FolderFiles
from storage.records.database import open_desk
from storage.records.devices import Devices, Placement
from storage.series.duckdb.store import DuckDbStore
from sweepwatch.model_files import model_files
from sweepwatch.run.health import HealthServer
from sweepwatch.run.strangers import Strangers
from sweepwatch.settings.desk import DeskSettings
from sweepwatch.settings.settings import ModelsSettings, Settings, StoreSettings
from sweepwatch.wiring import uses_folder

INFLUX = StoreSettings(url="influxdb://t@h:8086/o/b")
SERVER = DeskSettings(url="postgresql+psycopg://u:p@h/d")


def test_the_folder_is_locked_only_where_something_is_in_it() -> None:
    assert uses_folder(Settings())
    assert uses_folder(Settings(store=INFLUX))
    assert uses_folder(Settings(desk=SERVER))
    assert not uses_folder(Settings(store=INFLUX, desk=SERVER))


def test_model_files_are_where_all_reach_them(tmp_path: Path) -> None:
    desk = fresh_desk(tmp_path / "desk.db")
    assert isinstance(model_files(Settings(), desk, tmp_path), FolderFiles)
    assert isinstance(model_files(Settings(desk=SERVER), desk, tmp_path), DeskFiles)
    assert isinstance(model_files(Settings(models=ModelsSettings(store="desk")), desk, tmp_path), DeskFiles)
    mounted = Settings(desk=SERVER, models=ModelsSettings(store=str(tmp_path / "mounted")))
    model_files(mounted, desk, tmp_path).write("f/a.skops", b"x")
    assert (tmp_path / "mounted" / "f" / "a.skops").exists()
    desk.close()


def test_a_desk_that_does_not_know_the_stores_devices_is_told(tmp_path: Path) -> None:
    desk, store = fresh_desk(tmp_path / "d"), DuckDbStore.open(tmp_path / "s", STANDARD_SIGNALS)
    strangers = Strangers(store, desk)
    strangers.look()
    assert strangers.trouble() is None
    store.write(batch_of([{"device_id": "r1", "ts": 1, "battery_pct": 1.0}]))
    strangers.look()
    assert "SWEEPWATCH_DESK_URL" in str(strangers.trouble())
    assert "r1" in str(strangers.trouble())
    Devices(desk).register({"r1": Placement("s1", Kind.ROBOT)}, 1)
    strangers.look()
    assert strangers.trouble() is None
    assert strangers.notice() is None
    store.close()
    desk.close()


def asked(port: int, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_health_says_what_is_lacking() -> None:
    wrong: dict[str, str | None] = {"store": None, "desk": None}
    port = free_port()
    with HealthServer(port, lambda: wrong, CollectorRegistry()):
        assert asked(port, "/healthz") == (200, '{"status": "ok"}')
        assert json.loads(asked(port, "/readyz")[1])["status"] == "ready"
        wrong["desk"] = "away"
        status, body = asked(port, "/readyz")
        assert (status, json.loads(body)["components"]) == (503, {"store": "ok", "desk": "away"})
        assert asked(port, "/metrics")[0] == 200
        assert asked(port, "/api/v1/ingest/ledger")[0] == 404
        with pytest.raises(PortTaken, match=str(port)):
            HealthServer(port, lambda: wrong, CollectorRegistry())


def test_a_missing_driver_names_its_extra_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("psycopg"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'sweepwatch\[postgres\]'") as told:
        open_desk("postgresql+psycopg://u:secret@h/d")
    assert "secret" not in str(told.value)
