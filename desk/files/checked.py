"""Tells what a file is by its content alone, and makes it harmless: whatever it was called or said to be."""

import hashlib
from dataclasses import dataclass

from desk.files.documents import rewritten_document
from desk.files.names import safe_name
from desk.files.pictures import rewritten_picture
from fleet.case_files import MEBIBYTE, FileKind, FileLimits
from fleet.errors import InvalidInput

ALLOWED = "JPEG, PNG, WebP and GIF pictures, and PDF"
_ENDINGS = {"JPEG": ("image/jpeg", "jpg"), "PNG": ("image/png", "png"), "PDF": ("application/pdf", "pdf")}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as somebody sent it."""

    name: str
    body: bytes
    kind: FileKind | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A file written anew. `thumbnail` is a small JPEG, None for a document."""

    name: str
    kind: FileKind
    media_type: str
    body: bytes
    thumbnail: bytes | None

    @property
    def sha256(self) -> str:
        """The digest of its content."""
        return hashlib.sha256(self.body).hexdigest()


def checked(upload: Upload, limits: FileLimits) -> Checked:
    """Return a file as it may be kept and shown. Raises InvalidInput, which says what is allowed."""
    if not upload.body:
        raise InvalidInput("the file is empty")
    _check_size(len(upload.body), limits)
    decoder = _decoder(upload.body)
    if decoder is None:
        raise InvalidInput(f"the file is none of those that are taken; allowed: {ALLOWED}")
    if decoder == "PDF":
        if upload.kind not in (None, FileKind.DOCUMENT):
            raise InvalidInput(f"kind: a PDF is a document, not a {upload.kind}")
        form, body, thumbnail = "PDF", rewritten_document(upload.body), None
    else:
        form, body, thumbnail = rewritten_picture(upload.body, decoder)
    _check_size(len(body), limits)
    media_type, ending = _ENDINGS[form]
    kind = upload.kind or (FileKind.DOCUMENT if form == "PDF" else FileKind.PHOTO)
    return Checked(safe_name(upload.name, ending), kind, media_type, body, thumbnail)


def _check_size(size: int, limits: FileLimits) -> None:
    if size > limits.size:
        raise InvalidInput(f"the file has {size} bytes; allowed: {limits.size // MEBIBYTE} MB")


def _decoder(body: bytes) -> str | None:
    """Return what a file is by its first bytes; what only follows later makes it nothing else."""
    for begin, decoder in (
        (b"\xff\xd8\xff", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"GIF87a", "GIF"),
        (b"GIF89a", "GIF"),
        (b"%PDF-", "PDF"),
    ):
        if body.startswith(begin):
            return decoder
    return "WEBP" if body[:4] == b"RIFF" and body[8:12] == b"WEBP" else None
