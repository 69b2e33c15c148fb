"""The JSON Schema of a history's map: `python -m ingest.history.schema docs/schema`.

A test fails when the committed one is stale.
"""

import json
import sys
from pathlib import Path
from typing import Any

from ingest.history.shapes import HistoryMap

NAME = "history-map.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """Return the schema as it is committed."""
    found = HistoryMap.model_json_schema(by_alias=True, mode="validation")
    whole = {"$schema": _DIALECT} | _closed(found) | {"title": "How the files of a history are read"}
    return json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _closed(found: Any) -> Any:
    """Return a schema that allows no keys but those it names, and a text where one stands for `from`."""
    if isinstance(found, list):
        return [_closed(each) for each in found]
    if not isinstance(found, dict):
        return found
    closed = {key: _closed(value) for key, value in found.items()}
    if "properties" in found and found.get("type") == "object":
        closed |= {"additionalProperties": False}
        if "from" in found["properties"]:
            title = closed.pop("title", "")
            return {"title": title, "anyOf": [{"type": "string", "minLength": 1}, closed]}
    return closed


def main() -> None:
    """Write the schema to a folder."""
    (Path(sys.argv[1]) / NAME).write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
