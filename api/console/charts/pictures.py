"""Charts as pictures (PNG), for messages that show no SVG."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from api.console.charts.drawing import draw_course
from fleet.risks import Driver
from fleet.text import Language

_ON_WHITE = {"ink": "#4b5563", "grid": "#e5e7eb", "line": "#0b6e8f"}
"""What the colours of a light page are (drawing.py), where nothing knows the reader's scheme."""
_SCALE = 2.0


def course_picture(evidence: Mapping[str, object], zone: ZoneInfo, language: Language) -> bytes | None:
    """Return the days behind the first driver of an alert's evidence that has some, as a PNG; else None."""
    stored = evidence.get("drivers")
    drivers = [Driver.from_dict(each) for each in stored] if isinstance(stored, list) else []
    found = next((each for each in drivers if each.course is not None), None)
    if found is None or found.course is None:
        return None
    offset = datetime.fromtimestamp(found.course.start / 1000, zone).utcoffset() or timedelta()
    local = replace(found.course, start=found.course.start + round(offset.total_seconds() * 1000))
    return to_png(draw_course(local, found.unit, language))


def to_png(svg: str) -> bytes:
    """Return an SVG of ours as a PNG on white."""
    import vl_convert

    head, _, rest = on_white(svg).partition(">")
    white = f'{head}><rect width="100%" height="100%" fill="#ffffff"/>{rest}'
    png: bytes = vl_convert.svg_to_png(white, scale=_SCALE)
    return png


def on_white(svg: str) -> str:
    """Return an SVG of ours with the colours of a light page, where nothing knows the reader's scheme."""
    plain = re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL)
    for name, colour in _ON_WHITE.items():
        plain = plain.replace(f"var(--{name})", colour)
    return plain
