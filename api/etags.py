"""Versions as ETags: what was read goes into If-Match, so that nobody overwrites what they have not seen."""

import re
from typing import Annotated

from fastapi import Header

from fleet.errors import InvalidInput
from fleet.text import quoted

_ETAG = re.compile(r'"(\d{1,18})"')
IfMatch = Annotated[str | None, Header(alias="if-match", description="The ETag that was read")]
IfNoneMatch = Annotated[str | None, Header(alias="if-none-match", description="*: only a new one")]


def etag_of(version: int) -> str:
    """Return a version as an ETag."""
    return f'"{version}"'


def version_of(if_match: str | None, if_none_match: str | None = None) -> int | None:
    """Return the version that was read, 0 for none, None where nobody said it. Raises InvalidInput."""
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise InvalidInput(f"If-None-Match: {quoted(if_none_match)} is not possible here; allowed: *")
        return 0
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise InvalidInput(f'If-Match: {quoted(if_match)} is no ETag of ours; allowed: "1", "2", … or *')
    return int(found[1])
