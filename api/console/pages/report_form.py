"""The form in which something is reported: what it holds, and what is made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, File, Form, UploadFile

from api.services import ApiServices
from desk.files.checked import Checked, Upload
from desk.intake.said import suits_of
from fleet.errors import InvalidInput
from fleet.faults import FAULTS, Fault, is_unclear
from fleet.requests import LONGEST_CONTACT, LONGEST_WHO, LONGEST_WORDS, Channel, NewRequest
from fleet.signals import Kind
from fleet.symptoms import match
from fleet.text import Language

MOST_PICTURES = 4
_LONGEST_FORM = 2 * LONGEST_WORDS
"""Browsers send two characters where somebody began a new line, and count one."""
_NO_FAULT = "unclear"


@dataclass(frozen=True)
class Entered:
    """What the form holds, as it was typed; `stage` is what its button asks for: next or send."""

    words: str = ""
    who: str = ""
    contact: str = ""
    device: str = ""
    site: str = ""
    fault: str = ""
    joins: str = ""
    suits: tuple[str, ...] = ()
    suits_on: str = ""
    stage: str = "next"
    pictures: tuple[Upload, ...] = field(default=(), repr=False)

    @property
    def chosen(self) -> str | None:
        """The fault that somebody chose; None where it is none that they know."""
        return self.fault if self.fault and self.fault != _NO_FAULT else None


def entered_report(
    words: Annotated[str, Form(max_length=_LONGEST_FORM)] = "",
    who: Annotated[str, Form(max_length=LONGEST_WHO)] = "",
    contact: Annotated[str, Form(max_length=LONGEST_CONTACT)] = "",
    device: Annotated[str, Form(max_length=64)] = "",
    site: Annotated[str, Form(max_length=64)] = "",
    fault: Annotated[str, Form(max_length=64)] = "",
    joins: Annotated[str, Form(max_length=64)] = "",
    suits: Annotated[list[str], Form(max_length=16)] = [],  # noqa: B006 - FastAPI copies it
    suits_on: Annotated[str, Form(max_length=10)] = "",
    stage: Annotated[str, Form(max_length=8)] = "next",
    pictures: Annotated[list[UploadFile], File()] = [],  # noqa: B006 - as above
) -> Entered:
    """Return what the form holds; an empty field of files is none."""
    sent = [each for each in pictures if each.filename or each.size][: MOST_PICTURES + 1]
    uploads = tuple(Upload(each.filename or "", each.file.read()) for each in sent)
    return Entered(
        _plain(words),
        _plain(who),
        _plain(contact),
        _plain(device),
        _plain(site),
        _plain(fault),
        _plain(joins),
        tuple(suits),
        suits_on.strip(),
        stage,
        uploads,
    )


def _plain(text: str) -> str:
    return text.replace("\0", "").strip()


Said = Annotated[Entered, Depends(entered_report)]


def checked_pictures(services: ApiServices, entered: Entered) -> list[Checked]:
    """Return the files of the form as they may be kept. Raises InvalidInput."""
    if len(entered.pictures) > MOST_PICTURES:
        raise InvalidInput(f"pictures: at most {MOST_PICTURES}")
    return [services.intake.files.checked(each) for each in entered.pictures]


def new_request(
    entered: Entered,
    channel: Channel,
    language: Language,
    device_id: str | None,
    site: str | None,
    link_id: int | None = None,
) -> NewRequest:
    """Return what a form reports. Raises InvalidInput."""
    return NewRequest(
        channel,
        entered.words,
        entered.who,
        entered.contact,
        language,
        site,
        device_id,
        entered.chosen,
        suits_of(list(entered.suits)),
        entered.suits_on or None,
        link_id=link_id,
    )


def choices(words: str, kind: Kind | None) -> dict[str, Any]:
    """Return what the form offers as faults: what the words may mean, and all others of the kind."""
    proposed = [FAULTS[each.fault] for each in match(words, kind)[:3]] if words else []
    return {"proposed": proposed, "others": _others(kind, proposed), "unclear": _NO_FAULT}


def _others(kind: Kind | None, proposed: Sequence[Fault]) -> list[Fault]:
    return [
        fault
        for fault in FAULTS.values()
        if fault.kind is kind and fault not in proposed and not is_unclear(fault.code)
    ]
