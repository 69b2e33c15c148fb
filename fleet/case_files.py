"""A picture or a document of a case, as rooms exchange it."""

from dataclasses import dataclass
from enum import StrEnum

MEBIBYTE = 1_048_576


class FileKind(StrEnum):
    """What a file is for."""

    PHOTO = "photo"
    DOCUMENT = "document"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file as it is kept: what it shows was checked, and written anew without what else it carried.

    `size` is in bytes, `at` epoch ms; `ticket_id` is None while the request it came with waits. `by` is the
    name of who brought it; `sha256` is that of what is kept, not of what was sent.
    """

    id: int
    name: str
    kind: FileKind
    media_type: str
    size: int
    sha256: str
    at: int
    by: str
    ticket_id: int | None = None
    request_id: int | None = None
    has_thumbnail: bool = False


@dataclass(frozen=True, slots=True)
class FileLimits:
    """The most that is taken: bytes of one file, and files of one case."""

    size: int = 10 * MEBIBYTE
    a_case: int = 20
