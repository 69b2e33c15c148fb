"""What benchmarks hand over at their end: their figures as JSON, and those that were missed."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return the median, the 99th percentile and the most of some values; infinite where there are none."""
    found = np.percentile(np.array(values or [float("inf")]), [50, 99, 100])
    return {name: round(float(each), 1) for name, each in zip(("p50", "p99", "max"), found, strict=True)}


def hand_over(figures: dict[str, Any], missed: Sequence[str], file: Path | None) -> int:
    """Print figures and write them to a file where one is given, name those missed; return the exit code."""
    text = json.dumps(figures, indent=2)
    print(text)
    if file is not None:
        file.write_text(f"{text}\n", encoding="utf-8")
    for name in missed:
        print(f"missed: {name}", file=sys.stderr)
    return 1 if missed else 0
