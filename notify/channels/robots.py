"""What the robots of chat services have in common: a token in an address, and an answer with a code inside.

All of them answer HTTP 200 to what they refuse. Only the code inside says what became of a message.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from fleet.notices import NotDelivered, Proof, Receipt
from notify.channels.http import Answer, Poster, refused
from notify.channels.unsaid import unsaid

_JSON = {"content-type": "application/json; charset=utf-8"}
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Codes:
    """How a provider says what became of a message: the keys of the code (0: taken) and of its words.

    `passing` are codes that are over by themselves, with the seconds to wait (None: as we like); `final` are
    those that say no for good. A code that is neither may be tried again: what waits is not lost.
    """

    code: tuple[str, ...]
    words: tuple[str, ...]
    passing: Mapping[int, float | None]
    final: Collection[int]

    def receipt(self, answer: Answer, secrets: Iterable[str]) -> Receipt:
        """Return what an answer proves. Raises NotDelivered where it is a refusal, or says nothing."""
        said = answer.json
        if answer.status != 200:
            raise refused(answer, secrets)
        code = _first(said, self.code)
        if not isinstance(code, int) or isinstance(code, bool):
            raise NotDelivered(
                f"the provider's answer has no {self.code[0]}, which alone says whether it was taken",
                again=True,
                maybe=True,
            )
        told = unsaid(f"{self.code[0]} {code} {_first(said, self.words) or ''}".strip(), secrets)
        if code == 0:
            return Receipt(Proof.ACCEPTED, told=told)
        again = code not in self.final
        raise NotDelivered(told, again=again, after_s=self.passing.get(code) if again else None)


def _first(said: Any, names: Iterable[str]) -> Any:
    found = (said[name] for name in names if name in said) if isinstance(said, dict) else iter(())
    return next(found, None)


def post_json(poster: Poster, url: str, body: Any) -> Answer:
    """Return what is answered to a JSON body."""
    return poster.post(url, _JSON, orjson.dumps(body))


def token_in(given: str, query: str | None) -> str:
    """Return the token from what people enter: itself, or the whole address, which names it in its query.

    Without a name in the query it is the last part of the path.
    """
    given = given.strip()
    if "://" not in given:
        return given
    try:
        parts = urlsplit(given)
    except ValueError:
        return ""
    if query is None:
        return parts.path.rstrip("/").rpartition("/")[2]
    return parse_qs(parts.query).get(query, [""])[0]


def is_token(query: str | None) -> Callable[[str], bool]:
    """Return what tells whether something entered holds a token."""

    def test(given: str) -> bool:
        token = token_in(given, query)
        return (
            8 <= len(token) <= 256 and token.isascii() and token.replace("-", "").replace("_", "").isalnum()
        )

    return test
