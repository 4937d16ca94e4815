import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from devices.device_key import ALGORITHMS, GROUP_ORDER, DeviceKeyError, PublicKey, SigningKey, public_key

SEED = bytes(range(32))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_signature_verifies_under_its_key_only(alg):
    key, other = SigningKey.from_seed(alg, SEED), SigningKey.from_seed(alg, SEED[::-1])
    signature = key.sign(b"noon")
    assert len(signature) == 64
    assert key.public.verify(signature, b"noon")
    assert not key.public.verify(signature, b"midnight")
    assert not other.public.verify(signature, b"noon")


def test_es256_signatures_have_low_s_and_their_twins_are_refused():
    key = SigningKey.from_seed("es256", SEED)
    for number in range(64):
        message = bytes([number])
        signature = key.sign(message)
        s = int.from_bytes(signature[32:], "big")
        assert s <= GROUP_ORDER // 2
        twin = signature[:32] + (GROUP_ORDER - s).to_bytes(32, "big")
        assert not key.public.verify(twin, message)


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65)])
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_verify_never_raises(alg, signature):
    assert not SigningKey.from_seed(alg, SEED).public.verify(signature, b"noon")


def test_thumbprint_is_the_example_of_rfc_9679():
    x = bytes.fromhex("65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d")
    y = bytes.fromhex("1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c")
    key = PublicKey("es256", bytes([2 + y[-1] % 2]) + x)
    assert key.thumbprint.hex() == "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"


def test_thumbprints_of_different_keys_differ():
    keys = [SigningKey.from_seed(alg, bytes([i]) * 32).public for alg in ALGORITHMS for i in range(8)]
    assert len({key.thumbprint for key in keys}) == len(keys)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_pem_round_trip(alg):
    key = SigningKey.generate(alg)
    again = SigningKey.from_pem(key.to_pem())
    assert again.public == key.public
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "not a pem",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ec.generate_private_key(ec.SECP384R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode(),
        rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    ],
    ids=["empty", "text", "garbage", "p384", "rsa"],
)
def test_other_pems_are_refused(pem):
    with pytest.raises(DeviceKeyError):
        SigningKey.from_pem(pem)


@pytest.mark.parametrize(
    ("alg", "raw"),
    [
        ("es256", b""),
        ("es256", bytes(33)),
        ("es256", b"\x02" + b"\xff" * 32),
        ("es256", b"\x04" + bytes(32)),
        ("eddsa", bytes(31)),
        ("eddsa", bytes(33)),
        ("rs256", bytes(32)),
    ],
)
def test_bytes_that_are_no_key_are_refused(alg, raw):
    with pytest.raises(DeviceKeyError):
        public_key(alg, raw)


def test_seeds_have_32_bytes():
    with pytest.raises(DeviceKeyError):
        SigningKey.from_seed("es256", b"short")


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_public_keys_travel_between_processes(alg):
    key = SigningKey.from_seed(alg, SEED).public
    assert pickle.loads(pickle.dumps(key)) == key
