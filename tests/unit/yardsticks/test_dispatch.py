"""dispatch: made-up instances in the same format are judged; costs, feasibility and files are checked."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from desk.dispatch.planning.planners import planner
from fleet.errors import InvalidInput
from yardsticks.dispatch import evaluate, judge, problem_of, routes_of
from yardsticks.vrp_files import length, read_best, read_instance, read_instances, wrong_with_routes

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "public" / "dispatch"


def written(folder: Path, name: str, seed: int, *, packed: bool) -> Path:
    """Write an instance of 12 clients and 4 vehicles of two types, with its best from insertion."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-40, 40, (13, 2)).round(3)
    opens = rng.integers(60, 300, 12)
    lines = [f"NAME: {name}", "TYPE: SDVRPTW", "EDGE_WEIGHT_TYPE: EUC_2D", "DIMENSION: 13", "VEHICLES: 4"]
    lines += ["VEHICLES_MAX_DURATION: 500", "NODE_COORD_SECTION"]
    lines += [f"{n + 1}\t{x}\t{y}" for n, (x, y) in enumerate(xy)]
    lines += ["DEMAND_SECTION", "1\t0", *(f"{n + 2}\t{rng.integers(1, 20)}" for n in range(12))]
    lines += ["SERVICE_TIME_SECTION", "1\t0", *(f"{n + 2}\t{rng.integers(1, 20)}" for n in range(12))]
    lines += ["TIME_WINDOW_SECTION", "1\t0\t1000", *(f"{n + 2}\t{o}\t{o + 120}" for n, o in enumerate(opens))]
    lines += ["CAPACITY_SECTION", "1\t100", "2\t100", "3\t150", "4\t150", "VEHICLES_ALLOWED_CLIENTS_SECTION"]
    allowed = [range(2, 10), range(2, 10), range(6, 14), range(6, 14)]
    lines += ["\t".join(map(str, [n + 1, *each])) for n, each in enumerate(allowed)]
    text = "\n".join([*lines, "EOF", ""])
    path = folder / (f"{name}.vrp.gz" if packed else f"{name}.vrp")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    (folder / f"{name}.sol").write_text("Cost: 1\n", encoding="utf-8")
    instance = read_instance(path)
    routes = routes_of(instance, planner("insertion").plan(problem_of(instance), 5.0))
    told = [f"Route #{n + 1}: {' '.join(map(str, route))}" for n, route in enumerate(routes)]
    (folder / f"{name}.sol").write_text(
        "\n".join([*told, f"Cost: {length(instance, routes)}"]), encoding="utf-8"
    )
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dispatch")
    written(folder, "A", 1, packed=True)
    written(folder, "B", 2, packed=False)
    return folder


def test_made_up_instances_are_judged_and_insertion_is_beaten(small: Path) -> None:
    told = evaluate(small, [0], budgets_s=(0.3,))
    metrics = told["metrics"]
    assert (told["name"], told["details"]["instances"]) == ("dispatch", 2)
    assert (metrics["infeasible"]["mean"], metrics["unserved"]["mean"]) == (0, 0)
    assert metrics["gap_pct_0.3s"]["mean"] <= 0  # the best known is insertion's
    assert told["baselines"]["gap_pct_insertion"] == 0
    assert told["details"]["cpu_s"]["0.3s"]["whole"] <= 0.6


def real() -> Path:
    """Return the real data's folder; without it skip the test, or fail it in CI."""
    if not REAL.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{REAL} is missing")
        pytest.skip(f"{REAL} is not there")
    return REAL


def test_costs_of_the_best_known_are_found_again_and_they_are_feasible() -> None:
    instances = read_instances(real())
    for instance in instances:
        routes, cost = read_best(real() / f"{instance.name}.sol")
        assert length(instance, routes) == cost == instance.best_known
        assert wrong_with_routes(instance, routes) == []
    assert len(instances) == 10


def test_a_real_instance_is_close_to_its_best_known_within_two_seconds() -> None:
    (instance,) = [each for each in read_instances(real()) if each.name == "PR01"]
    judged = judge(instance, planner("pyvrp"), 2.0, 0)
    assert (judged["infeasible"], judged["unserved"]) == (0, 0)
    assert judged["gap_pct"] <= 5


def test_each_thing_that_makes_routes_infeasible_is_found(small: Path) -> None:
    instance = read_instance(small / "A.vrp.gz")
    routes, _ = read_best(small / "A.sol")
    assert wrong_with_routes(instance, routes) == []
    assert any("not served" in line for line in wrong_with_routes(instance, [[], *routes[1:]]))
    swapped = [routes[2], routes[3], routes[0], routes[1]]
    assert any("may not serve" in line for line in wrong_with_routes(instance, swapped))
    assert any("carries" in line for line in wrong_with_routes(instance, [list(range(1, 13)), [], [], []]))
    assert any(
        "it closes at" in line for line in wrong_with_routes(instance, [[*route[::-1]] for route in routes])
    )


def test_an_instance_too_long_for_a_vehicles_duration_is_found(small: Path, tmp_path: Path) -> None:
    text = (small / "B.vrp").read_text(encoding="utf-8").replace("MAX_DURATION: 500", "MAX_DURATION: 20")
    (tmp_path / "B.vrp").write_text(text, encoding="utf-8")
    (tmp_path / "B.sol").write_bytes((small / "B.sol").read_bytes())
    routes, _ = read_best(tmp_path / "B.sol")
    assert any(
        "20000 at most" in line for line in wrong_with_routes(read_instance(tmp_path / "B.vrp"), routes)
    )


WRONG = {
    "DIMENSION: 13": ("DIMENSION: many", "DIMENSION is 'many'"),
    "VEHICLES: 4": ("VEHICLES: 3", "CAPACITY_SECTION has 4 lines; 3"),
    "1\t0\t1000": ("1\t0\tnever", "could not convert"),
    "DEMAND_SECTION": ("SUPPLY_SECTION", "DEMAND_SECTION has 0 lines"),
    "VEHICLES_ALLOWED_CLIENTS_SECTION\n1\t2": ("VEHICLES_ALLOWED_CLIENTS_SECTION\n1\t99", "names 99"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_says_what_is_wrong_with_it(small: Path, tmp_path: Path, what: str) -> None:
    instead, says = WRONG[what]
    text = (small / "B.vrp").read_text(encoding="utf-8")
    assert what in text
    (tmp_path / "B.vrp").write_text(text.replace(what, instead, 1), encoding="utf-8")
    (tmp_path / "B.sol").write_bytes((small / "B.sol").read_bytes())
    with pytest.raises(InvalidInput, match=says):
        read_instance(tmp_path / "B.vrp")


def test_missing_files_are_named(small: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"holds no \*\.vrp"):
        read_instances(tmp_path)
    (tmp_path / "B.vrp").write_bytes((small / "B.vrp").read_bytes())
    with pytest.raises(InvalidInput, match="each instance needs its .sol"):
        read_instances(tmp_path)
    (tmp_path / "B.sol").write_text("no cost", encoding="utf-8")
    with pytest.raises(InvalidInput, match="no line 'Cost: NUMBER'"):
        read_instances(tmp_path)
