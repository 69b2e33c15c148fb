"""A message as a letter: plain text, the same in HTML with its picture, and headers that tell it is ours."""

import hashlib
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from html import escape

from fleet.clock import SECOND_MS
from fleet.notices import Message
from notify.channels.shortening import cut_characters, one_line

_PICTURE = "picture@sweepwatch"
_LONGEST_SUBJECT = 200
SEVEN_BIT = SMTP.clone(cte_type="7bit")
"""Texts are encoded so that every server on the way can carry them."""


def letter_of(message: Message, sender: str, to: str) -> EmailMessage:
    """Return the letter; the same notice has the same Message-ID each time, by which mailboxes know it."""
    letter = EmailMessage(policy=SEVEN_BIT)
    letter["From"] = f"Sweepwatch <{sender}>"
    letter["To"] = to
    letter["Subject"] = cut_characters(one_line(message.title), _LONGEST_SUBJECT)
    letter["Date"] = datetime.fromtimestamp(message.at / SECOND_MS, UTC)
    name = hashlib.sha256(message.key.encode()).hexdigest()[:32]
    letter["Message-ID"] = f"<{name}@{_domain(sender)}>"
    letter["Content-Language"] = message.language
    letter["Auto-Submitted"] = "auto-generated"  # no answer of a machine, please
    letter["X-Sweepwatch-Key"] = one_line(message.key)
    letter.set_content(message.text + (f"\n\n{message.link}\n" if message.link else "\n"))
    letter.add_alternative(_html(message), subtype="html")
    if message.picture is not None:
        page = letter.get_payload()[1]  # type: ignore[index] # an alternative has two parts
        page.add_related(  # type: ignore[union-attr] # which are messages themselves
            message.picture, "image", "png", cid=f"<{_PICTURE}>", disposition="inline", filename="chart.png"
        )
    return letter


def _domain(sender: str) -> str:
    domain = sender.rpartition("@")[2]
    return domain if domain.isascii() else domain.encode("idna").decode()


def _html(message: Message) -> str:
    lines = "<br>\n".join(escape(line) for line in message.text.splitlines())
    parts = [f'<p style="font-size:1.1em"><b>{escape(message.title)}</b></p>', f"<p>{lines}</p>"]
    if message.picture is not None:
        parts.append(
            f'<p><img src="cid:{_PICTURE}" alt="{escape(message.title)}" style="max-width:100%"></p>'
        )
    if message.link is not None:
        words = "打开" if message.language == "zh" else "Open"
        parts.append(f'<p><a href="{escape(message.link)}">{words}</a></p>')
    body = "\n".join(parts)
    head = f'<!doctype html>\n<html lang="{message.language}"><meta charset="utf-8">'
    return f"{head}<body>\n{body}\n</body></html>\n"
