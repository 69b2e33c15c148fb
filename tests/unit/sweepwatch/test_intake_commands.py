"""`sweepwatch intake` and the sheet of codes: what a mail server and a printer are handed."""

import re
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk

from desk.intake.links import ReportLinks
from fleet.clock import SystemClock
from fleet.errors import InvalidInput, NotFound
from storage.records.devices import Device
from sweepwatch.commands.intake import propose, report_labels, take_mail
from sweepwatch.settings.settings import Settings

MESSAGE = b"From: Li <li@x.org>\nMessage-ID: <1@x>\nSubject: R1 does not charge\n\nplease come\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    desk = fresh_desk(tmp_path / "desk.sqlite")
    with desk.transaction() as session:
        for name in ("R1", "R2"):
            session.add(Device(id=name, kind="robot", site="hall", registered_at=1, model="<b>CR"))
    desk.close()
    return Settings(data=tmp_path)


def test_a_message_is_taken_once_and_says_what_became_of_it(settings: Settings) -> None:
    said: list[str] = []
    for raw in (MESSAGE, MESSAGE, b"Auto-Submitted: auto-replied\nSubject: R1\n\nx", b"Subject: hello\n\nx"):
        take_mail(settings, lambda _most, raw=raw: raw, False, said.append)
    assert said == [
        "request 1 is part of ticket 1",
        "request 1 is part of ticket 1",
        "no request: an automatic reply",
        "request 2 waits: it names no device",
    ]
    with pytest.raises(InvalidInput, match="this is no message"):
        take_mail(settings, lambda _most: b"", False, said.append)


def test_words_are_proposed_for(settings: Settings) -> None:
    said: list[str] = []
    propose("不吸尘", "robot", False, said.append)
    propose("hello", "robot", False, said.append)
    assert said[0] == "100%  fan_motor_wear  Suction fan worn"
    assert said[-1] == "The words name no fault."


def test_each_code_of_the_sheet_opens_its_device(settings: Settings, tmp_path: Path) -> None:
    out, said = tmp_path / "codes.html", list[str]()
    report_labels(settings, ["R2"], None, out, said.append)
    sheet = out.read_text(encoding="utf-8")
    assert "R2" in sheet and "R1" not in sheet and "&lt;b&gt;CR" in sheet and "报修" in sheet
    assert out.stat().st_mode & 0o077 == 0, "whoever has it can report"
    desk = fresh_desk(tmp_path / "desk.sqlite")
    (link,) = ReportLinks(desk, SystemClock()).of("R2", "hall")
    desk.close()
    assert (link.device_id, link.site) == ("R2", "hall")
    with pytest.raises(InvalidInput, match="is there already"):
        report_labels(settings, ["R2"], None, out, said.append)
    with pytest.raises(NotFound, match="R7"):
        report_labels(settings, ["R7"], None, tmp_path / "b.html", said.append)
    with pytest.raises(InvalidInput, match="--site"):
        report_labels(settings, [], None, tmp_path / "b.html", said.append)
    assert not re.search(r"https?://(?!www.w3.org|127|localhost)", sheet)
