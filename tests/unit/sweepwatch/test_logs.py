"""What goes to the terminal, and what to the file."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweepwatch.logs import start_logging


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers.clear()
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_the_terminal_has_the_error_in_one_line_and_the_file_where_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sweepwatch.log"
    start_logging(file, "info")
    log = logging.getLogger("amqtt.broker")
    try:
        {}["key"]
    except KeyError:
        log.exception("a task failed")
    log.info("of no concern")
    said = "sweepwatch: a task failed: KeyError: 'key'; more in the log\n"
    assert capfd.readouterr().err == said
    assert "Traceback" in file.read_text(encoding="utf-8")
    assert "of no concern" not in file.read_text(encoding="utf-8")
