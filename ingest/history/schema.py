"""The JSON Schema of a history's map: `python -m ingest.history.schema docs/schema`.

A test fails when the committed one is stale.
"""

import sys
from pathlib import Path
from typing import Any

from fleet.file_schema import as_text, file_schema
from ingest.history.shapes import HistoryMap

NAME = "history-map.schema.json"


def schema_text() -> str:
    """Return the schema as it is committed."""
    return as_text(_or_text(file_schema(HistoryMap, "How the files of a history are read")))


def _or_text(found: Any) -> Any:
    """Return a schema that also allows a text where one stands for `from`."""
    if isinstance(found, list):
        return [_or_text(each) for each in found]
    if not isinstance(found, dict):
        return found
    told = {key: _or_text(value) for key, value in found.items()}
    if "from" not in found.get("properties", {}):
        return told
    title = told.pop("title", "")
    return {"title": title, "anyOf": [{"type": "string", "minLength": 1}, told]}


def main() -> None:
    """Write the schema to a folder."""
    (Path(sys.argv[1]) / NAME).write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
