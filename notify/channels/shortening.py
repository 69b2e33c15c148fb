"""Texts cut to what a provider takes, at the border of a character."""

_MORE = "…"


def cut_bytes(text: str, most: int) -> str:
    """Return a text of at most `most` bytes of UTF-8, with an ellipsis where it was longer."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= most:
        return raw.decode("utf-8")
    room = most - len(_MORE.encode())
    return raw[:room].decode("utf-8", "ignore").rstrip() + _MORE if room >= 0 else ""


def cut_characters(text: str, most: int) -> str:
    """Return a text of at most `most` characters, with an ellipsis where it was longer."""
    return text if len(text) <= most else text[: most - 1].rstrip() + _MORE


def one_line(text: str) -> str:
    """Return a text as one line of printable characters."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def with_link(text: str, link: str | None, most: int) -> str:
    """Return a text with a link below it, in at most `most` bytes: cut is the text, never the link."""
    if link is None:
        return cut_bytes(text, most)
    below = f"\n{link}"
    return cut_bytes(text, most - len(below.encode())) + below
