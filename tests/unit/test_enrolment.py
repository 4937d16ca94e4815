"""Keys and certificates by command: what is made, for whose eyes, and what is refused."""

import json
import stat
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from api.cli import heliograph
from api.enrolment.authority import Authority
from api.enrolment.requests import Role, read_request
from contracts.state import NEVER_REVOKED
from devices.device_key import SigningKey
from oracle.keyring.files import load_keyring


def run(*arguments):
    return CliRunner().invoke(heliograph, ["enrol", *(str(argument) for argument in arguments)])


def made(*arguments):
    done = run(*arguments)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def ca(tmp_path):
    made("ca", "--site", "roofs", "--out", tmp_path / "ca")
    return tmp_path / "ca"


def certificate(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_gateway_is_enrolled_in_one_step(ca, tmp_path):
    told = made("gateway", "gw-1", "--ca", ca, "--out", tmp_path / "gw", "--days", 30)
    issued = certificate(tmp_path / "gw" / "gw-1.pem")
    names = {each.oid: each.value for each in issued.subject}
    assert names[NameOID.COMMON_NAME] == "gw-1"
    assert names[NameOID.ORGANIZATIONAL_UNIT_NAME] == "gateway"
    left = issued.not_valid_after_utc - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)
    assert told["serial"] == f"{issued.serial_number:040x}"
    usage = issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_certificates_hold_for_a_strict_verifier(ca, tmp_path):
    """The path validation of `cryptography`, which follows RFC 5280 and the profile of browsers."""
    made("broker", "broker.example", "192.0.2.7", "--ca", ca, "--out", tmp_path / "b")
    verifier = PolicyBuilder().store(Store([certificate(ca / "ca.pem")]))
    verifier.build_server_verifier(x509.DNSName("broker.example")).verify(
        certificate(tmp_path / "b" / "broker.pem"), []
    )


def test_only_the_request_travels(ca, tmp_path):
    made("node", "node-1", "--out", tmp_path / "node")
    assert not (tmp_path / "node" / "node-1.pem").exists()
    request = tmp_path / "node" / "node-1.csr"
    made("sign", request, "--role", "node", "--ca", ca, "--out", tmp_path / "node-1.pem")
    assert certificate(tmp_path / "node-1.pem").public_key() == read_request(request).public_key()
    assert b"PRIVATE" not in request.read_bytes()


def test_private_keys_are_for_their_owner_alone(ca, tmp_path):
    made("node", "node-1", "--ca", ca, "--out", tmp_path / "node")
    device("dev-1", tmp_path)
    keys = [p for p in tmp_path.rglob("*") if p.is_file() and b"PRIVATE" in p.read_bytes()]
    assert len(keys) == 4  # authority, node, its acknowledgement key, device
    assert {stat.S_IMODE(p.stat().st_mode) for p in keys} == {0o600}
    (ca / "ca.key").chmod(0o644)
    refused = run("gateway", "gw-1", "--ca", ca, "--out", tmp_path / "gw")
    assert refused.exit_code == 2
    assert "readable by others" in refused.stderr


def test_a_node_is_told_its_public_names(ca, tmp_path):
    told = made("node", "node-1", "--ca", ca, "--out", tmp_path / "node")
    keyring = load_keyring(tmp_path / "node" / "keys")
    assert (told["report_address"], told["ack_key"]) == (keyring.address, keyring.ack_key.public.raw.hex())
    assert told["ack_alg"] == "eddsa"


def test_nothing_is_overwritten(ca, tmp_path):
    calls = [
        ("ca", "--site", "roofs", "--out", ca),
        ("gateway", "gw-1", "--ca", ca, "--out", tmp_path / "gw"),
        ("broker", "localhost", "--ca", ca, "--out", tmp_path / "broker"),
        ("sign", tmp_path / "gw" / "gw-1.csr", "--role", "gateway", "--ca", ca, "--out", tmp_path / "gw" / "gw-1.pem"),
        device_call("dev-1", tmp_path),
    ]
    for arguments in calls[1:3] + calls[4:]:
        assert run(*arguments).exit_code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for arguments in calls:
        again = run(*arguments)
        assert again.exit_code == 2
        assert "is there already" in again.stderr
        assert again.stderr.count("\n") == 1
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_new_key_goes_beside_the_old_one(ca, tmp_path):
    first = made("gateway", "gw-1", "--ca", ca, "--out", tmp_path / "gw")
    second = made("gateway", "gw-1", "--ca", ca, "--out", tmp_path / "gw", "--rotate")
    third = made("gateway", "gw-1", "--ca", ca, "--out", tmp_path / "gw", "--rotate")
    assert [each["key"].rpartition("/")[2] for each in (first, second, third)] == [
        "gw-1.key",
        "gw-1-2.key",
        "gw-1-3.key",
    ]
    issued = Authority(ca).issued()
    assert [(one.name, one.role, one.revoked) for one in issued] == [("gw-1", Role.GATEWAY, False)] * 3


