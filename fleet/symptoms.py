"""Which fault somebody may mean by their own words: proposals, in order, of which a person chooses."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from fleet.catalogue.entries import Catalogue, Phrases
from fleet.catalogue.present import present
from fleet.catalogue.reading import standard
from fleet.config import Shape, read_config
from fleet.errors import ConfigError
from fleet.faults import FAULTS
from fleet.signals import Kind
from fleet.text import Language, quoted

_FILE = Path(__file__).with_name("symptoms.yaml")
_LEAST = 0.45
"""How much of a phrase has to be there, 0 to 1, that its fault is proposed."""
_MOST = 5
_OTHER_WAY = 0.35
"""What is left of a score where one of both denies what the other says."""
_CLAUSES = re.compile(
    r"[.!?;,:\n。！？；，、：…]+|\b(?:but|and|although|while|however)\b|但是?|不过|而且|可是|然而"
)
_WORDS = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]+")
_SPELLINGS = (
    (re.compile(r"[’`]"), "'"),
    (re.compile(r"\bwi-?\s?fi\b|\bwlan\b|无线网络?|网络"), " wifi网 "),
    (re.compile(r"\b(?:stopped|stops|quit|unable to|fails? to|failed to|refuses? to|no longer)\b"), " not "),
    (re.compile(r"\b(?:can't|cannot|can not|cant)\b"), " not "),
    (re.compile(r"\b(?:wont|doesnt|dont|isnt|wasnt|hasnt)\b|\b\w+n't\b"), " not "),
    (re.compile(r"不停地?|不断地?|老是|总是"), "一直"),
    (re.compile(r"没有?办法|无法|不能|不会"), "不"),
    (re.compile(r"没有|未曾|并未|未|无"), "没"),
)
_DENIALS = {"not", "no", "never", "without", "none"}
_ZH_DENIALS = "不没"
_ALL_RIGHT = re.compile(
    r"\b(?:fine|ok|okay|normal(?:ly)?|all right|works? well|good)\b|正常|没问题|没事|很好|都好|良好"
)
_DENIED_RIGHT = re.compile(r"\bnot\b|不(?:太)?(?:正常|好)|没")
_STOP = frozenset(
    re.findall(
        r"\w+",
        "a an the is are be it its this that on in of to at with from my our your has have had do does did "
        "am was were very so too when if there here i we you he she they s t and or as by for again any some",
    )
)
_ENDINGS = ("ings", "ing", "edly", "ed", "es", "s", "ly")
_SAME = {
    **dict.fromkeys(("robot", "machine", "device", "unit", "cleaner", "机器", "机器人"), ""),
    **dict.fromkeys(("roller",), "brush"),
    **dict.fromkeys(("hoover", "vacuum", "vacuum"), "suck"),
    **dict.fromkeys(("suction",), "suck"),
    **dict.fromkeys(("app", "phone"), "app"),
    **dict.fromkeys(("burnt", "burn"), "burn"),
    **dict.fromkeys(("leak", "drip"), "leak"),
    **dict.fromkeys(("spin", "turn", "rotat"), "turn"),
    **dict.fromkeys(("tire", "tyre"), "tyre"),
    **dict.fromkeys(("stuck", "jamm", "jam", "block", "caught"), "stuck"),
    **dict.fromkeys(("clogg", "clog"), "clog"),
    **dict.fromkeys(("drive", "driv", "move", "mov", "drove"), "move"),
    **dict.fromkeys(("dock", "station", "charger"), "dock"),
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A fault that somebody may mean; `score` is how much of its best phrase was said, 0 to 1."""

    fault: str
    score: float


