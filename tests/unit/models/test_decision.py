"""Decisions by cost: what settings say, the threshold on the curve, and whom to visit with so many visits."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.catalogue.entries import FaultCosts
from fleet.errors import ConfigError
from fleet.faults import FAULTS
from models.learning.costs import CostCurve, compare, cost_curve, decision_costs
from models.learning.evaluation import best_threshold
from models.learning.settings import Costs
from models.scoring.decision import plan_visits
from sweepwatch.settings.costs import costs_of
from sweepwatch.settings.settings import load_settings

COSTS = Costs(unfounded=60.0)
ENGINEER = ("battery_wear", "drive_motor_wear", "water_leak")
OWN = ("brush_jam", "filter_clog")
BUDGETS = st.integers(0, 4)
RISKS = st.dictionaries(
    st.tuples(st.sampled_from(["R1", "R2", "R3", "R4"]), st.sampled_from([*ENGINEER, *OWN])),
    st.integers(0, 100).map(lambda percent: percent / 100),
    max_size=14,
)


def frame(risks: dict[tuple[str, str], float]) -> pl.DataFrame:
    rows = [(device, fault, risk) for (device, fault), risk in risks.items()]
    return pl.DataFrame(
        rows, schema={"device_id": pl.String, "fault": pl.String, "risk": pl.Float64}, orient="row"
    )


def avoided(risks: dict[tuple[str, str], float], visited: set[str]) -> float:
    """Return what visits to `visited`, and calls to the others, avoid: the definition, by device."""
    total = 0.0
    for device in {device for device, _ in risks}:
        pays = [
            (FAULTS[fault], risk)
            for (who, fault), risk in risks.items()
            if who == device and risk * COSTS.wait(FAULTS[fault]) > COSTS.act(FAULTS[fault])
        ]
        if device in visited:
            nothing = float(np.prod([1 - risk for _, risk in pays]))
            total += sum(risk * COSTS.failure(fault) for fault, risk in pays)
            total -= COSTS.visit + COSTS.unfounded * nothing
        else:
            total += sum(
                risk * COSTS.wait(fault) - COSTS.act(fault) for fault, risk in pays if fault.customer_can_mend
            )
    return total


@given(RISKS, BUDGETS)
def test_no_other_choice_of_visits_within_the_budget_avoids_more(
    risks: dict[tuple[str, str], float], budget: int
) -> None:
    plan = plan_visits(frame(risks), COSTS, budget)
    chosen = set(plan.visits["device_id"])
    assert len(chosen) <= budget
    wanted = {
        who
        for (who, fault), risk in risks.items()
        if fault in ENGINEER and risk * COSTS.wait(FAULTS[fault]) > COSTS.act(FAULTS[fault])
    }
    devices = sorted(wanted)
    best = max(
        avoided(risks, set(some)) for size in range(budget + 1) for some in combinations(devices, size)
    )
    assert plan.avoided == pytest.approx(best, abs=1e-6)
    assert avoided(risks, chosen) == pytest.approx(best, abs=1e-6)
    assert not chosen & set(plan.calls["device_id"])


def test_a_visit_mends_what_pays_and_customers_are_called_for_the_rest() -> None:
    plan = plan_visits(
        frame(
            {
                ("R1", "drive_motor_wear"): 0.9,
                ("R1", "brush_jam"): 0.5,
                ("R1", "water_leak"): 0.01,
                ("R2", "brush_jam"): 0.6,
                ("R3", "battery_wear"): 0.5,
            }
        ),
        Costs(unfounded=0.0),
        1,
    )
    assert plan.visits.rows() == [
        ("R1", ["drive_motor_wear", "brush_jam"], [0.9, 0.5], pytest.approx(0.9 * 400 + 0.5 * 250 - 100))
    ]
    assert plan.calls.rows() == [("R2", ["brush_jam"], [0.6], pytest.approx(0.6 * 250 - 30))]
    assert plan.worthwhile == 2


def test_nothing_to_decide_is_an_empty_plan() -> None:
    plan = plan_visits(frame({}), COSTS, 5)
    assert (plan.visits.height, plan.calls.height, plan.worthwhile, plan.avoided) == (0, 0, 0, 0.0)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=60), st.integers(1, 9))
def test_the_curve_holds_the_cost_of_every_threshold_on_it(pairs: list[tuple[bool, int]], act: int) -> None:
    truth = np.array([positive for positive, _ in pairs])
    risk = np.array([score / 20 for _, score in pairs])
    chosen = best_threshold(truth, risk, act, 10)
    curve = CostCurve.from_dict(cost_curve(truth, risk, chosen).to_dict())
    for threshold, cost in zip(curve.threshold, curve.cost(act, 10), strict=True):
        assert decision_costs(truth, risk, threshold, act, 10).mean() == pytest.approx(cost, abs=1e-4)
    assert curve.acted[0] == 1.0
    assert curve.acted[-1] == 0.0
    assert np.isclose(curve.threshold, chosen, atol=1e-6).any()
    assert (
        curve.cost(act, 10).min() * 1.02 + 1e-3
        >= curve.cost(act, 10)[curve.threshold == curve.best(act, 10)][0]
    )


def test_a_dearer_breakdown_lowers_the_threshold_on_the_same_curve() -> None:
    rng = np.random.default_rng(0)
    risk = rng.random(5_000) ** 3
    curve = cost_curve(rng.random(5_000) < risk, risk, 0.4)
    assert curve.best(100, 1_000) < curve.best(100, 250) < curve.best(100, 120)
    assert curve.best(100, 250) == pytest.approx(0.4, abs=0.1)


def test_a_challenger_that_decides_better_is_told_from_one_that_does_not() -> None:
    """Whole devices are drawn: a saving that stands on one device alone is not proved."""
    rng = np.random.default_rng(1)
    devices = np.repeat(np.arange(40), 20)
    base = rng.choice([0.0, 100.0, 250.0], size=800)
    better = compare(base, np.where(base > 200, 100.0, base), devices, 40)
    assert 0 < better.low < better.saving < better.high
    same = compare(base, rng.permutation(base), devices, 40)
    assert same.low < 0 < same.high
    lucky = np.where(devices == 3, 0.0, base)
    assert compare(base, lucky, devices, 40).low <= 0.0 + 1e-9
    assert compare(base, base, devices, 40).saving == 0.0
    assert compare(np.zeros(800), base, devices, 40).high < 0


def load(tmp_path: Path, text: str) -> Costs:
    file = tmp_path / "s.toml"
    file.write_text(text)
    return costs_of(load_settings(file, {}, {}).models.costs)


def test_costs_come_from_the_settings_by_level_and_by_fault(tmp_path: Path) -> None:
    costs = load(
        tmp_path,
        "[models.costs]\nvisit = 80\ncall = 10\nunfounded = 0\nbreakdown.L1 = 900\n"
        "[models.costs.faults.battery_wear]\nbreakdown = 600\n[models.costs.faults.brush_jam]\ncall = 5\n",
    )
    assert costs.act(FAULTS["water_leak"]) == 80
    assert (costs.act(FAULTS["battery_wear"]), costs.wait(FAULTS["battery_wear"])) == (80, 600)
    assert (costs.act(FAULTS["brush_jam"]), costs.act(FAULTS["filter_clog"])) == (5, 10)
    assert costs.wait(FAULTS["drive_motor_wear"]) == 900
    assert costs.wait(FAULTS["water_leak"]) == Costs().failure(FAULTS["water_leak"])


def test_a_cost_may_come_from_the_environment() -> None:
    given = {"SWEEPWATCH_MODELS_COSTS_VISIT": "55", "SWEEPWATCH_MODELS_COSTS_BREAKDOWN_L3": "99"}
    costs = costs_of(load_settings(None, given, {}).models.costs)
    assert (costs.visit, costs.failure(FAULTS["filter_clog"])) == (55, 99)


def test_money_is_in_a_currency_that_exists(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('[models.costs]\ncurrency = "CNY"\n')
    assert load_settings(file, {}, {}).models.costs.currency == "CNY"
    assert load_settings(None, {}, {}).models.costs.currency == "EUR"
    for wrong in ("yuan", "eur", "XQZ"):
        with pytest.raises(ConfigError, match=r"MODELS_COSTS_CURRENCY = .* allowed: an ISO 4217 code"):
            load_settings(None, {"SWEEPWATCH_MODELS_COSTS_CURRENCY": wrong}, {})


def test_without_settings_costs_are_those_of_the_models() -> None:
    assert costs_of(load_settings(None, {}, {}).models.costs) == Costs()
    assert Costs(faults={"brush_jam": FaultCosts(visit=1.0)}).trip(FAULTS["brush_jam"]) == Costs().call


def test_the_documented_costs_are_the_standard_ones(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs/models.md").read_text(encoding="utf-8")
    (sample,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert load(tmp_path, sample) == Costs(faults={"battery_wear": FaultCosts(breakdown=600.0)})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("visit = -1", r"models\.costs\.visit in .* = -1 .*greater than 0"),
        ("visits = 1", r"unknown setting models\.costs\.visits in .*did you mean models\.costs\.visit\?"),
        ("breakdown.L9 = 1", r"unknown setting models\.costs\.breakdown\.L9"),
        ("faults.dustbin_full.visit = 3", "dustbin_full.*no fault that is predicted; allowed: battery_wear"),
        ("faults.brush_jam.visit = 3", r"brush_jam\.visit is never paid: acting on it costs a call"),
        ("faults.water_leak.call = 3", r"water_leak\.call is never paid: acting on it costs a visit"),
        ("faults.water_leak.visits = 3", r"models\.costs\.faults\.water_leak\.visits .*not permitted"),
        ("breakdown.L2 = 100", "acting on battery_wear costs 100 and its breakdown 100"),
        ("visit = inf", "finite"),
    ],
)
def test_costs_that_are_not_usable_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load(tmp_path, f"[models.costs]\n{text}\n")
    assert "\n" not in str(caught.value)
