"""JSON Schemas of the files that clocks are reckoned from: `python -m desk.clocks.schema docs/schema`.

A test fails when the committed ones are stale.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from desk.clocks.files import CalendarsFile, CaseFile
from fleet.sla import SlaPolicy

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by the names of their files."""
    calendars = _schema(CalendarsFile, "Calendars of the service, or one alone")
    one = {"$ref": "#/$defs/ServiceCalendar"}
    many = {key: calendars.pop(key) for key in ("type", "properties", "required", "additionalProperties")}
    return {
        "sla-policy.schema.json": _schema(SlaPolicy, "What was promised for which cases"),
        "sla-calendars.schema.json": calendars | {"oneOf": [one, many]},
        "sla-case.schema.json": _schema(CaseFile, "A case as clocks see it"),
    }


def _schema(shape: type[BaseModel], title: str) -> dict[str, Any]:
    found = shape.model_json_schema(by_alias=True, mode="validation")
    closed: dict[str, Any] = _closed(found)
    return {"$schema": _DIALECT} | closed | {"title": title}


def _closed(found: Any) -> Any:
    """Return a schema that allows no keys but those it names, as reading does."""
    if isinstance(found, list):
        return [_closed(each) for each in found]
    if not isinstance(found, dict):
        return found
    closed = {key: _closed(value) for key, value in found.items()}
    return closed | {"additionalProperties": False} if "properties" in found and "type" in found else closed


def main() -> None:
    """Write the schemas to a folder."""
    folder = Path(sys.argv[1])
    for name, schema in schemas().items():
        text = json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True)
        (folder / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