class _SymptomFile(Shape):
    symptoms: dict[str, dict[Language, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class _Said:
    """A phrase or a clause: what it is made of, and whether it denies something."""

    terms: frozenset[str]
    denies: bool


def phrases() -> dict[str, Phrases]:
    """Return the phrases by fault and language: those that ship, and those of an installation's own faults.

    Raises ConfigError where the shipped file is wrong.
    """
    return _shipped() | dict(present().symptoms)


@cache
def _shipped() -> dict[str, Phrases]:
    found = read_config(_FILE, _SymptomFile).symptoms
    for fault in found:
        if fault not in standard().faults:
            raise ConfigError(f"symptoms.{fault}: {quoted(fault)} is no fault of the catalogue")
    return dict(found)


def match(words: str, kind: Kind | None = None) -> list[Proposal]:
    """Return which faults (of a kind of device, or of any) somebody may mean, the likeliest five in order.

    Each clause speaks for itself: one that says that something is all right proposes nothing, and one that
    denies what a phrase says ("not leaking") hardly does. Long texts are read up to 2,000 characters.
    """
    clauses = [_said(clause) for clause in _clauses(words[:2_000])]
    scores: dict[str, float] = {}
    book = _phrasebook(present())
    for fault, known in book.phrases.items():
        if kind not in (None, FAULTS[fault].kind):
            continue
        single = sorted((book.fit(phrase, clause) for phrase in known for clause in clauses), reverse=True)
        if single:
            # Of two with the same best phrase the one of which more was said goes before.
            scores[fault] = min(1.0, single[0]) + 0.01 * sum(single[1:4])
    ranked = sorted(scores.items(), key=lambda item: (-item[1], list(FAULTS).index(item[0])))
    return [Proposal(fault, round(min(1.0, score), 3)) for fault, score in ranked if score >= _LEAST][:_MOST]


@dataclass(frozen=True, slots=True)
class _Phrasebook:
    """What a catalogue's phrases are made of by fault, and how much each term tells.

    What many faults have in common tells little.
    """

    phrases: Mapping[str, tuple[_Said, ...]]
    weights: Mapping[str, float]

    def fit(self, phrase: _Said, clause: _Said) -> float:
        """Return how much of a phrase a clause says, by the weight of its terms."""
        whole = sum(self.weights[term] for term in phrase.terms)
        if not whole:
            return 0.0
        said = sum(self.weights[term] for term in phrase.terms & clause.terms) / whole
        return said if phrase.denies == clause.denies else said * _OTHER_WAY


@lru_cache(maxsize=2)
def _phrasebook(catalogue: Catalogue) -> _Phrasebook:
    known = {
        fault: tuple(_said(_plain(each)) for told in by_language.values() for each in told)
        for fault, by_language in (_shipped() | dict(catalogue.symptoms)).items()
    }
    of_faults: Counter[str] = Counter()
    for said in known.values():
        of_faults.update(set[str]().union(*(each.terms for each in said)))
    weights = {term: math.log(1 + len(known) / count) for term, count in of_faults.items()}
    return _Phrasebook(known, weights)


def _clauses(words: str) -> Iterator[str]:
    for clause in _CLAUSES.split(_plain(words)):
        if clause and clause.strip() and (not _ALL_RIGHT.search(clause) or _DENIED_RIGHT.search(clause)):
            yield clause


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    for found, instead in _SPELLINGS:
        plain = found.sub(instead, plain)
    return plain


def _said(plain: str) -> _Said:
    terms, denials = set[str](), 0
    for run in _WORDS.findall(plain):
        if run.isascii():
            denials += run in _DENIALS
            terms.add(_stem(run))
        else:
            denials += sum(run.count(each) for each in _ZH_DENIALS)
            terms.update(_of_characters(run))
    terms.discard("")
    return _Said(frozenset(terms), denials % 2 == 1)


def _of_characters(run: str) -> Iterable[str]:
    """Return the characters of a run of Chinese, and each two that stand together."""
    kept = "".join(one for one in run if one not in "的了是在很我们有着个就也都还这那啊呢吧吗一")
    return [
        *(one for one in kept if one not in _ZH_DENIALS),
        *(a + b for a, b in pairwise(kept)),
    ]


def _stem(word: str) -> str:
    if word in _STOP or word in _DENIALS:
        return ""
    if word in _SAME:
        return _SAME[word]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    word = word.rstrip("e") if len(word) > 4 else word
    return _SAME.get(word, word)
