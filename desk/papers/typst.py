"""Prints papers: a template of ours (Typst) over data, which it never takes for anything but text."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

Format = Literal["pdf", "png"]
PAPERS = Path(__file__).parent
_LOCK = Lock()
"""One paper at a time: each takes a core while it is set."""


def typeset(template: Path, data: Mapping[str, Any], at: int, form: Format = "pdf") -> bytes:
    """Return a paper as PDF, or its first page as PNG.

    `data` must be JSON-ready; the template reads it as `json(bytes(sys.inputs.data))`, so that what people
    wrote is a value there and cannot become markup or code. `at` (epoch ms) is the time that the file says
    it was made: the same data give the same bytes. It takes some tenths of a second of processor time in
    Rust, without Python's lock: call it in a thread.
    """
    made = datetime.fromtimestamp(at // 1000, UTC)
    with _LOCK:
        found = _compiler(template).compile(
            format=form, sys_inputs={"data": json.dumps(data, ensure_ascii=False)}, timestamp=made
        )
    assert found is not None  # no output file was named
    return bytes(found[0] if isinstance(found, list) else found)


@cache
def _compiler(template: Path) -> Any:
    """Return the compiler with its fonts: one that ships, and the system's for what it lacks (emoji)."""
    import typst  # which takes 30 MB that only papers need
    from pylopdf_fonts_zh_cn import sans_path

    fonts = typst.Fonts(include_system_fonts=True, font_paths=[sans_path().parent])
    return typst.Compiler(input=template, root=template.parent, font_paths=fonts)
