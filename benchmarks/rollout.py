"""How often a roll-out stops: with a firmware that is worse, and with one that is not. `--json FILE`.

100 fleets, each from a seed of its own, live through a roll-out hour by hour without broker or store; what
judges is the product's own code. Devices differ (some err ten times as often as others), their rates drift
from day to day, some fall ill, sites have bad weeks. The worse firmware must be stopped in the first cohort
that can show it in 95 of 100 runs, an equal one in no more than 5. For comparison the same runs are judged by
a test that takes devices as alike (a mixture of sequential probability ratios over all events): see
docs/decisions/0035-firmware-in-stages.md.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.harness.rollout_fleet import Outcome, RunOptions, run

MUST_STOP_WORSE, MAY_STOP_EQUAL = 95, 5


def summary(outcomes: dict[str, list[Outcome]], seconds: float) -> dict[str, object]:
    """Return the figures of all runs."""
    worse, equal = outcomes["worse"], outcomes["equal"]
    after = [each.after for each in worse if each.after is not None]
    can = [each.can + 1 for each in worse if each.can is not None]
    return {
        "runs": len(worse),
        "must": {"stopped_worse_of_100": MUST_STOP_WORSE, "stopped_equal_of_100": MAY_STOP_EQUAL},
        "stopped_worse_of_100": _of_100([each.in_time for each in worse]),
        "stopped_worse_at_all_of_100": _of_100([each.stopped_in is not None for each in worse]),
        "stopped_equal_of_100": _of_100([each.stopped_in is not None for each in equal]),
        "stopped_equal_by_pooled_rates_of_100": _of_100([each.pooled for each in equal]),
        "first_stage_that_can_median": median(can) if can else None,
        "stopped_after_share_of_soak_median": round(median(after), 2) if after else None,
        "seconds": round(seconds, 1),
    }


def _of_100(told: list[bool]) -> float:
    return 100 * sum(told) / len(told)


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", nargs="?", const=Path("-"), help="write there")
    parser.add_argument("--runs", type=int, default=100, help="fleets of each kind (100)")
    parser.add_argument("--devices", type=int, default=1_000, help="devices of a fleet (1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first fleet (1)")
    options = parser.parse_args()
    begun = time.monotonic()
    outcomes = {
        name: [
            run(RunOptions(seed, options.devices, worse=name == "worse"))
            for seed in range(options.seed, options.seed + options.runs)
        ]
        for name in ("worse", "equal")
    }
    result = summary(outcomes, time.monotonic() - begun)
    for name, value in result.items():
        print(f"{name:40} {value}")
    if options.json and str(options.json) != "-":
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    elif options.json:
        print(json.dumps(result))
    worse, equal = result["stopped_worse_of_100"], result["stopped_equal_of_100"]
    assert isinstance(worse, float)
    assert isinstance(equal, float)
    return 0 if worse >= MUST_STOP_WORSE and equal <= MAY_STOP_EQUAL else 1


if __name__ == "__main__":
    sys.exit(main())
