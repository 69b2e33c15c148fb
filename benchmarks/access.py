"""What the doors cost: `python -m benchmarks.access [--json FILE]`.

`check_ms`: what it adds to a request to know who asks, where they may, and that it is not too often. Who it
is was looked up before, as from one request of a page to the next; `check_cold_ms` is with the look-up.
`sign_in_ms`: from an address and a password to the cookie, in CPU, so that what else runs does not
count; `sign_in_wall_ms` is the time that it took.
`import_cpu_s_100000`: CPU of this process for a file of 100,000 devices, with their credentials and the book
with which a broker starts; what the broker takes is beside it.
Medians. Exits with 1 when a figure is over its limit.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from starlette.requests import Request

from access.devices.at_broker import PluginBroker
from access.devices.authority import Authority
from access.devices.book import document
from access.devices.credentials import DeviceDoors
from access.devices.importing import read_devices
from access.sessions import Browser
from api.doors import SeesFleet, visitor_of
from api.services import ApiServices
from benchmarks.harness.report import hand_over
from fleet.clock import SystemClock
from fleet.device_doors import Wanted
from fleet.grants import Role
from fleet.people import RoleAt
from fleet.principals import schedule
from storage.records.database import DeskDatabase
from sweepwatch.data_folder import open_data_folder
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import build
from sweepwatch.wiring_api import build_api

MUST = {"check_ms": 0.2, "sign_in_ms": 300.0, "import_cpu_s_100000": 60.0}
DEVICES = 100_000
_AT_ONCE = 10_000
_CHECKS, _COLD, _SIGN_INS = 2_000, 200, 9
_EMAIL, _PASSWORD = "bench@example.org", "four words that belong to nothing"


def measure(folder: Path) -> dict[str, float | None]:
    """Return the figures, of an installation of its own in `folder`."""
    with closing(open_data_folder(folder)) as data:
        services = build(Settings(data=folder), data, SystemClock())
        with closing(services):
            app = build_api(services, None, dict)
            mine: ApiServices = app.state.services
            doors = mine.doors
            by = schedule("benchmark")
            _, link = doors.people.invite(_EMAIL, "Bench", [RoleAt(Role.MANAGER)], by)
            person = doors.people.set_password(link, _PASSWORD)
            browser = Browser("benchmark", "127.0.0.1")
            cookie = doors.sessions.begin(person, browser)
            return {
                "check_ms": _check_ms(mine, cookie, _CHECKS, forget=False),
                "check_cold_ms": _check_ms(mine, cookie, _COLD, forget=True),
                **_sign_in_ms(lambda: doors.sessions.sign_in(_EMAIL, _PASSWORD, browser)),
                "import_cpu_s_100000": import_cpu_s(services.desk, folder, DEVICES),
            }


def _check_ms(services: ApiServices, cookie: str, times: int, *, forget: bool) -> float:
    needs: Callable[..., Any] = SeesFleet.__metadata__[0].dependency
    headers = [(b"host", b"127.0.0.1:8000"), (b"cookie", f"sweepwatch_8000={cookie}".encode())]

    def check() -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": "/api/v1/devices",
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        services.rates.request_from("127.0.0.1")
        needs(visitor_of(Request(scope), services))

    return _median_ms(check, times, services.doors.forget if forget else lambda: None)


def _sign_in_ms(sign_in: Callable[[], object]) -> dict[str, float]:
    cpu, wall = [], []
    for _ in range(_SIGN_INS):
        begun = process_time(), perf_counter()
        sign_in()
        cpu.append((process_time() - begun[0]) * 1000)
        wall.append((perf_counter() - begun[1]) * 1000)
    return {
        "sign_in_ms": round(statistics.median(cpu), 1),
        "sign_in_wall_ms": round(statistics.median(wall), 1),
    }


def _median_ms(call: Callable[[], object], times: int, before: Callable[[], object] = lambda: None) -> float:
    taken = []
    for _ in range(times):
        before()
        begun = perf_counter()
        call()
        taken.append((perf_counter() - begun) * 1000)
    return round(statistics.median(taken), 4)


def import_cpu_s(desk: DeskDatabase, folder: Path, devices: int) -> float:
    """Return the CPU seconds of importing devices from a file, and of the book with which a broker starts."""
    broker = PluginBroker(lambda: None)  # of so many it is told by a book
    doors = DeviceDoors(desk, SystemClock(), Authority(folder / "ca"), broker)
    lines = ["id,site,kind,model,serial\n"]
    lines += [f"R{n:06d},s{n % 50},robot,CR-200,SN{n:06d}\n" for n in range(devices)]
    begun = process_time()
    new = read_devices(lines)
    for at in range(0, devices, _AT_ONCE):
        doors.add(new[at : at + _AT_ONCE], Wanted(), schedule("benchmark"))
    users = doors.users()
    (folder / "dynamic-security.json").write_bytes(document([], users, open_to_all=False))
    doors.note_book_read(users)
    return round(process_time() - begun, 1)


def missed(figures: dict[str, float | None]) -> list[str]:
    """Return what is over its limit."""
    return [
        f"{name}: {value} > {MUST[name]}"
        for name, value in figures.items()
        if name in MUST and value is not None and value > MUST[name]
    ]


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder))
    wrong = missed(figures)
    result = {**figures, "must": MUST, "load_average": round(os.getloadavg()[0], 1), "missed": wrong}
    return hand_over(result, wrong, arguments.json)


if __name__ == "__main__":
    sys.exit(main())
