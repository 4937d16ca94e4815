"""Signatures under webhooks, and their secrets at rest."""

import base64
import hashlib
import hmac

import pytest

from api.notices.sealing import Seal, SealError
from api.notices.signature import TOLERANCE_S, format_secret, headers, parse_secret, verify

SECRET, BODY, NOW_S = b"s" * 32, b'{"kind":"mint"}', 1_764_000_000


def test_the_signature_is_that_of_standard_webhooks():
    sent = headers(SECRET, "msg_1", NOW_S, BODY)
    mac = hmac.new(SECRET, b"msg_1.1764000000." + BODY, hashlib.sha256).digest()
    assert sent == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1764000000",
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }
    assert verify(SECRET, sent, BODY, now_s=NOW_S)


@pytest.mark.parametrize(
    ("change", "body", "now_s"),
    [
        ({}, BODY + b" ", NOW_S),
        ({"webhook-id": "msg_2"}, BODY, NOW_S),
        ({"webhook-timestamp": str(NOW_S + 1)}, BODY, NOW_S),
        ({"webhook-timestamp": "soon"}, BODY, NOW_S),
        ({"webhook-signature": "v1,"}, BODY, NOW_S),
        ({"webhook-signature": "v1,é"}, BODY, NOW_S),
        ({}, BODY, NOW_S + TOLERANCE_S + 1),
        ({}, BODY, NOW_S - TOLERANCE_S - 1),
    ],
)
def test_what_was_altered_or_is_old_does_not_verify(change, body, now_s):
    assert not verify(SECRET, headers(SECRET, "msg_1", NOW_S, BODY) | change, body, now_s=now_s)


def test_another_secret_does_not_verify_and_one_of_several_signatures_is_enough():
    sent = headers(SECRET, "msg_1", NOW_S, BODY)
    assert not verify(b"t" * 32, sent, BODY, now_s=NOW_S)
    both = sent | {"webhook-signature": f"v1,AAAA {sent['webhook-signature']}"}
    assert verify(SECRET, both, BODY, now_s=NOW_S)
    assert not verify(SECRET, {}, BODY, now_s=NOW_S)


def test_a_secret_is_read_as_it_is_shown():
    assert parse_secret(format_secret(SECRET)) == SECRET
    for text in ("", "whsec_!", "secret"):
        with pytest.raises(ValueError, match=r"."):
            parse_secret(text)


def test_a_seal_opens_what_it_sealed_for_the_same_purpose_only(tmp_path):
    seal = Seal.open(tmp_path / "notices.key")
    sealed = seal.seal(SECRET, "wh_1")
    assert SECRET not in sealed
    assert Seal.open(tmp_path / "notices.key").unseal(sealed, "wh_1") == SECRET
    with pytest.raises(SealError):
        seal.unseal(sealed, "wh_2")
    with pytest.raises(SealError):
        seal.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), "wh_1")
    with pytest.raises(SealError):
        Seal(b"k" * 32).unseal(sealed, "wh_1")
    with pytest.raises(SealError):
        seal.unseal(b"", "wh_1")


def test_the_key_is_private_and_one_that_is_not_is_refused(tmp_path):
    path = tmp_path / "notices.key"
    Seal.open(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(SealError, match="readable by others"):
        Seal.open(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(SealError, match="5 bytes"):
        Seal.open(path)
    with pytest.raises(SealError, match="cannot be used"):
        Seal.open(tmp_path / "nowhere" / "notices.key")
