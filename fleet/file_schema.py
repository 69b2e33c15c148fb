"""JSON Schemas of files that people write (fleet.config.Shape), as they are committed in docs/schema."""

import json
from typing import Any

from pydantic import BaseModel

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def file_schema(shape: type[BaseModel], title: str) -> dict[str, Any]:
    """Return the schema of a shape: no keys but those that it names are allowed, as in reading."""
    closed: dict[str, Any] = _closed(shape.model_json_schema(by_alias=True, mode="validation"))
    return {"$schema": _DIALECT} | closed | {"title": title}


def as_text(schema: dict[str, Any]) -> str:
    """Return a schema as it is committed."""
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _closed(found: Any) -> Any:
    if isinstance(found, list):
        return [_closed(each) for each in found]
    if not isinstance(found, dict):
        return found
    closed = {key: _closed(value) for key, value in found.items()}
    return closed | {"additionalProperties": False} if "properties" in found and "type" in found else closed
