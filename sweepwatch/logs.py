"""The log: a file in the data folder that does not grow for ever, warnings on the terminal as well."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

_LIMIT_BYTES = 10_000_000
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# What these tell at level info is their own business.
_CHATTY = (
    *("alembic", "amqtt", "apscheduler", "asyncio", "httpcore2", "httpx", "httpx2", "shap", "transitions"),
    "uvicorn",
)


def start_logging(file: Path, level: str) -> None:
    """Send log records of `level` and above to `file`, and warnings to the terminal."""
    to_file = RotatingFileHandler(file, maxBytes=_LIMIT_BYTES, backupCount=3, encoding="utf-8")
    to_file.setLevel(level.upper())
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setLevel(logging.WARNING)
    to_terminal.setFormatter(_OneLine())
    to_file.setFormatter(_Escaping(_FORMAT))
    logging.basicConfig(level=level.upper(), handlers=[to_file, to_terminal], force=True)
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # what it leaves out, jobs.py says
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Escaping(logging.Formatter):
    """One record begins one line: what others put into a message cannot pass for another record."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return a record's line, what cannot be seen escaped."""
        return _visible(super().formatMessage(record))


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


class _OneLine(logging.Formatter):
    """What a person at the terminal reads: what went wrong; where in the code is for the file."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record without a traceback."""
        said = _visible(f"sweepwatch: {record.getMessage()}")
        error = record.exc_info[1] if record.exc_info else None
        return said if error is None else f"{said}: {type(error).__name__}: {error}; more in the log"
