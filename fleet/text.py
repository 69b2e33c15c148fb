"""Text in the two languages that the platform speaks."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """One phrase in English and in simplified Chinese."""

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        """Return the phrase in `language` ("en" or "zh"); anything else gets English."""
        return self.zh if language == "zh" else self.en


def quoted(text: object, longest: int = 80) -> str:
    """Return what somebody wrote in quotation marks: shortened, what cannot be seen escaped."""
    whole = str(text)
    shown = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in whole[:longest]
    )
    return f'"{shown}{"…" if len(whole) > longest else ""}"'


def near(word: object, allowed: Iterable[str]) -> str:
    """Return which allowed word somebody may have meant, as the end of a sentence; "" where none is close."""
    found = difflib.get_close_matches(str(word), list(allowed), n=1)
    return f"; did you mean {found[0]}?" if found else ""
