"""Mail keeps the promises of channels on a real server: TLS, its own 250, a key, nothing secret told."""

import base64
import logging
import ssl
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from helpers.certificates import make_pair

from benchmarks.harness.receivers import MailReceiver, free_port, mail_receiver
from fleet.errors import InvalidInput
from fleet.notices import Message, NotDelivered, Proof, Receipt
from notify.channels.mail import Mail, MailServer

NOON = 1_800_000_000_000
PASSWORD = "pa55w0rd-of-the-mail-server"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
TO = {"email": "li@example.org"}
MESSAGE = Message(
    key="n-42-li-mail",
    title="R1：滚刷卡滞",
    text="滚刷电流 4.2 A\n.自 10:00 起 <b>&",
    language="zh",
    at=NOON,
    link="https://sweepwatch.example/alerts/7?a=1&b=2",
    picture=PICTURE,
)


@pytest.fixture
def served(tmp_path: Path) -> ssl.SSLContext:
    certificate, key = make_pair(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.fixture
def trusted(served: ssl.SSLContext, tmp_path: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tmp_path / "server.crt"))


@pytest.fixture
def server(served: ssl.SSLContext) -> Iterator[MailReceiver]:
    with mail_receiver(tls=served) as receiver:
        yield receiver


def sender_of(server: MailReceiver, trusted: ssl.SSLContext, **more: Any) -> Mail:
    known = MailServer("localhost", server.port, "alerts@sweepwatch.example", "alerts", PASSWORD)
    return Mail(replace(known, **more), trusted, patience_s=1.0)


def fails(mail: Mail, message: Message = MESSAGE) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        mail.deliver(message, TO)
    return caught.value


def test_a_letter_is_whole_over_tls_and_accepted_by_the_servers_250(
    server: MailReceiver, trusted: ssl.SSLContext
) -> None:
    receipt = sender_of(server, trusted).deliver(MESSAGE, TO)
    assert receipt == Receipt(Proof.ACCEPTED, "4F1A2B", "250 2.0.0 Ok: queued as 4F1A2B")
    assert server.over_tls == [True]
    assert base64.b64decode(server.sign_ins[0].split()[2]) == b"\0alerts\0" + PASSWORD.encode()
    (letter,) = server.messages
    assert letter["Subject"] == MESSAGE.title
    assert letter["To"] == TO["email"]
    assert letter["Auto-Submitted"] == "auto-generated"
    plain, html = (letter.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert plain.get_content().splitlines() == [*MESSAGE.text.splitlines(), "", MESSAGE.link]
    assert "&lt;b&gt;&amp;" in html.get_content()
    (picture,) = [part for part in letter.walk() if part.get_content_type() == "image/png"]
    assert picture.get_content() == PICTURE
    assert str(picture["Content-ID"]).strip("<>") in html.get_content()
    assert server.raw[0].isascii()


def test_a_server_that_has_tls_from_the_start_is_spoken_to_so(
    served: ssl.SSLContext, trusted: ssl.SSLContext
) -> None:
    with mail_receiver(tls=served, implicit=True) as server:
        assert sender_of(server, trusted, tls="implicit").deliver(MESSAGE, TO).proof is Proof.ACCEPTED
        assert server.over_tls == [True]


def test_a_certificate_that_is_not_trusted_ends_it_before_the_password_is_said(
    server: MailReceiver,
) -> None:
    error = fails(sender_of(server, ssl.create_default_context()))
    assert "certificate" in str(error)
    assert error.again
    assert not error.maybe
    assert (server.sign_ins, server.raw) == ([], [])


def test_a_server_that_offers_no_tls_gets_no_password(trusted: ssl.SSLContext) -> None:
    with mail_receiver() as server:
        assert "TLS" in str(fails(sender_of(server, trusted)))
        assert (server.sign_ins, server.raw) == ([], [])


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(("code", "again"), [(451, True), (550, False)])
def test_4xx_may_come_again_and_5xx_may_not(
    server: MailReceiver, trusted: ssl.SSLContext, verb: str, code: int, again: bool
) -> None:
    server.replies[verb] = f"{code} 5.1.1 no such mailbox"
    error = fails(sender_of(server, trusted))
    assert (error.again, error.maybe) == (again, False)
    assert f"{code} 5.1.1 no such mailbox" in str(error)


def test_a_password_that_is_refused_loses_no_notice(server: MailReceiver, trusted: ssl.SSLContext) -> None:
    server.replies["AUTH"] = f"535 5.7.8 {PASSWORD} is wrong"
    error = fails(sender_of(server, trusted))
    assert error.again
    assert "sign-in" in str(error)


def test_a_connection_that_ends_after_the_letter_may_have_delivered_it(
    server: MailReceiver, trusted: ssl.SSLContext
) -> None:
    server.how = "cut"
    error = fails(sender_of(server, trusted))
    assert error.again
    assert error.maybe


@pytest.mark.parametrize("how", ["hang", "drip"])
def test_a_server_that_hangs_holds_nobody_longer_than_the_time(trusted: ssl.SSLContext, how: str) -> None:
    with mail_receiver(how=how) as server:
        began = monotonic()
        error = fails(sender_of(server, trusted))
    assert monotonic() - began < 2.0
    assert error.again
    assert not error.maybe


def test_nobody_at_the_port_may_come_again(trusted: ssl.SSLContext) -> None:
    error = fails(sender_of(MailReceiver(port=free_port()), trusted))
    assert (error.again, error.maybe) == (True, False)


def test_the_same_notice_has_the_same_message_id(server: MailReceiver, trusted: ssl.SSLContext) -> None:
    mail = sender_of(server, trusted)
    for message in (MESSAGE, MESSAGE, replace(MESSAGE, key="another")):
        mail.deliver(message, TO)
    first, second, other = (letter["Message-ID"] for letter in server.messages)
    assert first == second != other
    assert first.endswith("@sweepwatch.example>")


def test_no_part_of_the_password_is_told_whatever_the_server_repeats(
    server: MailReceiver, trusted: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hidden = base64.b64encode(b"\0alerts\0" + PASSWORD.encode()).decode()
    told = ""
    for verb, code in (("AUTH", 535), ("MAIL", 550), ("RCPT", 451), (".", 554), (".", 250)):
        server.replies = {verb: f"{code} queued as {PASSWORD[:20]} {hidden} {PASSWORD}"}
        mail = sender_of(server, trusted)
        told += mail.shown(TO)
        try:
            told += repr(mail.deliver(MESSAGE, TO))
        except NotDelivered as error:
            told += "".join(traceback.format_exception(error)) + repr((error.__cause__, error.__context__))
    told += caplog.text + repr(MailServer("h", 1, "s@h", "u", PASSWORD))
    for secret in (PASSWORD, hidden):
        for at in range(len(secret) - 7):
            assert secret[at : at + 8] not in told


@pytest.mark.parametrize("email", ["", "li", "li@", "a@b, c@d", "li@example.org\nBcc: x@y", "<li@x.org>"])
def test_an_address_that_is_none_is_refused(
    server: MailReceiver, trusted: ssl.SSLContext, email: str
) -> None:
    with pytest.raises(InvalidInput, match=r"name@example\.org"):
        sender_of(server, trusted).check({"email": email})


def test_a_title_of_several_lines_adds_no_header(server: MailReceiver, trusted: ssl.SSLContext) -> None:
    sender_of(server, trusted).deliver(replace(MESSAGE, title="x\r\nBcc: boss@example.org"), TO)
    (letter,) = server.messages
    assert letter["Bcc"] is None
    assert letter["Subject"] == "x Bcc: boss@example.org"
