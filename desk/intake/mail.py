"""Reports by mail: one message as it was sent becomes a request, once; what a machine answered, none."""

import hashlib
import html
import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr

from desk.files.checked import Upload
from desk.files.files import CaseFiles, checked_apart
from desk.intake.intake import Intake
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.requests import LONGEST_CONTACT, LONGEST_WHO, LONGEST_WORDS, Channel, NewRequest, Request
from fleet.text import Language
from storage.records.database import DeskDatabase
from storage.records.device_names import devices_called
from storage.records.requests import sites_of_contact

_MOST_FILES = 6
_MOST_PARTS = 200
_NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,63}")
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_QUOTED = re.compile(
    r"^\s*(?:>|-{2,}\s*(?:original message|原始邮件|forwarded)|on .{5,120} wrote:|在.{5,80}写道[:：]|_{10,})",
    re.IGNORECASE | re.MULTILINE,
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_OF_MACHINES = frozenset(("mailer-daemon", "postmaster", "noreply", "no-reply", "do-not-reply"))
_IN_BULK = frozenset(("bulk", "junk", "list", "auto_reply"))


@dataclass(frozen=True, slots=True)
class TakenMail:
    """What became of a message: a request, or why none. `refused` are files that were not taken."""

    request: Request | None
    ignored: str | None = None
    refused: tuple[str, ...] = ()


class MailIntake:
    """Takes messages (RFC 5322). The sender's address proves nothing: it says whom to answer."""

    def __init__(self, desk: DeskDatabase, intake: Intake, files: CaseFiles) -> None:
        self._desk = desk
        self._intake = intake
        self._files = files

    def take(self, raw: bytes, by: Principal, sites: Sites = None) -> TakenMail:
        """Take one message: about the device that it names, else from where its sender reported before.

        Raises InvalidInput for what is no message.
        """
        message = message_from_bytes(raw, policy=policy.default)
        if not message.keys():
            raise InvalidInput("this is no message; allowed: one message with its headers (RFC 5322)")
        why = _of_a_machine(message)
        if why is not None:
            return TakenMail(None, why)
        subject, text = _header(message, "subject"), _own_words(_text_of(message))
        if not subject and not text:
            return TakenMail(None, "it says nothing")
        name, address = parseaddr(_header(message, "from"))
        contact = address.lower()[:LONGEST_CONTACT]
        device, site = self._place(subject, text, contact, sites)
        fit, refused = checked_apart(self._files, _attachments(message))
        said = NewRequest(
            Channel.MAIL,
            f"{subject}\n{text}".strip()[:LONGEST_WORDS],
            who=(name or address)[:LONGEST_WHO],
            contact=contact,
            language=_language(subject + text),
            site=site,
            device_id=device,
            message_id=_once(_header(message, "message-id"), raw),
        )
        return TakenMail(self._intake.take(said, by, fit, refused, sites), None, tuple(refused))

    def _place(self, subject: str, text: str, contact: str, sites: Sites) -> tuple[str | None, str | None]:
        """Return the device that a message names, and its site; the site alone where it names not one."""
        with self._desk.transaction() as session:
            for words in (subject, text):
                found = devices_called(session, _names_in(words), sites)
                if len(found) == 1:
                    return found[0].id, found[0].site
                if found:
                    return None, _only({each.site for each in found})
            before = sites_of_contact(session, contact) if contact else frozenset()
        site = _only(before if sites is None else before & sites)
        return None, site if site is not None or sites is None else _only(sites)


def _names_in(text: str) -> set[str]:
    """Return what may be a device's id or serial number: all of them hold a digit."""
    return {name for name in _NAMES.findall(text) if any(one.isdigit() for one in name)}


def _only(sites: "frozenset[str] | set[str]") -> str | None:
    return next(iter(sites)) if len(sites) == 1 else None


def _of_a_machine(message: EmailMessage) -> str | None:
    """Return why a message is not a person's; None where it may be."""
    answered = _header(message, "auto-submitted").lower()
    if answered and answered.partition(";")[0].strip() != "no":
        return "an automatic reply"
    if _header(message, "precedence").lower() in _IN_BULK or message.get("list-id") is not None:
        return "a message to many"
    if message.get_content_type() in ("multipart/report", "message/delivery-status"):
        return "a report of delivery"
    path = message.get("return-path")
    if path is not None and str(path).strip() in ("", "<>"):
        return "a bounce"
    sender = parseaddr(_header(message, "from"))[1].lower()
    return "a message of a machine" if sender.partition("@")[0] in _OF_MACHINES else None


def _header(message: EmailMessage, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, IndexError, LookupError, AttributeError, TypeError):
        return ""  # the parser of headers gives up on some that are malformed


def _text_of(message: EmailMessage) -> str:
    plain, marked = "", ""
    for number, part in enumerate(message.walk()):
        if number >= _MOST_PARTS:
            break
        if part.is_multipart() or part.get_filename() is not None:
            continue
        kind = part.get_content_type()
        if kind == "text/plain" and not plain:
            plain = _decoded(part)
        elif kind == "text/html" and not marked:
            marked = html.unescape(_TAGS.sub(" ", _decoded(part)))
    return plain if plain.strip() else marked


def _decoded(part: object) -> str:
    assert isinstance(part, EmailMessage)
    body = part.get_payload(decode=True)
    if not isinstance(body, bytes):
        return ""
    try:
        return body.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def _own_words(text: str) -> str:
    """Return what somebody wrote, without the message that they answer."""
    quoted = _QUOTED.search(text)
    own = text[: quoted.start()] if quoted else text
    return "\n".join(line.rstrip() for line in own.strip().splitlines())


def _attachments(message: EmailMessage) -> list[Upload]:
    found: list[Upload] = []
    for number, part in enumerate(message.walk()):
        if number >= _MOST_PARTS or len(found) >= _MOST_FILES:
            break
        named = part.get_filename()
        pictured = part.get_content_maintype() == "image"
        if part.is_multipart() or (named is None and not pictured):
            continue
        body = part.get_payload(decode=True)
        if isinstance(body, bytes):
            found.append(Upload(named or "picture", body))
    return found


def _language(text: str) -> Language:
    return "zh" if _CHINESE.search(text) else "en"


def _once(message_id: str, raw: bytes) -> str:
    """Return what is the same for the same message: by its Message-ID, else by all of it."""
    return hashlib.sha256(message_id.encode() if message_id else raw).hexdigest()
