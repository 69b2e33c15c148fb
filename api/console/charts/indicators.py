"""The charts of indicators: when cases are opened, and how engineers compare."""

import json
from collections.abc import Mapping, Sequence

from api.console.charts.drawing import to_svg
from api.console.render.words import word
from fleet.text import Language

_DAYS = 7
_HOURS = 24


def draw_heat(counts: Mapping[tuple[int, int], int], language: Language) -> str:
    """Return the SVG of how many cases were opened on which weekday and in which hour of the site's clock."""
    from api.console.charts.specs import heat_chart, quiet

    days = [word("weekday", str(day), language) for day in range(_DAYS)]
    rows = [
        {"day": days[day], "hour": hour, "cases": counts.get((day, hour), 0)}
        for day in range(_DAYS)
        for hour in range(_HOURS)
    ]
    return to_svg(json.dumps(quiet(heat_chart(rows, days)).to_dict()), language)


def draw_engineers(rows: Sequence[Mapping[str, object]], figures: Sequence[str], language: Language) -> str:
    """Return the SVG of shares by engineer, from rows `engineer, figure, share`; `figures` orders columns."""
    from api.console.charts.specs import engineer_chart, quiet

    return to_svg(json.dumps(quiet(engineer_chart(rows, figures)).to_dict()), language)
