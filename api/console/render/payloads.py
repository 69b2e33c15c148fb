"""Shows what a device sent and we could not read: as text where it is text, else as bytes in hex."""

from codecs import getincrementaldecoder
from dataclasses import dataclass

_TEXT_CHARACTERS = 4_000
_HEX_BYTES = 512
_PREVIEW_CHARACTERS = 72
_PREVIEW_BYTES = 20
_ROW_BYTES = 16
_PLAIN_CONTROLS = frozenset("\t\n\r")


@dataclass(frozen=True, slots=True)
class ShownPayload:
    """A payload as a page shows it: one line of it, the body, and whether the body is only its beginning."""

    preview: str
    body: str
    is_text: bool
    cut: bool


def show_payload(payload: bytes, truncated: bool) -> ShownPayload:
    """Return a payload for people; `truncated` tells that its end was not kept.

    Characters that nobody would see, or that turn the direction of writing, stand as ⟨U+202E⟩.
    """
    text = _as_text(payload, truncated)
    if text is None:
        preview = payload[:_PREVIEW_BYTES].hex(" ") + (" …" if len(payload) > _PREVIEW_BYTES else "")
        return ShownPayload(preview, _hex_dump(payload[:_HEX_BYTES]), False, len(payload) > _HEX_BYTES)
    line = visible(" ".join(text[: 2 * _PREVIEW_CHARACTERS].split()))
    preview = line if len(line) <= _PREVIEW_CHARACTERS else f"{line[:_PREVIEW_CHARACTERS]}…"
    return ShownPayload(preview, visible(text[:_TEXT_CHARACTERS]), True, len(text) > _TEXT_CHARACTERS)


def visible(text: str) -> str:
    """Return text whose characters can all be seen; a line break and a tab stay what they are."""
    return "".join(
        character if character.isprintable() or character in "\t\n" else f"⟨U+{ord(character):04X}⟩"
        for character in text
    )


def _as_text(payload: bytes, truncated: bool) -> str | None:
    try:
        # What was cut off may end within a character.
        text = getincrementaldecoder("utf-8")().decode(payload, final=not truncated)
    except UnicodeDecodeError:
        return None
    return None if any(_is_control(character) for character in text) else text


def _is_control(character: str) -> bool:
    code = ord(character)
    return (code < 0x20 or 0x7F <= code < 0xA0) and character not in _PLAIN_CONTROLS


def _hex_dump(payload: bytes) -> str:
    """Return lines of offset, bytes in hex, and those that are ASCII as characters."""
    lines = []
    for offset in range(0, len(payload), _ROW_BYTES):
        row = payload[offset : offset + _ROW_BYTES]
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f"{offset:04x}  {row.hex(' '):<{3 * _ROW_BYTES - 1}}  {letters}")
    return "\n".join(lines)
