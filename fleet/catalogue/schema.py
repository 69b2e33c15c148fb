"""The JSON Schema of a catalogue's file: `python -m fleet.catalogue.schema docs/schema`.

A test fails when the committed one is stale.
"""

import sys
from pathlib import Path

from fleet.catalogue.reading import CatalogueFile
from fleet.file_schema import as_text, file_schema

NAME = "catalogue.schema.json"


def schema_text() -> str:
    """Return the schema as it is committed."""
    return as_text(file_schema(CatalogueFile, "Faults, components, parts and skills of an installation"))


def main() -> None:
    """Write the schema to a folder."""
    (Path(sys.argv[1]) / NAME).write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
