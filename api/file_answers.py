"""Files as they go out: to be saved, never to be run or framed, and kept by nobody between."""

from typing import Any

from fastapi import Response
from fastapi.responses import Response as Plain

from desk.files.names import as_attachment
from fleet.case_files import CaseFile

ALONE = "sandbox; default-src 'none'; frame-ancestors 'none'"
_KEPT_S = 3_600
_BINARY = {"schema": {"type": "string", "format": "binary"}}
SAVED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"application/octet-stream": _BINARY}}
}
SMALL: dict[int | str, dict[str, Any]] = {
    200: {"description": "The small picture", "content": {"image/jpeg": _BINARY}}
}
"""What the API's description says of these answers."""


def file_answer(found: CaseFile, body: bytes, small: bool = False) -> Response:
    """Return the answer with a file, or with its thumbnail."""
    media_type = "image/jpeg" if small else found.media_type
    return Plain(
        body,
        media_type=media_type,
        headers={
            "Content-Disposition": as_attachment(found.name),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": ALONE,
            "Cache-Control": f"private, max-age={_KEPT_S}",
            "ETag": f'"{found.sha256[:32]}{"-s" if small else ""}"',
        },
    )
