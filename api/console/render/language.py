"""The console's languages: which one a request wants, and the gettext catalogue of each."""

from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import Request

from fleet.text import LANGUAGES, Language

COOKIE = "lang"
HTML_TAGS: dict[Language, str] = {"en": "en", "zh": "zh-CN"}
LOCALES: dict[Language, str] = {"en": "en_GB", "zh": "zh_Hans_CN"}
_CATALOGUE = Path(__file__).parents[1] / "locale" / "zh_CN" / "LC_MESSAGES" / "console.po"


def language_of(request: Request) -> Language:
    """Return the language of a request: `?lang=`, else its cookie, else Accept-Language, else English."""
    for asked in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        found = _language(asked)
        if found is not None:
            return found
    return _preferred(request.headers.get("accept-language", ""))


def translations(language: Language) -> NullTranslations:
    """Return the catalogue of a language; English is what the templates are written in.

    It is compiled in memory from the .po file: no compiled copy that could be stale.
    """
    if language == "en":
        return NullTranslations()
    compiled = BytesIO()
    with _CATALOGUE.open("rb") as file:
        write_mo(compiled, read_po(file, locale="zh_CN"))
    compiled.seek(0)
    return GNUTranslations(compiled)


def _language(tag: str | None) -> Language | None:
    primary = (tag or "").lower().replace("_", "-").split("-")[0]
    return next((language for language in LANGUAGES if language == primary), None)


def _preferred(header: str) -> Language:
    ranked = []
    for position, part in enumerate(header.split(",")):
        tag, _, weight = part.partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            quality = 0.0
        language = _language(tag.strip())
        if language is not None and quality > 0:
            ranked.append((-quality, position, language))
    return min(ranked)[2] if ranked else "en"
