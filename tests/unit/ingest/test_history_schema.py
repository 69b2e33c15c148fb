"""The committed JSON Schema of a history's map is that of the code, and takes what the code takes."""

from pathlib import Path

from ingest.history.schema import NAME, schema_text

COMMITTED = Path(__file__).parents[3] / "docs" / "schema" / NAME


def test_the_committed_schema_is_that_of_the_code() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == schema_text(), "run `make docs`"
