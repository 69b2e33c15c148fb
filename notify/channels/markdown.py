"""A message in the little of Markdown that chat services agree about; what people wrote stays plain text."""

import re

from fleet.notices import Message
from notify.channels.shortening import cut_bytes, one_line

_MEANS_SOMETHING = re.compile(r"([\\`*_\[\]<>#|~])")
_TITLE_BYTES = 400


def escaped(text: str) -> str:
    """Return plain text so that no character of it means anything in Markdown."""
    return _MEANS_SOMETHING.sub(r"\\\1", text)


def as_markdown(message: Message, most: int) -> str:
    """Return a message in at most `most` bytes: title, text, link. Cut is the text alone."""
    title = f"### {escaped(cut_bytes(one_line(message.title), _TITLE_BYTES))}\n\n"
    link = ""
    if message.link is not None:
        words = "打开" if message.language == "zh" else "Open"
        link = f"\n\n[{words}]({message.link})"
    room = most - len(title.encode()) - len(link.encode())
    text = "\n\n".join(escaped(line) for line in message.text.splitlines() if line.strip())
    return title + cut_bytes(text, room) + link
