"""From the runs of all seeds to means with their intervals, what each step gains, and what is missed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.year.life import Policy

STEPS = {"dispatch": (Policy.DISPATCH, Policy.MANUAL), "parts": (Policy.PARTS, Policy.DISPATCH)}
STEPS |= {"foresight": (Policy.PROACTIVE, Policy.PARTS)}
Runs = Mapping[Policy, Mapping[int, Mapping[str, Any]]]
LEVEL = 0.95
INTERVALS = (
    "95 % of the mean over seeds, Student's t with n - 1 degrees of freedom; of gains the same over the "
    "differences seed by seed; null with one seed"
)


def interval(values: Sequence[float]) -> dict[str, float | None]:
    """Return the mean of values with its 95 % interval; None where one value tells of no spread."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return {"mean": _rounded(mean), "low": None, "high": None}
    from scipy.stats import t

    half = float(t.ppf((1 + LEVEL) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return {"mean": _rounded(mean), "low": _rounded(mean - half), "high": _rounded(mean + half)}


def summary(found: Runs, names: Sequence[str]) -> dict[str, Any]:
    """Return the figures of the policies that were lived through, and what each step gains."""
    seeds = sorted(set.intersection(*(set(runs) for runs in found.values())))
    policies = {
        str(policy): {name: interval([_figure(runs, seed, name) for seed in seeds]) for name in names}
        for policy, runs in sorted(found.items())
    }
    gains = {
        step: {
            name: interval(
                [_figure(found[after], seed, name) - _figure(found[before], seed, name) for seed in seeds]
            )
            for name in names
        }
        for step, (after, before) in STEPS.items()
        if after in found and before in found
    }
    beside = {
        str(policy): {str(seed): runs[seed] for seed in seeds} for policy, runs in sorted(found.items())
    }
    return {
        "seeds": seeds,
        "interval": INTERVALS,
        "policies": policies,
        "gains": gains,
        "targets": targets(policies),
        "runs": beside,
    }


def _figure(runs: Mapping[int, Mapping[str, Any]], seed: int, name: str) -> float:
    return float(runs[seed]["figures"][name])


def targets(policies: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was reached of each promise and what must be; empty without (a) and (d)."""
    if not {"a", "d"} <= policies.keys():
        return {}

    def of(policy: str, name: str) -> float:
        return float(policies[policy][name]["mean"])

    def change(name: str) -> float:
        return of("d", name) / of("a", name) - 1 if of("a", name) else 0.0

    rows = {
        "wait_h": (of("d", "wait_h"), 24.0, -1),
        "first_time_fix": (of("d", "first_time_fix"), 0.92, 1),
        "response_on_time": (of("d", "response_on_time"), 0.95, 1),
        "on_site_on_time": (of("d", "on_site_on_time"), 0.98, 1),
        "travel_against_a": (change("travel_min"), -0.38, -1),
        "complaints_against_a": (change("complaints"), -0.65, -1),
        "parts_turnover": (of("d", "parts_turnover"), 5.0, 1),
        "parts_availability_against_a": (
            of("d", "parts_availability") - of("a", "parts_availability"), 0.0, 1,
        ),
        "out_of_use_against_a": (change("out_of_use_h"), -0.60, -1),
    }  # fmt: skip
    return {
        name: {"reached": _rounded(reached), "must": must, "kept": bool(sign * reached >= sign * must)}
        for name, (reached, must, sign) in rows.items()
    }


def missed(told: Mapping[str, Any]) -> list[str]:
    """Return the must figures that are missed."""
    return [name for name, row in told["targets"].items() if not row["kept"]]


def _rounded(value: float) -> float:
    return round(value, 4)
