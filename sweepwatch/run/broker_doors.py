"""The doors of the broker of its own: who comes in, written for mosquitto before it starts."""

import json
from dataclasses import dataclass
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import quote

from cryptography import x509

from access.devices.authority import Authority
from access.devices.book import ADMIN, SERVICE, SIMULATOR, Service, document
from access.devices.credentials import DeviceDoors
from access.devices.hashing import hashed
from fleet.broker_url import BrokerAddress, parse_broker_url
from fleet.clock import DAY_MS, Clock
from fleet.device_doors import BrokerUser
from fleet.files import write_whole

PLUGIN = "mosquitto_dynamic_security.so"
_PLUGIN_FOLDERS = ("/usr/lib", "/usr/local/lib", "/usr/lib64", "/opt/homebrew/lib")
_BOOK, _WAY_IN = "dynamic-security.json", "services.json"
_RENEW_MS = 30 * DAY_MS
_HOST = "127.0.0.1"


def find_plugin() -> Path | None:
    """Return mosquitto's dynamic security plugin, where it is installed."""
    for folder in map(Path, _PLUGIN_FOLDERS):
        for found in (folder / PLUGIN, *sorted(folder.glob(f"*/{PLUGIN}"))):
            if found.exists():
                return found
    return None


@dataclass(frozen=True, slots=True)
class Listening:
    """Where devices of other machines come in, by TLS: with passwords on one port, certificates on another.

    `hosts` are the names and addresses by which they reach it; the first names its certificate.
    """

    address: str
    password_port: int
    certificate_port: int
    hosts: tuple[str, ...]


class BrokerDoors:
    """Writes what mosquitto has to know of who comes in; its programs have new passwords at each start.

    `open_to_all` lets in whoever shows nothing; never beside `listening`.
    """

    def __init__(
        self,
        plugin: Path,
        folder: Path,
        devices: DeviceDoors,
        authority: Authority,
        clock: Clock,
        *,
        open_to_all: bool,
        listening: Listening | None = None,
    ) -> None:
        self._plugin = plugin
        self._folder = folder
        self._devices = devices
        self._authority = authority
        self._clock = clock
        self._open = open_to_all and listening is None
        self._listening = listening
        self._passwords = {name: token_urlsafe(24) for name in (ADMIN, SERVICE, SIMULATOR)}
        self._written: list[BrokerUser] = []

    @property
    def description(self) -> str:
        """Say who comes in."""
        if self._listening is None:
            return "devices come in without credentials" if self._open else "devices need credentials"
        listening = self._listening
        ports = f"{listening.password_port} (passwords) and {listening.certificate_port} (certificates)"
        return f"devices need credentials; TLS on {listening.address}, ports {ports}"

    def prepare(self, port: int) -> str:
        """Write the book and the certificates for a start on `port`; return lines of the configuration."""
        self._written = self._devices.users()
        services = [Service(name, hashed(password)) for name, password in self._passwords.items()]
        write_whole(self._folder / _BOOK, document(services, self._written, open_to_all=self._open))
        urls = {name: self.url_of(name, port) for name in self._passwords}
        write_whole(self._folder / _WAY_IN, json.dumps(urls).encode())
        lines = [
            f"plugin {self._plugin}",
            f"plugin_opt_config_file {self._folder / _BOOK}",
            f"allow_anonymous {str(self._open).lower()}",
            f"listener {port} {_HOST}",
        ]
        if self._listening is not None:
            self._prepare_tls(self._listening)
            lines += self._tls_lines(self._listening)
        return "\n".join(lines) + "\n"

    def started(self) -> None:
        """Note that the broker has read the book."""
        self._devices.note_book_read(self._written)

    def url_of(self, name: str, port: int) -> str:
        """Return the URL by which one of our programs comes in, with its password."""
        return f"mqtt://{name}:{quote(self._passwords[name])}@{_HOST}:{port}"

    def _prepare_tls(self, listening: Listening) -> None:
        now = self._clock.now_ms()
        certificate = self._folder / "broker.crt"
        if not _serves(certificate, listening.hosts, now):
            issued = self._authority.issue_for_broker(listening.hosts, now)
            write_whole(self._folder / "broker.key", issued.key.encode())
            write_whole(certificate, issued.certificate.encode())
        self._authority.certificate()  # made where there is none
        self._devices.list_revoked()

    def _tls_lines(self, listening: Listening) -> list[str]:
        both = [
            f"certfile {self._folder / 'broker.crt'}",
            f"keyfile {self._folder / 'broker.key'}",
            "tls_version tlsv1.2",
        ]
        return [
            f"listener {listening.password_port} {listening.address}",
            *both,
            f"listener {listening.certificate_port} {listening.address}",
            *both,
            f"cafile {self._authority.certificate_file}",
            f"crlfile {self._authority.revoked_file}",
            "require_certificate true",
            "use_identity_as_username true",
            "use_username_as_clientid true",
        ]


def control_address(folder: Path) -> BrokerAddress | None:
    """Return where the broker of this folder is, and who changes its book; None where none was started."""
    try:
        url = json.loads((folder / _WAY_IN).read_text(encoding="utf-8"))[ADMIN]
    except (OSError, ValueError, KeyError):
        return None
    return parse_broker_url(str(url))


def _serves(certificate: Path, hosts: tuple[str, ...], now: int) -> bool:
    """Tell whether a certificate is for these names, and good for a month."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    known = {str(one.value) for one in names}
    return known == set(hosts) and found.not_valid_after_utc.timestamp() * 1000 - now > _RENEW_MS
