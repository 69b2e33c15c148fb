"""What remarks of customers are about, and which of it comes more often than it used to.

Remarks of one language are taken apart into themes by their words (of Chinese: by runs of two and three
characters), weighted by TF-IDF and factorised by NMF; a remark belongs to the theme that weighs most in it.
scikit-learn is imported where it is used: few need it, and it takes seconds.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import sqrt
from typing import Any
from zoneinfo import ZoneInfo

from fleet.feedback import Feedback
from fleet.text import Language

ENOUGH_REMARKS = 20
"""With fewer in a language there is nothing to be told apart."""
ENOUGH_BEFORE = 20
"""Of so many remarks of earlier months what is usual can be said."""
LEAST = 3
"""A theme of fewer remarks in a month is nobody's task."""
MOST_THEMES = 8
_TERMS = 3
_CHANCE = 0.05
"""So seldom a month in which nothing changed has a theme above its usual share (for all themes together)."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_NO_WORD = re.compile(r"[^\w\u3400-\u9fff]+")
_SEED = 0


@dataclass(frozen=True, slots=True)
class Theme:
    """Remarks that are about one thing. `terms` name it, `faults` are what the engineers found, most first.

    `now` of `of_now` remarks of this month are about it, `before` of `of_before` of the months before.
    `is_above`: it comes more often than it used to, and not by chance. `example` is its most typical remark.
    """

    language: Language
    terms: tuple[str, ...]
    remarks: tuple[Feedback, ...]
    faults: tuple[tuple[str, int], ...]
    now: int
    of_now: int
    before: int
    of_before: int
    is_above: bool = False
    example: str = ""

    @property
    def name(self) -> str:
        """What it is called: its terms."""
        return (" / " if self.language == "en" else "、").join(self.terms)

    @property
    def share(self) -> float | None:
        """Its share of this month's remarks; None where there are none."""
        return self.now / self.of_now if self.of_now else None

    @property
    def usual(self) -> float | None:
        """Its share of the remarks of the months before; None where these are too few."""
        return self.before / self.of_before if self.of_before >= ENOUGH_BEFORE else None


@dataclass(frozen=True, slots=True)
class Themes:
    """The themes of remarks, most frequent this month first; none where there are `too_few` remarks."""

    month: str
    remarks: int
    themes: tuple[Theme, ...]

    @property
    def too_few(self) -> bool:
        """Whether there are too few remarks yet to tell themes apart."""
        return not self.themes

    @property
    def too_young(self) -> bool:
        """Whether nobody can say yet what is usual."""
        return all(each.usual is None for each in self.themes)


def month_of(ms: int, zone: ZoneInfo) -> str:
    """Return the month of a time (epoch ms) by a zone's clock, such as 2026-11."""
    return f"{datetime.fromtimestamp(ms / 1000, zone):%Y-%m}"


def themes_of(remarks: Sequence[Feedback], now: int, zone: ZoneInfo) -> Themes:
    """Return the themes of remarks at `now` (epoch ms): the same for the same remarks."""
    month = month_of(now, zone)
    spoken: dict[Language, list[Feedback]] = {"zh": [], "en": []}
    for each in remarks:
        spoken[language_of_remark(each.said.remark)].append(each)
    found = [
        theme
        for language, those in spoken.items()
        if len(those) >= ENOUGH_REMARKS
        for theme in _themes(language, those, month, zone)
    ]
    found = [replace(each, is_above=is_above(each, len(found))) for each in found]
    found.sort(key=lambda each: (-each.now, -len(each.remarks), each.name))
    return Themes(month, len(remarks), tuple(found))


def is_above(theme: Theme, many: int) -> bool:
    """Tell whether a theme's share has grown: Fisher's exact test, its level shared by all themes."""
    from scipy.stats import hypergeom

    if theme.usual is None or theme.now < LEAST:
        return False
    whole, about = theme.of_now + theme.of_before, theme.now + theme.before
    return bool(hypergeom.sf(theme.now - 1, whole, about, theme.of_now) < _CHANCE / many)


def language_of_remark(text: str) -> Language:
    """Return the language of a remark: Chinese where there is Chinese in it."""
    return "zh" if _HAN.search(text) else "en"


def _themes(language: Language, remarks: Sequence[Feedback], month: str, zone: ZoneInfo) -> list[Theme]:
    own = [month_of(each.at, zone) == month for each in remarks]
    groups = _grouped(language, [each.said.remark for each in remarks])
    found = []
    for terms, members, typical in groups:
        those = [remarks[n] for n in members]
        now = sum(own[n] for n in members)
        faults = Counter(fault for each in those for fault in each.faults)
        found.append(
            Theme(
                language,
                terms,
                tuple(reversed(those)),
                tuple(faults.most_common(3)),
                now,
                sum(own),
                len(those) - now,
                len(remarks) - sum(own),
                example=remarks[typical].said.remark,
            )
        )
    return found


def _grouped(language: Language, texts: Sequence[str]) -> list[tuple[tuple[str, ...], list[int], int]]:
    """Return for each theme its terms, the numbers of its texts, and that of the most typical."""
    from sklearn.decomposition import NMF
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # ships no types

    vectorizer = _vectorizer(language)
    try:
        weights = vectorizer.fit_transform([_NO_WORD.sub(" ", text.lower()) for text in texts])
    except ValueError:  # no word comes twice
        return []
    many = min(MOST_THEMES, max(2, round(sqrt(len(texts) / 2))), *weights.shape)
    model = NMF(many, init="nndsvda", random_state=_SEED, max_iter=400)
    with threadpool_limits(1):  # so little is done by more threads that they would only wait for each other
        belongs = model.fit_transform(weights)
    names = vectorizer.get_feature_names_out()
    members: dict[int, list[int]] = {}
    for number, row in enumerate(belongs):
        if row.max() > 0:  # a text of rare words alone is about none of them
            members.setdefault(int(row.argmax()), []).append(number)
    return [
        (_terms(names, model.components_[theme]), those, max(those, key=lambda n: belongs[n][theme]))
        for theme, those in sorted(members.items())
    ]


def _vectorizer(language: Language) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if language == "zh":
        return TfidfVectorizer(analyzer=_runs, min_df=2, max_df=0.6, sublinear_tf=True)
    return TfidfVectorizer(ngram_range=(1, 2), stop_words="english", min_df=2, max_df=0.6, sublinear_tf=True)


def _runs(text: str) -> list[str]:
    """Return the runs of two and three characters of each word of a text."""
    return [
        word[n : n + size] for word in text.split() for size in (2, 3) for n in range(len(word) - size + 1)
    ]


def _terms(names: Sequence[str], weights: Sequence[float]) -> tuple[str, ...]:
    """Return the heaviest terms of a theme, none of which overlaps one before it."""
    chosen: list[str] = []
    for n in sorted(range(len(weights)), key=lambda n: (-weights[n], names[n])):
        name = str(names[n])
        if not any(_overlap(name, each) for each in chosen):
            chosen.append(name)
        if len(chosen) == _TERMS or weights[n] <= 0:
            break
    return tuple(chosen)


def _overlap(one: str, other: str) -> bool:
    if " " in one or " " in other or one.isascii():
        return bool(set(one.split()) & set(other.split()))
    return (
        any(one[n : n + 2] in other for n in range(len(one) - 1))
        or one[0] == other[-1]
        or one[-1] == other[0]
    )
