"""The certificate by which the server speaks HTTPS: judged before anything listens, taken anew if renewed."""

import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

from fleet.clock import DAY_MS, from_rfc3339
from fleet.errors import ConfigError

log = logging.getLogger(__name__)
SOON_MS = 14 * DAY_MS
"""A certificate that ends within so long is worth a word at each start."""


def check_certificate(certificate: Path, key: Path, now: int) -> frozenset[str]:
    """Return the names that a certificate is for.

    Raises ConfigError for one that cannot be read, is over or has yet to begin, or has another key.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )

    setting = "server.tls_certificate"
    try:
        chain = x509.load_pem_x509_certificates(_read(certificate, setting))
    except ValueError as error:
        raise ConfigError(f"{setting}: {certificate} holds no certificate in PEM") from error
    text = _read(key, "server.tls_key")
    try:
        private = load_pem_private_key(text, None)
    except TypeError as error:
        raise ConfigError(
            f"server.tls_key: {key} has a passphrase, which nobody could enter; take it off"
        ) from error
    except ValueError as error:
        raise ConfigError(f"server.tls_key: {key} holds no private key in PEM") from error
    leaf = chain[0]
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    at = datetime.fromtimestamp(now / 1000, UTC)
    if at >= ends:
        raise ConfigError(f"{setting}: {certificate} ended at {_told(ends)}; renew it")
    if at < begins:
        raise ConfigError(f"{setting}: {certificate} begins at {_told(begins)} only; is the clock right?")
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise ConfigError(f"server.tls_key: {key} is not the key of the first certificate in {certificate}")
    return _names(leaf)


class Renewal:
    """Takes a certificate that was renewed while the server runs; until one can be used, the old goes on."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = (certificate, key)
        self._seen = self._written()

    def look(self, context: ssl.SSLContext, now: int) -> bool:
        """Put the files into `context` if they changed since the last look; return whether that was done."""
        written = self._written()
        if written == self._seen:
            return False
        self._seen = written
        try:
            check_certificate(*self._files, now)
            context.load_cert_chain(*self._files)
        except (ConfigError, OSError) as error:  # of two files the second may be still to come
            log.warning("the renewed certificate is not used yet, the old one goes on: %s", error)
            return False
        log.info("%s was renewed, and is used from now on", self._files[0])
        return True

    def _written(self) -> tuple[int, ...]:
        return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in self._files)


def ends_soon(certificate: Path, now: int) -> str | None:
    """Return when a certificate ends, if that is soon, as RFC 3339; None where there is time."""
    from cryptography import x509

    ends = _told(x509.load_pem_x509_certificates(certificate.read_bytes())[0].not_valid_after_utc)
    return ends if from_rfc3339(ends) - now < SOON_MS else None


def _names(leaf: object) -> frozenset[str]:
    from cryptography import x509

    assert isinstance(leaf, x509.Certificate)
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return frozenset()
    names = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return frozenset([*(name.lower() for name in names), *map(str, addresses)])


def _read(file: Path, setting: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{setting}: {file}: {error.strerror}") from error


def _told(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
