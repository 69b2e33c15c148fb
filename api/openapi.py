"""Completes the OpenAPI document: each operation shows an example of its answer and of its body."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from api.problems import MEDIA_TYPE

_BY_TYPE: dict[str, Any] = {"string": "text", "integer": 1, "number": 0.5, "boolean": True, "null": None}


def complete(app: FastAPI) -> None:
    """Make `app` serve its document with examples, built from those of the schemas' fields."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            for path in document["paths"].values():
                for operation in path.values():
                    _name_media_type(operation)
                    _add_examples(operation, document["components"]["schemas"])
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _name_media_type(operation: dict[str, Any]) -> None:
    """Show errors under their own media type: FastAPI files every model under application/json."""
    for code, answer in operation["responses"].items():
        content = answer.get("content", {})
        if code >= "400" and "application/json" in content:
            schema = content.pop("application/json")["schema"]
            content.setdefault(MEDIA_TYPE, {})["schema"] = schema


def _add_examples(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    answers = [answer for code, answer in operation["responses"].items() if code.startswith("2")]
    for part in (*answers, operation.get("requestBody", {})):
        for media_type, content in part.get("content", {}).items():
            if media_type == "application/json" and "example" not in content:
                content["example"] = example_of(content["schema"], schemas)


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Return a value that fits a JSON schema: its own first example, else one made of its parts'."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    own = [*schema.get("examples", ()), *schema.get("enum", ())]
    if own or "default" in schema:
        return own[0] if own else schema["default"]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas)
    if schema.get("type") == "array":
        return [example_of(schema["items"], schemas)]
    if schema.get("type") == "object":
        return {name: example_of(part, schemas) for name, part in schema.get("properties", {}).items()}
    is_date = schema.get("format") == "date"
    return "2026-11-30" if is_date else _BY_TYPE[schema.get("type", "string")]
