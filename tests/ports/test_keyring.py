"""Where keys live does not matter: one suite for keys in memory and keys in files."""

import stat

import pytest

from devices import acknowledgement
from devices.device_key import SigningKey
from oracle.attestation.signature import HALF_ORDER, is_checksummed, recover_signer
from oracle.errors import ConfigError
from oracle.keyring.files import ACK_KEY_FILE, REPORT_KEY_FILE, create_keyring, load_keyring
from oracle.keyring.memory import MemoryKeyring

DIGEST = bytes(range(32))


@pytest.fixture(name="make", params=["memory", "files"])
def make_fixture(request, tmp_path):
    """Makes keyrings of one kind, each with keys of its own."""
    made = iter(range(100))
    return {"memory": MemoryKeyring.generate, "files": lambda: create_keyring(tmp_path / f"node-{next(made)}")}[
        request.param
    ]


def test_a_keyring_signs_reports_as_its_address(make):
    keyring = make()
    signature = keyring.sign_report(DIGEST)
    assert len(signature) == 65
    assert int.from_bytes(signature[32:64]) <= HALF_ORDER
    assert recover_signer(DIGEST, signature) == keyring.address
    assert is_checksummed(keyring.address)
    assert signature == keyring.sign_report(DIGEST)


def test_two_keyrings_share_nothing(make):
    one, other = make(), make()
    assert one.address != other.address
    assert one.ack_key.public != other.ack_key.public


def test_the_ack_key_signs_acknowledgements(make):
    keyring = make()
    signed = acknowledgement.encode(
        node="node-1", gateway="gate-1", accepted=(), rejected=(), key=keyring.ack_key, network="demo"
    )
    again = acknowledgement.decode(signed.wire, network="demo")
    acknowledgement.verify_signature(again)
    assert (keyring.ack_key.public.alg, again.public_key) == ("eddsa", keyring.ack_key.public)


def test_a_keyring_does_not_print_its_secrets(make):
    keyring = make()
    assert keyring._secret.hex() not in repr(keyring) + str(keyring)


# Files ---------------------------------------------------------------------------------------------------------------


def test_keys_in_files_outlive_the_process_and_are_private(tmp_path):
    keyring = create_keyring(tmp_path / "node")
    again = load_keyring(tmp_path / "node")
    assert (again.address, again.ack_key.public) == (keyring.address, keyring.ack_key.public)
    for name in (REPORT_KEY_FILE, ACK_KEY_FILE):
        assert stat.S_IMODE((tmp_path / "node" / name).stat().st_mode) == 0o600


def test_keys_that_are_there_are_kept(tmp_path):
    assert create_keyring(tmp_path).address == create_keyring(tmp_path).address


@pytest.mark.parametrize("name", [REPORT_KEY_FILE, ACK_KEY_FILE])
def test_a_key_that_others_can_read_is_refused(tmp_path, name):
    create_keyring(tmp_path)
    (tmp_path / name).chmod(0o640)
    with pytest.raises(ConfigError, match="readable by others"):
        load_keyring(tmp_path)


@pytest.mark.parametrize("name", [REPORT_KEY_FILE, ACK_KEY_FILE])
@pytest.mark.parametrize(
    "content", [b"", b"01", b"zz" * 32, b"00" * 32, b"ff" * 32, b"11" * 31, b"11" * 33, b"\xff\xfe", b"-----BEGIN"]
)
def test_a_file_without_a_usable_key_is_refused(tmp_path, name, content):
    create_keyring(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError):
        load_keyring(tmp_path)


def test_a_folder_without_keys_or_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_keyring(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        create_keyring(tmp_path / "file" / "node")


@pytest.mark.parametrize("secret", [b"", b"\1", bytes(32), b"\xff" * 32, b"\1" * 33])
def test_a_secret_of_another_form_is_no_key(secret):
    with pytest.raises(ValueError, match=r"32 bytes|[Ss]ecret"):
        MemoryKeyring(secret, SigningKey.from_seed("eddsa", bytes(32)))
