"""Sets a service report (api/report/service.py)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from desk.papers import typst

_TEMPLATE = Path(__file__).with_name("service.typ")


def typeset(report: Mapping[str, Any], at: int, form: typst.Format = "pdf") -> bytes:
    """Return a report as PDF, or its first page as PNG; `at` is when it says it was made (epoch ms)."""
    return typst.typeset(_TEMPLATE, report, at, form)
