"""Who knows whom: no cycle between files, and layers that strings do not get round."""

import ast
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS = [
    {room.strip() for room in layer.split("|")}
    for layer in PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
]
RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}


def modules() -> dict[str, Path]:
    """Return the files of the rooms by module name."""
    found = {}
    for room in RANK:
        for path in (ROOT / room).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def names_in(tree: ast.AST) -> Iterator[str]:
    """Yield every dotted name that a file imports or holds as a string, `module:function` included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.partition(":")[0]


def references(files: dict[str, Path]) -> dict[str, set[str]]:
    """Return for each module of ours those it refers to; a package's own name only where it holds code."""
    found = {}
    for module, path in files.items():
        named = set(names_in(ast.parse(path.read_text(encoding="utf-8"))))
        found[module] = {name for name in named if name in files and "." in name and name != module}
    return found


REFERENCES = references(modules())


def test_no_file_is_part_of_a_cycle_of_imports() -> None:
    try:
        order = list(TopologicalSorter(REFERENCES).static_order())
    except CycleError as error:
        pytest.fail(" > ".join(error.args[1]))
    assert len(order) > 200


def beyond(references: dict[str, set[str]]) -> list[str]:
    """Return the references that a layer may not make."""
    found = []
    for module, known in references.items():
        mine = module.split(".")[0]
        for other in known:
            theirs = other.split(".")[0]
            if theirs != mine and RANK[theirs] <= RANK[mine]:
                found.append(f"{module} > {other}")
    return sorted(found)


def test_a_reference_in_a_string_gets_round_no_layer() -> None:
    assert beyond(REFERENCES) == []


def test_a_stage_that_names_a_sibling_or_a_layer_above_in_a_string_is_found() -> None:
    for text in ("desk.tickets.desk", "sweepwatch.wiring:build"):
        named = set(names_in(ast.parse(f"known = {text!r}")))
        assert beyond({"alerts.engine": named}) == [f"alerts.engine > {text.partition(':')[0]}"]
