"""YAML 1.2 for our files: `no` is a text, `012` too, `12:30:00` and dates are texts; keys are always texts.

PyYAML reads YAML 1.1, in which they are a bool, a number in octal and numbers of seconds. Its parser is kept;
what plain scalars mean is that of the core schema of 1.2.2 (chapter 10.3), with two things stricter: a whole
number with a leading zero is a text (a code, as a rule), and a key that stands twice is an error.
"""

import re
from typing import Any

import yaml

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_DEEPEST = 50
"""So many levels may stand within one another: each is a call within a call."""
_MOST_ALIASES = 100
_ROOT = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Composes as PyYAML does; resolves plain scalars and constructs mappings as above."""

    yaml_implicit_resolvers: dict[str | None, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - of PyYAML
    depth = anchored = aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Return the next node; its own nodes are composed within."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        is_alias = isinstance(event, yaml.AliasEvent)
        has_anchor = not is_alias and getattr(event, "anchor", None) is not None
        self.aliases += is_alias
        self._check(event)
        self.depth, self.anchored = self.depth + 1, self.anchored + has_anchor
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth, self.anchored = self.depth - 1, self.anchored - has_anchor

    def _check(self, event: yaml.Event) -> None:
        """Raise ComposerError for what few characters can make more of than any machine can hold."""
        wrong = None
        if self.depth >= _DEEPEST:
            wrong = "nested too deeply to be read"
        elif self.aliases > _MOST_ALIASES:
            wrong = f"more than {_MOST_ALIASES} aliases; write out what they stand for"
        elif isinstance(event, yaml.AliasEvent) and self.anchored:
            wrong = f"*{event.anchor}: an alias within what has an anchor; write out what it stands for"
        if wrong is not None:
            mark = event.start_mark
            raise yaml.composer.ComposerError(None, None, wrong, mark)  # type: ignore[arg-type]

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return a mapping's node. No key stands twice in it; one that `<<` brings may stand there anew."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    mark = key.start_mark
                    raise yaml.composer.ComposerError(None, None, f"the key {key.value!r} stands twice", mark)
                seen.add(key.value)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping whose keys are texts, as they are spelled; its own go before merged ones."""
        self.flatten_mapping(node)
        made: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a text", key_node.start_mark
                )
            made[key_node.value] = self.construct_object(value_node, deep=True)
        return made


def _construct_map(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    return loader.construct_mapping(node)


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node), 0)


def _construct_float(loader: _Loader, node: yaml.ScalarNode) -> float:
    text = loader.construct_scalar(node).lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


# A scalar is tried in this order; nothing else has a meaning of its own.
for _name, _pattern in (("null", _NULL), ("bool", _BOOL), ("int", _INT), ("float", _FLOAT)):
    _Loader.add_implicit_resolver(f"{_ROOT}{_name}", re.compile(f"(?:{_pattern.pattern})\\Z"), None)
_Loader.add_implicit_resolver(f"{_ROOT}merge", re.compile(r"<<\Z"), ["<"])
_Loader.add_constructor(f"{_ROOT}map", _construct_map)
_Loader.add_constructor(f"{_ROOT}int", _construct_int)
_Loader.add_constructor(f"{_ROOT}float", _construct_float)


def load_yaml(text: str) -> Any:
    """Return what a YAML 1.2 document holds. Raises yaml.YAMLError, which names the line."""
    # _Loader is a SafeLoader: it makes no objects.
    return yaml.load(text, Loader=_Loader)  # nosec B506


def compose_yaml(text: str) -> yaml.Node | None:
    """Return a document's nodes, which know their lines; None for an empty one. Raises yaml.YAMLError."""
    node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    return node
