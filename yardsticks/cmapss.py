"""The cmapss yardstick: how many cycles a turbofan has left, on engines never seen."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fleet.errors import InvalidInput
from models.features.condition import Steps
from models.features.windows import Floats
from yardsticks.lives_of_units import Taught, Told, by_left, inside, look, rms, teach, tell
from yardsticks.mapped import Mapped, read_map, read_readings
from yardsticks.report import Report, find_file, over_seeds

CAP = 125.0
PROTOCOL = (
    "Trained on every engine of train_NAME, judged at the last cycle of each engine of test_NAME; remaining "
    "life capped at 125 cycles in both. Features, weights and the band of p10 to p90 come from training "
    "engines, left out in turn. NASA score: sum of exp(-d/13)-1 for d < 0, else exp(d/10)-1; "
    "d = predicted - true. Seeds are those of models and folds. What was looked at when: "
    "docs/yardsticks.md."
)
_EDGES = (0.0, 15.0, 40.0, 80.0, 110.0, CAP + 1)


@dataclass(frozen=True)
class Case:
    """A set of engines looked at once: what to learn from, and the last cycle of each test engine."""

    taught: Taught
    asked: Floats
    age: Floats
    truth: Floats


def evaluate(folder: Path, seeds: Sequence[int], train: str = "", test: str = "") -> dict[str, Any]:
    """Score the yardstick in a folder, as `yardsticks.report.Report.as_json` says.

    `train` and `test` are names of sets (`FD001`): engines of one may be judged by what others taught.
    Without them the first set of the folder is judged; others stand in the details (first seed). Raises
    InvalidInput when a file is missing or not fully understood, or holds too few engines.
    """
    names = [train or test] if train or test else sets_in(folder)
    case = prepared(folder, names[0], test or names[0])
    told: list[Told] = []

    def run(seed: int) -> dict[str, float]:
        told.append(tell(case.taught, case.asked, seed))
        return judge(case, told[-1])

    metrics, _ = over_seeds(seeds, run)
    details: dict[str, Any] = {"set": test or names[0], "test_engines": len(case.truth)}
    details["by_cycles_left"] = by_left(told[0], case.truth, _EDGES)
    for name in names[1:]:
        other = prepared(folder, name, name)
        details[name] = judge(other, tell(other.taught, other.asked, seeds[0]))
    return Report("cmapss", seeds, metrics, baselines(case), PROTOCOL, details).as_json()


def prepared(folder: Path, train: str, test: str) -> Case:
    """Look at a set of engines once. Raises InvalidInput."""
    mapped = read_map("cmapss")
    seen = engines_in(mapped, find_file(folder, f"train_{train}.txt"))
    whole = np.ones(len(seen.last), dtype=bool)
    taught = teach(mapped.kind, seen, whole, np.zeros(len(whole)), CAP)
    asked = engines_in(mapped, find_file(folder, f"test_{test}.txt"))
    number = np.argsort(np.argsort([int(name.lstrip("E")) for name in asked.names]))
    truth = lives_in(find_file(folder, f"RUL_{test}.txt"), len(asked.last))[number]
    age = (asked.step[asked.last] - asked.step[asked.first][asked.last] + 1).astype(float)
    return Case(taught, taught.condition.look(asked)[asked.last], age, truth)


def sets_in(folder: Path) -> list[str]:
    """Return the names of the sets in a folder (`FD001`), sorted. Raises InvalidInput for none."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; give the folder that holds train_FD001.txt or .txt.gz")
    found = [re.fullmatch(r"train_(\w+)\.txt(?:\.gz)?", path.name) for path in folder.iterdir()]
    if not any(found):
        raise InvalidInput(f"{folder} holds no train_NAME.txt or train_NAME.txt.gz, as train_FD001.txt")
    return sorted({match[1] for match in found if match})


def engines_in(mapped: Mapped, path: Path) -> Steps:
    """Read engines, which count their cycles from 1 on. Raises InvalidInput for a gap."""
    steps = look(mapped.kind, read_readings(mapped, path))
    expected = np.arange(len(steps.unit)) - steps.first
    wrong = np.flatnonzero(steps.step - steps.step.min() != expected)
    if len(wrong):
        raise InvalidInput(f"{path}: cycles of unit {steps.names[steps.unit[wrong[0]]]} have a gap")
    return steps


def lives_in(path: Path, engines: int) -> Floats:
    """Read what test engines had left, capped. Raises InvalidInput."""
    try:
        left = np.loadtxt(path, ndmin=1)
    except (OSError, EOFError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as numbers: {error}") from error
    if left.shape != (engines,):
        raise InvalidInput(f"{path} holds {len(left)} lives for {engines} test units")
    if not (left >= 0).all():
        raise InvalidInput(f"{path} holds a remaining life below 0")
    return np.asarray(np.minimum(left, CAP))


def judge(case: Case, told: Told) -> dict[str, float]:
    """Return RMSE (cycles), NASA score, coverage of p10 to p90 and its mean width."""
    return {
        "rmse": rms(told.expected - case.truth),
        "nasa_score": nasa_score(told.expected, case.truth),
        "coverage_p10_p90": inside(told, case.truth),
        "band_cycles": float((told.band[:, 2] - told.band[:, 0]).mean()),
    }


def nasa_score(predicted: Floats, true: Floats) -> float:
    """Return the asymmetric score of PHM 2008: late is worse than early."""
    off = predicted - true
    return float(np.where(off < 0, np.expm1(-off / 13), np.expm1(off / 10)).sum())


def baselines(case: Case) -> dict[str, float]:
    """Return what simple rules reach: the mean life of training rows, and the mean whole life less age."""
    lives = case.taught.lives
    left = next(iter(lives.left.values()))
    whole = float(np.median(case.taught.condition.parts["lives"]["total"]))
    mean = np.full(len(case.truth), float(left.mean()))
    return {
        "rmse_mean": rms(mean - case.truth),
        "rmse_by_age": rms(np.clip(whole - case.age, 0.0, CAP) - case.truth),
    }
