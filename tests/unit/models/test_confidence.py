"""Confidence: young, seldom heard and half blind devices are judged with low confidence."""

import numpy as np
import polars as pl

from fleet.clock import HOUR_MS
from fleet.risks import CONFIDENT, UNSURE
from models.features.batch_windows import BatchWindows, Moments
from models.features.grid import TileGrid
from models.features.terms import PRESENT, RUN_TIME
from models.features.windows import NO_RESETS, FleetFacts
from models.scoring.confidence import confidence, hardly_known

START = 450_000


def judged(heard: dict[str, range], known: float = 1.0) -> list[str]:
    """Return the confidence at hour 240 of devices that were heard in the hours given."""
    rows = [(device, (START + hour) * HOUR_MS, 6) for device, hours in heard.items() for hour in hours]
    grid = TileGrid([PRESENT, RUN_TIME])
    grid.update(pl.DataFrame(rows, schema=["device_id", "hour", "readings"], orient="row"))
    moments = Moments(np.arange(len(heard)), np.full(len(heard), START + 240))
    matrix = np.full((len(heard), 10), np.nan)
    matrix[:, : int(10 * known)] = 1.0
    source = BatchWindows(grid, FleetFacts({}, NO_RESETS), moments)
    return confidence(hardly_known(source), matrix).to_list()


def test_a_device_is_known_when_its_first_five_days_are_over() -> None:
    assert judged({"known": range(241), "older": range(121, 241), "young": range(122, 241)}) == [
        CONFIDENT,
        CONFIDENT,
        UNSURE,
    ]


def test_a_device_heard_in_fewer_than_72_hours_is_not_known() -> None:
    assert judged({"often": range(0, 216, 3), "seldom": range(0, 213, 3)}) == [CONFIDENT, UNSURE]


def test_a_model_that_sees_less_than_half_of_its_features_is_not_sure() -> None:
    assert judged({"seen": range(241)}, known=0.5) == [CONFIDENT]
    assert judged({"blind": range(241)}, known=0.4) == [UNSURE]
