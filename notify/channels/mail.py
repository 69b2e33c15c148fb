"""Mail by SMTP with TLS: accepted where the server says 250 to the whole message."""

import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fleet.notices import ChannelKind, Message, NotDelivered, Proof, Receipt
from notify.channels.deadline import PATIENCE_S, Deadline
from notify.channels.fields import check_each
from notify.channels.letter import SEVEN_BIT, letter_of
from notify.channels.unsaid import unsaid

Tls = Literal["starttls", "implicit", "none"]
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,253}")
_QUEUED = re.compile(rb"(?i)queued(?: mail)?(?: as| id)? ([\w.\-]{4,40})")


@dataclass(frozen=True, slots=True)
class MailServer:
    """By which server mail goes out, and whom it says it is from."""

    host: str
    port: int
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls = "starttls"


class Mail:
    """Sends mail; `trusted` checks the server's certificate."""

    kind = ChannelKind.MAIL

    def __init__(self, server: MailServer, trusted: ssl.SSLContext, patience_s: float = PATIENCE_S) -> None:
        self._server, self._trusted, self._patience_s = server, trusted, patience_s

    def check(self, address: Mapping[str, str]) -> None:
        """Raise InvalidInput unless it has an e-mail address."""
        check_each(self.kind, address, [("email", is_mail_address)])

    def shown(self, address: Mapping[str, str]) -> str:
        """Return the address."""
        return address.get("email", "")

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        """Hand a message over. Raises NotDelivered."""
        self.check(address)
        problem: NotDelivered
        with Deadline(self._patience_s) as deadline:
            try:
                return self._send(message, address["email"], deadline)
            except NotDelivered as refusal:
                problem = refusal
            except ssl.SSLCertVerificationError:
                problem = NotDelivered("the mail server's certificate is not trusted", again=True)
            except smtplib.SMTPNotSupportedError:
                problem = NotDelivered("the mail server offers no TLS, or no sign-in", again=True)
            except smtplib.SMTPResponseException as error:
                problem = self._refused("the greeting", error.smtp_code, error.smtp_error)
            except (OSError, smtplib.SMTPException, ValueError):
                problem = self._failed(deadline)
        raise problem

    def _failed(self, deadline: Deadline) -> NotDelivered:
        late = f"the mail server did not answer within {self._patience_s:.0f} s"
        said = late if deadline.over else "the connection to the mail server failed"
        return NotDelivered(said, again=True, maybe=deadline.sent)

    def _send(self, message: Message, to: str, deadline: Deadline) -> Receipt:
        server = self._server
        letter = letter_of(message, server.sender, to)
        connection = _Connection(server, self._trusted, deadline)
        try:
            connection.ehlo_or_helo_if_needed()
            if server.tls == "starttls":
                connection.starttls(context=self._trusted)
            self._sign_in(connection)
            plain = to.isascii() and server.sender.isascii()
            options = ["SMTPUTF8", "BODY=8BITMIME"] if not plain else []
            if not plain and not connection.has_extn("smtputf8"):
                raise NotDelivered("the mail server takes no address with such letters", again=False)
            self._ask("the sender", connection.mail(server.sender, options))
            self._ask("the address", connection.rcpt(to))
            return self._hand_over(
                connection, letter.as_bytes(policy=SEVEN_BIT.clone(utf8=not plain)), deadline
            )
        finally:
            connection.close()

    def _sign_in(self, connection: smtplib.SMTP) -> None:
        server = self._server
        if server.user is None:
            return
        connection.ehlo_or_helo_if_needed()
        refusal: NotDelivered | None = None
        try:
            connection.login(server.user, server.password or "")
        except smtplib.SMTPAuthenticationError as error:
            # A person has to mend that, and this notice waits meanwhile: nobody has refused it.
            refusal = NotDelivered(f"the mail server refuses our sign-in ({error.smtp_code})", again=True)
        if refusal is not None:
            raise refusal

    def _hand_over(self, connection: smtplib.SMTP, letter: bytes, deadline: Deadline) -> Receipt:
        code, said = connection.docmd("DATA")
        if code != 354:
            raise self._refused("the message", code, said)
        deadline.sent = True
        # The end of a letter is a line with a dot; a line that begins with one gets another.
        whole = re.sub(rb"(?m)^\.", b"..", letter)
        connection.send(whole if whole.endswith(b"\r\n") else whole + b"\r\n")
        connection.send(b".\r\n")
        code, said = connection.getreply()
        if code != 250:
            raise self._refused("the message", code, said)
        found = _QUEUED.search(said)
        reference = unsaid(found[1].decode("ascii", "replace"), self._secrets) if found else ""
        return Receipt(Proof.ACCEPTED, reference, self._told(code, said))

    def _ask(self, what: str, reply: tuple[int, bytes]) -> None:
        if reply[0] not in (250, 251):
            raise self._refused(what, *reply)

    def _refused(self, what: str, code: int, said: bytes | str) -> NotDelivered:
        final = 500 <= code < 600
        return NotDelivered(f"the mail server refuses {what}: {self._told(code, said)}", again=not final)

    def _told(self, code: int, said: bytes | str) -> str:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return unsaid(f"{code} {text}", self._secrets)

    @property
    def _secrets(self) -> list[str]:
        from base64 import b64encode

        server = self._server
        if not server.password:
            return []
        plain = f"\0{server.user}\0{server.password}".encode()
        return [
            server.password,
            b64encode(plain).decode().rstrip("="),
            b64encode(server.password.encode()).decode().rstrip("="),
        ]


def is_mail_address(text: str) -> bool:
    """Tell whether a text is one e-mail address, and nothing beside it."""
    return _ADDRESS.fullmatch(text) is not None


class _Connection(smtplib.SMTP):
    """A connection to a mail server that ends in time, however slowly the server speaks."""

    def __init__(self, server: MailServer, trusted: ssl.SSLContext, deadline: Deadline) -> None:
        self._deadline = deadline
        self._tls_at_once = trusted if server.tls == "implicit" else None
        name = server.sender.rpartition("@")[2]
        super().__init__(
            server.host, server.port, name if name.isascii() else "localhost", timeout=deadline.left()
        )

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = _connected(host, port, self._deadline)
        try:
            self._deadline.watch(connection)
            if self._tls_at_once is None:
                return connection
            return self._tls_at_once.wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise


def _connected(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Return a connection to the first address of a host that answers. Raises OSError."""
    problem: OSError = OSError("it has no address")
    for each in deadline.addresses(host, port):
        try:
            return socket.create_connection((each, port), timeout=deadline.left())
        except OSError as error:
            problem = error
    raise problem
