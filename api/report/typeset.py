"""Sets a report: data in, PDF out. What people wrote is handed over as data and never becomes markup."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

Format = Literal["pdf", "png"]
_HERE = Path(__file__).parent
_LOCK = Lock()
"""One report at a time: each takes a core while it is set."""


def typeset(report: Mapping[str, Any], at: int, form: Format = "pdf") -> bytes:
    """Return a report (api/report/service.py) as PDF, or its first page as PNG.

    `at` (epoch ms) is the time that the file says it was made: the same data give the same bytes. It takes
    some tenths of a second of processor time in Rust, without Python's lock: call it in a thread.
    """
    made = datetime.fromtimestamp(at // 1000, UTC)
    with _LOCK:
        found = _compiler().compile(
            format=form, sys_inputs={"report": json.dumps(report, ensure_ascii=False)}, timestamp=made
        )
    assert found is not None  # no output file was named
    return bytes(found[0] if isinstance(found, list) else found)


@cache
def _compiler() -> Any:
    """Return the compiler with its fonts: one that ships, and the system's for what it lacks (emoji)."""
    import typst
    from pylopdf_fonts_zh_cn import sans_path

    fonts = typst.Fonts(include_system_fonts=True, font_paths=[sans_path().parent])
    return typst.Compiler(input=_HERE / "service.typ", root=_HERE, font_paths=fonts)
