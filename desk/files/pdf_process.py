"""The process that rewrites one PDF: from its standard input to its standard output."""

import io
import sys
from contextlib import suppress
from typing import Any

import pikepdf

from desk.files.endings import DAMAGED, LOCKED

_MEMORY = 640 * 1024 * 1024
_UNPACKED = 128 * 1024 * 1024
"""Bytes that one stream of objects may unpack to; what pages show stays packed."""
_CPU_S = 15
_LARGEST = 32 * 1024 * 1024
"""Bytes: more is not handed back, whatever it is."""
_ACTS = (
    *("/AA", "/OpenAction", "/JS", "/JavaScript", "/URI", "/Launch"),
    *("/EF", "/EmbeddedFiles", "/AF", "/Collection", "/RichMediaContent", "/RichMediaSettings"),
    *("/AcroForm", "/XFA", "/Metadata", "/PieceInfo", "/SpiderInfo", "/Threads"),
)
"""Keys under which a document holds something that acts, that it carries, or that tells of its author."""
_KEPT_MARKS = frozenset(
    ("/Text", "/FreeText", "/Line", "/Square", "/Circle", "/Highlight", "/Underline", "/StrikeOut", "/Ink")
)
"""Annotations that only show something."""


def harmless(body: bytes) -> bytes:
    """Return a PDF written anew without what acts. Raises pikepdf's errors."""
    with pikepdf.open(io.BytesIO(body)) as document:
        if not len(document.pages):
            raise pikepdf.PdfError("a document without a page")
        for page in document.pages:
            _drop_marks(page.obj)
        for each in document.objects:
            _take_out(each)
        _take_out(document.Root)
        with suppress(KeyError, AttributeError):
            del document.trailer["/Info"]
        target = io.BytesIO()
        document.save(target, encryption=False, deterministic_id=True)
        return target.getvalue()


def _drop_marks(page: Any) -> None:
    marks = page.get("/Annots")
    if marks is None:
        return
    kept = [mark for mark in marks if str(mark.get("/Subtype", "")) in _KEPT_MARKS]
    page["/Annots"] = pikepdf.Array(kept)


def _take_out(found: Any, depth: int = 0) -> None:
    """Delete what acts from an object and all that stands directly in it."""
    if depth > 100:
        raise pikepdf.PdfError("nested too deep")
    if isinstance(found, pikepdf.Array):
        for each in found:
            _within(each, depth)
    elif isinstance(found, pikepdf.Dictionary | pikepdf.Stream):
        for key in [key for key in found.keys() if key in _ACTS or _is_action(key, found)]:  # noqa: SIM118
            del found[key]
        for key in list(found.keys()):
            _within(found[key], depth)


def _within(each: Any, depth: int) -> None:
    """Go on in what has no number of its own: all others are looked at by themselves."""
    if isinstance(each, pikepdf.Object) and not each.is_indirect:
        _take_out(each, depth + 1)


def _is_action(key: str, found: Any) -> bool:
    if key not in ("/A", "/PA", "/Next"):
        return False
    each = found[key]
    return not isinstance(each, pikepdf.Dictionary) or "/S" in each


def _bounded() -> None:
    """Let this process have little memory and time, where the system can bound them."""
    try:
        import resource
    except ImportError:
        return
    for what, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _CPU_S)):
        resource.setrlimit(what, (most, most))


def main() -> int:
    """Rewrite one document; return how the process ends."""
    _bounded()
    pikepdf.settings.set_qpdf_limits(flate_max_memory=_UNPACKED, run_length_max_memory=_UNPACKED)
    try:
        written = harmless(sys.stdin.buffer.read())
    except pikepdf.PasswordError:
        return LOCKED
    except Exception:  # whatever a foreign document makes its reader raise
        return DAMAGED
    if len(written) > _LARGEST:
        return DAMAGED
    sys.stdout.buffer.write(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
