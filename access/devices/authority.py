"""The installation's own certificate authority: certificates for devices and for its broker (RFC 5280).

Kept in a folder of its own: `ca.crt` for everybody, `ca.key` for nobody else, `crl.pem` for the broker.
"""

import fcntl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleet.errors import ConfigError, InvalidInput
from fleet.files import write_whole
from fleet.text import quoted

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sweepwatch devices")])
_CA_DAYS, _BROKER_DAYS = 7_300, 825
_CRL_DAYS = 30
"""A broker refuses everybody once its list is older: it is written anew every day."""
_EARLIER = timedelta(hours=1)
"""Clocks of devices may be late."""
_LEAST_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate in PEM; `key` is "" where whoever asked has it. `serial` is hexadecimal."""

    certificate: str
    key: str
    serial: str
    ends: int


class Authority:
    """Issues and revokes certificates. Files are written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def certificate_file(self) -> Path:
        """Return where its own certificate is, which devices and the broker trust."""
        return self._folder / "ca.crt"

    @property
    def revoked_file(self) -> Path:
        """Return where the list of revoked certificates is."""
        return self._folder / "crl.pem"

    @property
    def exists(self) -> bool:
        """Tell whether it was made."""
        return self.certificate_file.exists()

    def certificate(self) -> str:
        """Return its own certificate in PEM; it is made where there is none."""
        return self._own()[0].public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, name: str, days: int, now: int, request: str = "") -> Issued:
        """Return a certificate for a device of this name; with a request (PKCS #10, PEM) for its own key.

        Raises InvalidInput for a request that is none, or whose key is weak.
        """
        key = None if request else ec.generate_private_key(ec.SECP256R1())
        public = key.public_key() if key is not None else _public_key_of(request)
        usage = ExtendedKeyUsageOID.CLIENT_AUTH
        return self._sign(name, public, key, timedelta(days=days), now, [x509.ExtendedKeyUsage([usage])])

    def issue_for_broker(self, hosts: Sequence[str], now: int) -> Issued:
        """Return a certificate for a broker that devices reach by these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        days = timedelta(days=_BROKER_DAYS)
        return self._sign(hosts[0][:64], key.public_key(), key, days, now, [names, usage])

    def write_revoked(self, revoked: Callable[[], Iterable[tuple[int, int]]], now: int) -> bool:
        """Write the list of revoked certificates (serial, epoch ms); tell whether others are on it now.

        `revoked` is asked while nobody else writes the list, so that no older one comes last. Raises OSError.
        """
        certificate, key = self._own()
        with self._alone():
            return self._write_revoked(dict(revoked()), certificate, key, now)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other thread or process write here."""
        with (self._folder / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # its end comes with the file's
            yield

    def _write_revoked(
        self, wanted: dict[int, int], certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, now: int
    ) -> bool:
        builder = x509.CertificateRevocationListBuilder().issuer_name(certificate.subject)
        builder = builder.last_update(_time(now)).next_update(_time(now) + timedelta(days=_CRL_DAYS))
        for serial, at in sorted(wanted.items()):
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_time(at))
            builder = builder.add_revoked_certificate(one.build())
        before = self._listed()
        made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        write_whole(self.revoked_file, made, 0o644)
        return before != frozenset(wanted)

    def _listed(self) -> frozenset[int] | None:
        try:
            found = x509.load_pem_x509_crl(self.revoked_file.read_bytes())
        except (OSError, ValueError):
            return None
        return frozenset(one.serial_number for one in found)

    def _own(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        if not self.exists:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._alone():
                if not self.exists:
                    self._make()
        try:
            certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
            key = serialization.load_pem_private_key((self._folder / "ca.key").read_bytes(), None)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self._folder}: the devices' authority cannot be read: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError(f"{self._folder / 'ca.key'}: allowed: an elliptic curve key")
        return certificate, key

    def _make(self) -> None:
        now = datetime.now(UTC)
        key = ec.generate_private_key(ec.SECP256R1())
        signs = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_NAME)
            .issuer_name(_NAME)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _EARLIER)
            .not_valid_after(now + timedelta(days=_CA_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(signs, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_whole(self._folder / "ca.key", _key_text(key).encode(), 0o600)
        # The certificate comes last: where it is, everything is.
        write_whole(self.certificate_file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)

    def _sign(
        self,
        name: str,
        public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
        key: ec.EllipticCurvePrivateKey | None,
        valid: timedelta,
        now: int,
        extensions: Sequence[x509.ExtensionType],
    ) -> Issued:
        authority, authority_key = self._own()
        serial = x509.random_serial_number()
        ends = _time(now) + valid
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(authority.subject)
            .public_key(public)
            .serial_number(serial)
            .not_valid_before(_time(now) - _EARLIER)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        for extension in (identifier, *extensions):
            builder = builder.add_extension(extension, critical=False)
        made = builder.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        return Issued(
            made, "" if key is None else _key_text(key), f"{serial:x}", int(ends.timestamp() * 1000)
        )


def _public_key_of(request: str) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    try:
        asked = x509.load_pem_x509_csr(request.encode())
        valid = asked.is_signature_valid
    except (ValueError, InvalidSignature) as error:
        raise InvalidInput("request: allowed: a certificate signing request (PKCS #10) in PEM") from error
    key = asked.public_key()
    strong = isinstance(key, ec.EllipticCurvePublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS
    )
    if not valid or not strong:
        raise InvalidInput("request: allowed: signed by its own key, elliptic curve or RSA of 2048 bits")
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)  # what `strong` means
    return key


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        try:
            return x509.DNSName(host)
        except ValueError as error:
            raise InvalidInput(f"host: {quoted(host)} is no name that a certificate can have") from error


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).replace(microsecond=0)
