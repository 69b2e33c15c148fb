"""JSON Schemas of the files that clocks are reckoned from: `python -m desk.clocks.schema docs/schema`.

A test fails when the committed ones are stale.
"""

import sys
from pathlib import Path
from typing import Any

from desk.clocks.files import CalendarsFile, CaseFile
from fleet.file_schema import as_text, file_schema
from fleet.sla import SlaPolicy


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by the names of their files."""
    calendars = file_schema(CalendarsFile, "Calendars of the service, or one alone")
    one = {"$ref": "#/$defs/ServiceCalendar"}
    many = {key: calendars.pop(key) for key in ("type", "properties", "required", "additionalProperties")}
    return {
        "sla-policy.schema.json": file_schema(SlaPolicy, "What was promised for which cases"),
        "sla-calendars.schema.json": calendars | {"oneOf": [one, many]},
        "sla-case.schema.json": file_schema(CaseFile, "A case as clocks see it"),
    }


def main() -> None:
    """Write the schemas to a folder."""
    folder = Path(sys.argv[1])
    for name, schema in schemas().items():
        (folder / name).write_text(as_text(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
