"""Training gives the same models wherever it runs: here, in processes, or on a Dask cluster."""

import pickle
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from distributed import LocalCluster
from helpers.models import examples

from fleet.errors import WorkersUnavailable
from models.learning.pipeline import Fit, fit_fault
from models.learning.settings import TrainingSettings
from models.learning.workers import Workers

FAULTS = ("brush_jam", "water_leak")
SETTINGS = TrainingSettings(trees=10)


def tasks() -> list[tuple[object, ...]]:
    made = []
    for number, fault in enumerate(FAULTS):
        rows = examples(fault, devices=24, seed=number)
        kinds = pl.Series(["CR-200"] * len(rows.until))
        made.append((fault, rows, kinds, SETTINGS, 7))
    return made


@pytest.fixture(scope="module")
def here() -> list[Fit]:
    return list(Workers().run(fit_fault, tasks()))


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Run a scheduler and two workers, each a process of its own."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as made:
        made.wait_for_workers(2, timeout=60)
        yield made.scheduler_address


def assert_same(found: list[Fit], expected: list[Fit]) -> None:
    assert [fit.fault for fit in found] == list(FAULTS)
    for one, other in zip(found, expected, strict=True):
        assert one.classifier is not None
        assert other.classifier is not None
        matrix = examples(one.fault, seed=9).features
        np.testing.assert_array_equal(
            one.classifier.predict_proba(matrix), other.classifier.predict_proba(matrix)
        )
        bare = [replace(fit, classifier=None, seconds=0.0) for fit in (one, other)]
        assert bare[0] == bare[1]


def test_processes_train_the_same_models(here: list[Fit]) -> None:
    assert_same(list(Workers(jobs=2).run(fit_fault, tasks())), here)


def test_a_cluster_of_two_workers_trains_the_same_models(here: list[Fit], cluster: str) -> None:
    assert_same(list(Workers(scheduler=cluster).run(fit_fault, tasks())), here)


def test_both_workers_of_a_cluster_work(cluster: str) -> None:
    from distributed import get_worker

    def who(_number: int) -> str:
        return str(get_worker().address)

    assert len(set(Workers(scheduler=cluster).run(who, [(number,) for number in range(12)]))) == 2


def test_a_worker_that_fails_is_one_clear_line(cluster: str) -> None:
    def fails(_number: int) -> None:
        raise ValueError("no\nluck")

    with pytest.raises(WorkersUnavailable, match=r"a worker of tcp://.* failed: ValueError: no luck"):
        list(Workers(scheduler=cluster).run(fails, [(1,)]))


def test_a_scheduler_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.learning.workers._CONNECT_S", 0.5)
    with pytest.raises(WorkersUnavailable, match="no Dask scheduler answers at tcp://127.0.0.1:9"):
        list(Workers(scheduler="tcp://127.0.0.1:9").run(fit_fault, []))


def test_what_comes_back_from_a_worker_can_travel(here: list[Fit]) -> None:
    assert all(len(pickle.dumps(fit)) < 1_000_000 for fit in here)
