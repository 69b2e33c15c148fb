"""What commands print: tables as wide as the terminal, and JSON."""

from collections.abc import Callable
from typing import Any

import orjson
from rich.console import Console

Say = Callable[[str], None]
_WIDTH = 160
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def console(width: int = _WIDTH) -> Console:
    """Return where tables are printed: as wide as the terminal, or `width` columns in a file or a pipe."""
    here = Console()
    return here if here.is_terminal else Console(width=width)


def json_text(value: Any) -> str:
    """Return a value as indented JSON; what is no number there (NaN, infinity) becomes null."""
    return orjson.dumps(value, option=_JSON).decode()
