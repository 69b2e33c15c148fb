"""Names of files: what is kept of the one that was sent, and how it goes out in a header."""

import unicodedata
from urllib.parse import quote

LONGEST_NAME = 100
_FORBIDDEN = frozenset('<>:"/\\|?*;%')
"""What some system or header takes for more than a letter of a name."""


def safe_name(sent: str, ending: str) -> str:
    """Return a name with the `ending` (without a dot) that the content asks for, whatever was sent.

    Paths, controls, marks that turn the direction of writing, and leading dots are left out.
    """
    last = unicodedata.normalize("NFC", sent).replace("\\", "/").rpartition("/")[2]
    kept = "".join(" " if one.isspace() else one for one in last if _is_plain(one))
    stem = kept.rpartition(".")[0] or kept
    stem = " ".join(stem.split()).strip(". ")[:LONGEST_NAME].rstrip(". ")
    return f"{stem or 'file'}.{ending}"


def _is_plain(one: str) -> bool:
    if one.isspace():
        return one == " " or unicodedata.category(one) == "Zs"
    return not unicodedata.category(one).startswith("C") and one not in _FORBIDDEN


def as_attachment(name: str) -> str:
    """Return a Content-Disposition (RFC 6266) that saves a file by its name, in any writing."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    if not plain.rpartition(".")[0].strip():
        plain = f"file{plain}"
    plain = plain.replace('"', "'").replace("\\", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
