"""`sweepwatch evaluate ...`: our models on a yardstick, as a table or as JSON."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fleet.errors import ConfigError, InvalidInput, NotFound
from sweepwatch.printing import Say, json_text

Evaluate = Callable[..., dict[str, Any]]

YARDSTICKS = {
    "skab": "yardsticks.skab",
    "azure-pdm": "yardsticks.azure_pdm",
    "cmapss": "yardsticks.cmapss",
    "hse-filter": "yardsticks.hse_filter",
    "dispatch": "yardsticks.dispatch",
    "parts": "yardsticks.parts",
    "simulated": "yardsticks.simulated.yardstick",
}
"""Where each yardstick's `evaluate(folder, seeds)` is; loaded only when asked for."""
_NEEDS_NO_DATA = ("simulated",)
_TAKES_A_HORIZON = ("parts",)
_TAKES_A_SPLIT = ("cmapss", "hse-filter")


def run_evaluate(
    name: str,
    data: Path | None,
    seeds: str,
    as_json: bool,
    say: Say,
    horizon: int | None = None,
    split: Mapping[str, str | None] | None = None,
) -> None:
    """Score one yardstick and print how it went.

    `data` is the folder of the yardstick's files, or one that holds such a folder under the yardstick's name.
    `horizon` is how many months of the data are the test, `split` what is learned from (`train`) and judged
    (`test`), for those that take it. Raises ConfigError for an
    unknown name, a missing folder, seeds that are no list of whole numbers, or a horizon where none is taken.
    """
    chosen = parse_seeds(seeds)
    options = _horizon(name, horizon) | _split(name, split or {})
    told = _evaluator(name)(_folder(name, data), chosen, **options)
    for line in [json_text(told)] if as_json else _table(told):
        say(line)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds of a text like `0,1,2`. Raises ConfigError."""
    try:
        seeds = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(f"--seeds: {text!r} is no list of whole numbers like 0,1,2") from error
    if min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise ConfigError(f"--seeds: {text!r} must be different numbers from 0 on")
    return seeds


def _evaluator(name: str) -> Evaluate:
    module = YARDSTICKS.get(name)
    if module is None:
        raise ConfigError(f"there is no yardstick {name!r}; there are {', '.join(YARDSTICKS)}")
    if find_spec(module) is None:
        raise NotFound(f"the yardstick {name} is not part of this version yet")
    found: Evaluate = import_module(module).evaluate
    return found


def _horizon(name: str, horizon: int | None) -> dict[str, Any]:
    if horizon is None:
        return {}
    if name not in _TAKES_A_HORIZON:
        raise ConfigError(f"--horizon: {name} takes none; {', '.join(_TAKES_A_HORIZON)} does")
    return {"horizon": horizon}


def _split(name: str, split: Mapping[str, str | None]) -> dict[str, Any]:
    """Return what is to be learned from and judged (`train`, `test`), where that is said."""
    said = {option: value for option, value in split.items() if value is not None}
    if said and name not in _TAKES_A_SPLIT:
        takes = " and ".join(_TAKES_A_SPLIT)
        raise ConfigError(f"--{next(iter(said))}: {name} takes none; {takes} do")
    return said


def _folder(name: str, data: Path | None) -> Path | None:
    if data is None:
        if name in _NEEDS_NO_DATA:
            return None
        raise ConfigError(f"{name} needs its data: give the folder with --data DIR")
    if not data.is_dir():
        raise InvalidInput(f"--data: {data} is no folder")
    inside = data / name
    return inside if inside.is_dir() else data


def _table(told: Mapping[str, Any]) -> list[str]:
    seeds = ", ".join(str(seed) for seed in told["seeds"])
    lines = [f"{told['name']}, seeds {seeds}", ""]
    width = max((len(name) for name in (*told["metrics"], *_flat(told["baselines"]))), default=0)
    for name, figure in told["metrics"].items():
        lines.append(f"  {name:<{width}}  {_number(figure['mean'])} ± {_number(figure['sd'])}")
    for title in ("baselines", "details"):
        flat = _flat(told.get(title, {}))
        if flat:
            lines += ["", title.capitalize()]
            lines += [f"  {name:<{width}}  {_number(value)}" for name, value in flat.items()]
    return [*lines, "", f"Protocol: {told['protocol']}"]


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return nested figures under joined names."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name} ")
        else:
            found[f"{before}{name}"] = value
    return found


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
