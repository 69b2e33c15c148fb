"""Travel: the great circle by the hour, a file, and OSRM's table service with what goes wrong there."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from desk.dispatch.travel.circle import CITY_KMH, Circle, great_circle_m
from desk.dispatch.travel.files import MatrixFile
from desk.dispatch.travel.osrm import MOST_AT_ONCE, Osrm
from desk.dispatch.travel.port import TravelMatrix
from fleet.errors import InvalidInput

SHANGHAI, SUZHOU = (31.2304, 121.4737), (31.2989, 120.5853)


def test_the_great_circle_is_as_long_as_known() -> None:
    # One degree of longitude on the equator of a sphere of 6,371.0088 km: 111.195 km.
    assert great_circle_m([(0.0, 0.0), (0.0, 1.0)])[0, 1] == pytest.approx(111_195, abs=1)
    assert great_circle_m([SHANGHAI, SUZHOU])[0, 1] == pytest.approx(84_800, rel=0.01)
    assert great_circle_m([(0.0, 0.0), (0.0, 180.0)])[0, 1] == pytest.approx(np.pi * 6_371_008.8)


def test_the_rush_hour_is_slower_and_detours_count() -> None:
    circle = Circle(detour=1.5, each_s=60)
    night, rush = (circle.matrix([SHANGHAI, SUZHOU], hour) for hour in (3, 8))
    assert night.metres[0, 1] == pytest.approx(1.5 * great_circle_m([SHANGHAI, SUZHOU])[0, 1])
    assert (rush.seconds[0, 1] - 60) / (night.seconds[0, 1] - 60) == pytest.approx(CITY_KMH[3] / CITY_KMH[8])
    assert (night.seconds[0, 0], night.metres[0, 0], night.source) == (0.0, 0.0, "great_circle")


def test_places_that_are_there_twice_are_there_once() -> None:
    assert Circle().matrix([SHANGHAI, SUZHOU, SHANGHAI], 9).positions == (SHANGHAI, SUZHOU)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Circle(detour=0.9), "detour"),
        (lambda: Circle(speeds_kmh=(30.0,) * 23), "24"),
        (lambda: Circle(speeds_kmh=(0.0,) * 24), "above 0"),
        (lambda: Circle().matrix([SHANGHAI], 24), "0 to 23"),
        (lambda: Circle().matrix([(91.0, 0.0)], 9), "-90 to 90"),
        (lambda: TravelMatrix((SHANGHAI,), np.zeros((2, 2)), np.zeros((1, 1)), "x"), "shape"),
        (lambda: TravelMatrix((SHANGHAI,), np.full((1, 1), -1.0), np.zeros((1, 1)), "x"), "negative"),
    ],
)
def test_what_cannot_be_says_what_is_allowed(wrong: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        wrong()


def test_a_file_tells_ways_and_what_it_does_not_tell_has_none(tmp_path: Path) -> None:
    path = tmp_path / "ways.csv"
    path.write_text(
        "from,to,seconds,metres\n31.2304 121.4737,31.2989 120.5853,4000,90000\n", encoding="utf-8"
    )
    found = MatrixFile.read(path).matrix([SHANGHAI, SUZHOU], 9)
    assert (found.seconds[0, 1], found.metres[0, 1], found.seconds[0, 0]) == (4000, 90000, 0)
    assert np.isnan(found.seconds[1, 0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("from,to,seconds\n", "no column metres"),
        ("from,to,seconds,metres\n1 2,3,4,5\n", "line 2: '3' is no position"),
        ("from,to,seconds,metres\n1 2,3 4,-5,6\n", "line 2: seconds '-5'"),
        ("from,to,seconds,metres\n1 2,99 4,5,6\n", "latitude"),
    ],
)
def test_a_wrong_file_says_where_it_is_wrong(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "ways.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=says):
        MatrixFile.read(path)


def test_a_file_that_is_missing_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        MatrixFile.read(tmp_path / "none.csv")


class _Osrm(BaseHTTPRequestHandler):
    """Answers as OSRM's table service does: a second and 10 m for each thousandth of a degree of latitude."""

    mode: ClassVar[str] = "ok"
    sizes: ClassVar[list[int]] = []

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        places = [tuple(map(float, each.split(","))) for each in path.rsplit("/", 1)[1].split(";")]
        type(self).sizes.append(len(places))
        told = dict(part.split("=") for part in query.replace("%3B", ";").replace("%2C", ",").split("&"))
        rows, columns = ([int(n) for n in told[name].split(";")] for name in ("sources", "destinations"))
        seconds = [[abs(places[a][1] - places[b][1]) * 1000 for b in columns] for a in rows]
        island = [[None if (places[a][1] > 50) != (places[b][1] > 50) else 1 for b in columns] for a in rows]
        table = [
            [s if i else None for s, i in zip(*each, strict=True)]
            for each in zip(seconds, island, strict=True)
        ]
        metres = [[None if each is None else each * 10 for each in row] for row in table]
        status, body = 200, json.dumps({"code": "Ok", "durations": table, "distances": metres})
        if self.mode == "refused":
            status, body = 400, json.dumps({"code": "TooBig", "message": "Too many table coordinates"})
        if self.mode == "rubbish":
            body = "<html>"
        if self.mode == "short":
            body = json.dumps({"code": "Ok", "durations": table[:-1], "distances": metres})
        if self.mode == "without":
            body = json.dumps({"code": "Ok", "durations": table})
        if self.mode == "hangs":
            threading.Event().wait(2)
        with suppress(ConnectionError):  # whoever asked may have given up
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def osrm(mode: str, timeout_s: float = 5.0) -> Iterator[Osrm]:
    handler = type("Handler", (_Osrm,), {"mode": mode, "sizes": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Osrm(f"http://127.0.0.1:{server.server_port}", Circle(), timeout_s=timeout_s)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_osrm_is_asked_and_null_is_no_way() -> None:
    with osrm("ok") as travel:
        found = travel.matrix([(10.0, 5.0), (10.5, 5.0), (60.0, 5.0)], 9)
    assert (found.source, found.fallback) == ("osrm", "")
    assert (found.seconds[0, 1], found.metres[0, 1]) == (500, 5000)
    assert np.isnan(found.seconds[0, 2])
    assert found.seconds[2, 2] == 0


def test_a_large_table_is_asked_for_in_blocks_that_a_server_takes() -> None:
    places = [(number / 10, 5.0) for number in range(130)]
    with osrm("ok") as travel:
        found = travel.matrix(places, 9)
    assert found.seconds[3, 129] == pytest.approx(12_600)
    assert found.seconds.shape == (130, 130)
    assert MOST_AT_ONCE == 100


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("refused", "400 TooBig"),
        ("rubbish", "no JSON"),
        ("short", "durations of the shape"),
        ("without", "without a table of distances"),
    ],
)
def test_what_osrm_answers_wrongly_is_fallen_back_from_and_said(mode: str, why: str) -> None:
    with osrm(mode) as travel:
        found = travel.matrix([SHANGHAI, SUZHOU], 9)
    assert found.source == "great_circle"
    assert found.fallback.startswith("osrm: ")
    assert why in found.fallback
    assert found.seconds[0, 1] > 0


def test_a_server_that_hangs_or_is_not_there_is_fallen_back_from() -> None:
    with osrm("hangs", timeout_s=0.2) as travel:
        assert "no answer within 0.2 s" in travel.matrix([SHANGHAI, SUZHOU], 9).fallback
    assert "not reached" in travel.matrix([SHANGHAI, SUZHOU], 9).fallback
