"""The time of a demo on a fast clock: it stands, runs, goes on, and is refused beside real devices."""

import json
from pathlib import Path
from time import sleep
from types import SimpleNamespace
from typing import Any, cast

import pytest
from helpers.batches import batch_of
from helpers.fresh_desk import fresh_desk
from helpers.publishing import wait_until

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, FastClock, ManualClock
from fleet.errors import ConfigError
from fleet.signals import Kind
from storage.records.devices import Devices, Placement
from sweepwatch.run.demo_time import FILE, DemoTime, check_devices, check_speed
from sweepwatch.settings.settings import load_settings

NOW = 1_795_334_400_000


def settings(**flags: Any) -> Any:
    return load_settings(None, {}, {name.replace("__", "."): value for name, value in flags.items()})


class Seconds:
    def __init__(self) -> None:
        self.now = 5.0

    def __call__(self) -> float:
        return self.now


def test_a_fast_clock_stands_until_it_is_started_and_after_it_is_stopped() -> None:
    seconds = Seconds()
    clock = FastClock(1000, NOW, seconds)
    seconds.now += 60
    assert clock.now_ms() == NOW
    clock.start()
    seconds.now += 3.6
    assert clock.now_ms() == NOW + HOUR_MS
    clock.start()  # it runs already
    assert clock.now_ms() == NOW + HOUR_MS
    clock.stop()
    seconds.now += 60
    assert clock.now_ms() == NOW + HOUR_MS
    clock.start()
    seconds.now += 3.6
    assert clock.now_ms() == NOW + 2 * HOUR_MS


def test_a_clock_that_is_held_waits_and_makes_up_for_a_minute_of_it_by_going_faster() -> None:
    seconds = Seconds()
    clock = FastClock(1000, NOW, seconds)
    clock.start()
    clock.hold(NOW + HOUR_MS)
    seconds.now += 60
    assert clock.now_ms() == NOW + HOUR_MS
    clock.hold(NOW + 10 * HOUR_MS)
    assert clock.now_ms() == NOW + HOUR_MS
    seconds.now += 3.6
    assert clock.now_ms() == NOW + 2.25 * HOUR_MS
    clock.hold(NOW)
    assert clock.now_ms() == NOW + 2.25 * HOUR_MS, "it never goes back"
    clock.hold(NOW + 9 * DAY_MS)
    before = clock.now_ms()
    for _ in range(100):
        seconds.now += 3.6
        clock.now_ms()
    assert clock.now_ms() - before == 100 * HOUR_MS + 55_500 * SECOND_MS, "56.4 s it stood, .9 are made good"


def folder(tmp_path: Path) -> Any:
    (tmp_path / "simulator").mkdir(exist_ok=True)
    return cast(Any, SimpleNamespace(root=tmp_path))


def time_of(tmp_path: Path, now: int, **flags: Any) -> DemoTime | None:
    return DemoTime.of(settings(**flags), folder(tmp_path), ManualClock(now))


def test_time_goes_on_where_it_was_over_restarts_also_at_the_usual_pace(tmp_path: Path) -> None:
    assert time_of(tmp_path, NOW) is None
    first = time_of(tmp_path, NOW, simulator__speed=1000)
    assert first is not None and first.clock.now_ms() == NOW
    with first:
        first.clock = FastClock(1000, NOW + 7 * DAY_MS)
    again = time_of(tmp_path, NOW + HOUR_MS, simulator__speed=10)
    assert again is not None and (again.clock.now_ms(), again.clock.speed) == (NOW + 7 * DAY_MS, 10)
    usual = time_of(tmp_path, NOW + HOUR_MS)
    assert usual is not None and (usual.clock.now_ms(), usual.clock.speed) == (NOW + 7 * DAY_MS, 1)
    assert time_of(tmp_path, NOW + 8 * DAY_MS) is None  # the machine's clock has come there
    later = time_of(tmp_path, NOW + 8 * DAY_MS, simulator__speed=10)
    assert later is not None and later.clock.now_ms() == NOW + 8 * DAY_MS
    assert time_of(tmp_path, NOW, simulator__enabled=False) is None


def test_after_a_crash_nothing_is_dated_before_what_was(tmp_path: Path) -> None:
    time = time_of(tmp_path, NOW, simulator__speed=1000)
    assert time is not None
    time.begin()
    try:
        kept = tmp_path / "simulator" / FILE
        while not kept.exists():
            pass
        assert json.loads(kept.read_text())["ms"] > time.clock.now_ms()
    finally:
        time.__exit__()
    assert json.loads(kept.read_text())["ms"] == time.clock.now_ms()


def test_time_waits_for_what_was_judged_and_for_people_who_should_act(tmp_path: Path) -> None:
    time = time_of(tmp_path, NOW, simulator__speed=2000)
    assert time is not None
    row = {"device_id": "robot-001", "site": "s", "ts": NOW + HOUR_MS, "battery_pct": 50.0}
    with time:
        time.heard(batch_of([row], Kind.ROBOT))
        time.wait_for(lambda: NOW + 2 * HOUR_MS)
        time.begin()
        wait_until(lambda: time.clock.now_ms() >= NOW + HOUR_MS, 20)
        wait_until(lambda: stands(time), 20)
        assert time.clock.now_ms() == NOW + HOUR_MS + 15 * MINUTE_MS
        time.heard(batch_of([row | {"ts": NOW + DAY_MS}], Kind.ROBOT))
        wait_until(lambda: time.clock.now_ms() == NOW + 2 * HOUR_MS + 100 * MINUTE_MS, 20)


def stands(time: DemoTime) -> bool:
    before = time.clock.now_ms()
    sleep(0.1)
    return time.clock.now_ms() == before


@pytest.mark.parametrize(
    "flags", [{"broker__url": "mqtt://127.0.0.1:1883"}, {"simulator__enabled": False}], ids=["broker", "real"]
)
def test_speed_is_refused_where_others_live_by_the_clock(flags: dict[str, Any]) -> None:
    check_speed(settings(**flags))
    with pytest.raises(ConfigError, match=r"simulator.speed = 1000: allowed: 1 with(out)?"):
        check_speed(settings(simulator__speed=1000, **flags))


def test_speed_is_refused_beside_real_devices(tmp_path: Path) -> None:
    desk = fresh_desk(tmp_path / "desk.sqlite")
    try:
        Devices(desk).register(
            {"robot-001": Placement("s", Kind.ROBOT), "real": Placement("s", Kind.ROBOT)}, NOW
        )
        check_devices(settings(), desk, frozenset())
        check_devices(settings(simulator__speed=2), desk, frozenset({"robot-001", "real"}))
        with pytest.raises(ConfigError, match="real is no simulated device"):
            check_devices(settings(simulator__speed=2), desk, frozenset({"robot-001"}))
    finally:
        desk.close()


@pytest.mark.parametrize("speed", [0.5, 2001])
def test_a_speed_that_cannot_be_is_refused_with_what_is_allowed(speed: float) -> None:
    with pytest.raises(ConfigError, match="simulator.speed"):
        settings(simulator__speed=speed)
