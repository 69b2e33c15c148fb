"""Topic patterns with captures: `factory/{site}/{device}/data` is a filter and takes topics apart."""

import re
from collections.abc import Sequence

PREFIX = r"^/?[^/+#$]([^+#]*[^/+#])?$"
"""What stands before the levels that a dialect reads: one level or more, without wildcards."""
_CAPTURE = re.compile(r"\{([a-z]+)\}")


class TopicPattern:
    """One pattern: levels are text, `+`, or a capture such as `{device}`; the last may be `#`.

    Raises ValueError that says what is wrong and what is allowed.
    """

    def __init__(self, pattern: str, allowed: Sequence[str]) -> None:
        names: list[str] = []
        levels = pattern.split("/")
        parts = [_level(level, names, last=at == len(levels) - 1) for at, level in enumerate(levels)]
        for name in names:
            if name not in allowed:
                raise ValueError(f"{{{name}}} is no capture; allowed: {_listed(allowed)}")
            if names.count(name) > 1:
                raise ValueError(f"{{{name}}} stands twice in {pattern!r}")
        first = levels[1] if len(levels) > 1 and not levels[0] else levels[0]  # `/factory` begins with ``
        if not first or first in ("+", "#") or first.startswith(("{", "$")):
            raise ValueError(f"{pattern!r} must begin with a level of plain text: factory/ or /factory/")
        self.names = tuple(names)
        self.filter = "/".join(mqtt for mqtt, _ in parts)
        self._regex = re.compile(
            "/".join(regex for _, regex in parts).replace("/.*\\Z", "(?:/.*)?"), re.DOTALL
        )

    def match(self, topic: str) -> dict[str, str] | None:
        """Return what the captures hold, or None where the topic is another's."""
        found = self._regex.fullmatch(topic)
        return found.groupdict() if found else None


def _level(level: str, names: list[str], *, last: bool) -> tuple[str, str]:
    """Return one level as MQTT's filter and as a regular expression; its capture is added to `names`."""
    capture = _CAPTURE.fullmatch(level)
    if capture:
        names.append(capture[1])
        return "+", f"(?P<{capture[1]}>[^/]+)" if names.count(capture[1]) == 1 else "[^/]+"
    if level == "+":
        return "+", "[^/]+"
    if level == "#" and last:
        return "#", ".*\\Z"
    if any(mark in level for mark in "{}+#"):
        raise ValueError(f"level {level!r}: a capture, + or # stands alone between slashes, # last")
    return level, re.escape(level)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