def test_a_revocation_is_in_the_list_and_stays_there(ca, tmp_path):
    first = made("gateway", "gw-1", "--ca", ca, "--out", tmp_path / "gw")
    second = made("gateway", "gw-2", "--ca", ca, "--out", tmp_path / "gw")
    made("revoke", "gw-1", "--ca", ca)
    made("revoke", "gw-2", "--serial", second["serial"].lstrip("0"), "--ca", ca)
    crl = x509.load_pem_x509_crl((ca / "crl.pem").read_bytes())
    assert crl.is_signature_valid(certificate(ca / "ca.pem").public_key())
    assert {f"{each.serial_number:040x}" for each in crl} == {first["serial"], second["serial"]}
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3
    assert crl.next_update_utc == certificate(ca / "ca.pem").not_valid_after_utc
    again = run("revoke", "gw-1", "--ca", ca)
    assert again.exit_code == 2
    assert "no certificate of gw-1 to revoke" in again.stderr


def request_by(key, name, tmp_path):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    path = tmp_path / "foreign.csr"
    path.write_bytes(
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    return path


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda t: request_by(rsa.generate_private_key(65537, 2048), "gw-9", t), "not of the curve P-256"),
        (lambda t: request_by(ec.generate_private_key(ec.SECP384R1()), "gw-9", t), "not of the curve P-256"),
        (lambda t: request_by(ec.generate_private_key(ec.SECP256R1()), "gw/#", t), "'gw/#' is not an identifier"),
        (lambda t: request_by(ec.generate_private_key(ec.SECP256R1()), "gw-1\nuser x", t), "is not an identifier"),
        (lambda t: t / "absent.csr", "cannot be read"),
        (lambda t: t / "ca" / "ca.pem", "not a certificate signing request"),
    ],
)
def test_a_request_that_cannot_be_signed_is_refused_in_one_line(ca, tmp_path, make, complaint):
    refused = run("sign", make(tmp_path), "--role", "gateway", "--ca", ca, "--out", tmp_path / "x.pem")
    assert refused.exit_code == 2
    assert complaint in refused.stderr
    assert not (tmp_path / "x.pem").exists()
    assert Authority(ca).issued() == []


def test_a_request_by_somebody_without_the_key_is_refused(ca, tmp_path):
    path = request_by(ec.generate_private_key(ec.SECP256R1()), "gw-9", tmp_path)
    der = bytearray(x509.load_pem_x509_csr(path.read_bytes()).public_bytes(Encoding.DER))
    at = der.index(b"gw-9")
    der[at : at + 4] = b"gw-8"
    path.write_bytes(x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM))
    refused = run("sign", path, "--role", "gateway", "--ca", ca, "--out", tmp_path / "x.pem")
    assert "does not hold its key" in refused.stderr


def test_one_name_has_one_role(ca, tmp_path):
    made("gateway", "one", "--ca", ca, "--out", tmp_path / "gw")
    refused = run("node", "one", "--ca", ca, "--out", tmp_path / "node")
    assert refused.exit_code == 2
    assert "one is a gateway already" in refused.stderr
    assert not (tmp_path / "node").exists()
    made("revoke", "one", "--ca", ca)
    made("node", "one", "--ca", ca, "--out", tmp_path / "node")


def device_call(name, tmp_path, *more):
    return (
        *("device", name, "--meter", "met-1", "--asset", "roof", "--nameplate-w", 8000),
        *("--baseline-wh", 41, "--baseline-at", "2026-07-01T08:00:00+08:00", "--out", tmp_path / "dev", *more),
    )


def device(name, tmp_path, *more):
    return made(*device_call(name, tmp_path, *more))


@pytest.mark.parametrize("alg", ["es256", "eddsa"])
def test_a_device_key_comes_with_its_registry_entry(tmp_path, alg):
    entry = device("dev-1", tmp_path, "--alg", alg)
    key = SigningKey.from_pem((tmp_path / "dev" / "dev-1.pem").read_bytes())
    assert key.public.alg == alg
    assert entry == {
        "asset_id": "roof",
        "meter_id": "met-1",
        "device_id": "dev-1",
        "thumbprint": "0x" + key.public.thumbprint.hex(),
        "role": "inverter",
        "nameplate_w": 8000,
        "baseline_wh": 41,
        "baseline_time_ms": 1_782_864_000_000,
        "revoked_boot": NEVER_REVOKED,
        "revoked_sequence": NEVER_REVOKED,
    }


def test_a_device_key_is_revoked_from_a_sequence_on():
    told = made("revoke-key", "dev-1", "--meter", "met-1", "--from-boot", 2, "--from-sequence", 600)
    assert told == {"device_id": "dev-1", "meter_id": "met-1", "revoked_boot": 2, "revoked_sequence": 600}
    refused = run("revoke-key", "dev-1", "--meter", "met-1", "--from-boot", 2, "--from-sequence", 2**64 - 1)
    assert refused.exit_code == 2


@pytest.mark.parametrize("when", ["yesterday", "2026-07-01T08:00:00"])
def test_a_baseline_needs_an_instant(tmp_path, when):
    refused = run(*device_call("dev-1", tmp_path, "--baseline-at", when))
    assert refused.exit_code == 2
    assert "--baseline-at" in refused.stderr
    assert not (tmp_path / "dev").exists()
