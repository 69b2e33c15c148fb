from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from access.devices.authority import Authority
from fleet.errors import ConfigError, InvalidInput

NOW = 1_795_334_400_000
DAY = 86_400


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str = "another") -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_a_certificate_names_its_device_and_can_only_be_a_clients(tmp_path: Path) -> None:
    issued = Authority(tmp_path).issue("r1", 90, NOW)
    made = x509.load_pem_x509_certificate(issued.certificate.encode())
    own = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    made.verify_directly_issued_by(own)
    assert [one.value for one in made.subject] == ["r1"]
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert made.not_valid_after_utc == datetime.fromtimestamp(NOW / 1000 + 90 * DAY, UTC)
    assert issued.ends == NOW + 90 * DAY * 1000
    assert int(issued.serial, 16) == made.serial_number


def test_with_a_request_the_device_keeps_its_key_and_its_name_is_ours(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    issued = Authority(tmp_path).issue("r1", 90, NOW, request(key))
    made = x509.load_pem_x509_certificate(issued.certificate.encode())
    assert issued.key == ""
    assert made.public_key() == key.public_key()
    assert [one.value for one in made.subject] == ["r1"], "whatever name it asked for"


def test_requests_that_are_none_or_weak_are_refused(tmp_path: Path) -> None:
    weak = rsa.generate_private_key(65537, 1024)
    good = request(ec.generate_private_key(ec.SECP256R1()))
    lines = good.splitlines()
    broken = "\n".join([*lines[:-2], lines[-2][:-8] + "AAAAAAA=", lines[-1]])
    for asked in ("x", "-----BEGIN CERTIFICATE REQUEST-----\n", request(weak), broken):
        with pytest.raises(InvalidInput, match="request"):
            Authority(tmp_path).issue("r1", 90, NOW, asked)


def test_the_authority_lasts_and_its_key_is_for_nobody_else(tmp_path: Path) -> None:
    first = Authority(tmp_path / "ca").certificate()
    assert Authority(tmp_path / "ca").certificate() == first
    assert (tmp_path / "ca" / "ca.key").stat().st_mode & 0o777 == 0o600


def test_a_damaged_authority_is_told_and_not_made_anew(tmp_path: Path) -> None:
    Authority(tmp_path).certificate()
    (tmp_path / "ca.key").write_text("x")
    with pytest.raises(ConfigError, match="authority cannot be read"):
        Authority(tmp_path).issue("r1", 90, NOW)


def test_the_list_of_revoked_tells_whether_others_are_on_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    assert authority.write_revoked(list, NOW)
    assert not authority.write_revoked(list, NOW + DAY * 1000), "written anew, with the same on it"
    assert authority.write_revoked(lambda: [(7, NOW)], NOW)
    listed = x509.load_pem_x509_crl(authority.revoked_file.read_bytes())
    assert [one.serial_number for one in listed] == [7]
    assert listed.next_update_utc == datetime.fromtimestamp(NOW / 1000 + 30 * DAY, UTC)
