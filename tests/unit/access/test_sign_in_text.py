"""EIP-4361 to the letter: what a wallet would show as a sign-in, and nothing else."""

import pytest

from api.access.siwe import MAX_LENGTH, SignInTextError, read_sign_in

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TEXT = f"""sun.example wants you to sign in with your Ethereum account:
{ADDRESS}

Show me my plants.

URI: https://sun.example/plants?of=me
Version: 1
Chain ID: 31337
Nonce: 6f1c0a5de2b74f0b
Issued At: 2026-06-10T12:00:00Z
Expiration Time: 2026-06-10T12:10:00.250+08:00
Not Before: 2026-06-10T11:59:00Z
Request ID: some-request/ "x"
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json""".replace('/ "x"', "")
LEAST = f"""sun.example:8443 wants you to sign in with your Ethereum account:
{ADDRESS}


URI: https://sun.example:8443
Version: 1
Chain ID: 1
Nonce: abcdefgh
Issued At: 2026-06-10T12:00:00.123456Z"""


def test_everything_is_read():
    read = read_sign_in(TEXT)
    assert (read.scheme, read.domain, read.address) == (None, "sun.example", ADDRESS)
    assert read.statement == "Show me my plants."
    assert (read.uri, read.chain_id, read.nonce) == ("https://sun.example/plants?of=me", 31337, "6f1c0a5de2b74f0b")
    assert read.issued_ms == 1_781_092_800_000
    assert read.expires_ms == read.issued_ms - 8 * 3_600_000 + 600_250
    assert read.not_before_ms == read.issued_ms - 60_000
    assert read.request_id == "some-request"
    assert len(read.resources) == 2
    assert read.resources[1] == "https://example.com/my-web2-claim.json"


def test_what_may_be_missing_is_none():
    read = read_sign_in(LEAST)
    assert (read.statement, read.expires_ms, read.not_before_ms, read.request_id) == (None, None, None, None)
    assert read.resources == ()
    assert read.domain == "sun.example:8443"
    assert read.issued_ms == 1_781_092_800_123


def test_a_scheme_may_stand_before_the_domain():
    assert read_sign_in("https://" + LEAST).scheme == "https"


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("wants you to sign in", "Wants you to sign in"),
        ("sun.example wants", "sun.example  wants"),
        ("sun.example wants", "sun.example/evil wants"),
        ("sun.example wants", " wants"),
        ("account:\n", "account: \n"),
        ("account:\n", "account:\r\n"),
        (ADDRESS, ADDRESS.lower()),
        (ADDRESS, ADDRESS[:-1]),
        (ADDRESS, ADDRESS + " "),
        (f"{ADDRESS}\n\n", f"{ADDRESS}\n"),
        ("plants.\n\n", "plants.\n"),
        ("plants.\n\n", "plants.\n\n\n"),
        ("Show me my plants.", "Show me my\nplants."),
        ("Show me my plants.", "Show me my “plants”."),
        ("Show me my plants.", "Show me <plants>"),
        ("URI: https", "URI:https"),
        ("URI: https://sun.example/plants?of=me", "URI: sun.example"),
        ("plants?of=me", "plants of me"),
        ("Version: 1", "Version: 2"),
        ("Version: 1", "Version: 01"),
        ("Version: 1\n", ""),
        ("Chain ID: 31337", "Chain ID: 0x7a69"),
        ("Chain ID: 31337", "Chain ID: ٣"),
        ("Chain ID: 31337", "Chain ID: -1"),
        ("Nonce: 6f1c0a5de2b74f0b", "Nonce: 6f1c0a5"),
        ("Nonce: 6f1c0a5de2b74f0b", "Nonce: 6f1c0a5d-2b74f0b"),
        ("Issued At: 2026-06-10T12:00:00Z\n", ""),
        ("2026-06-10T12:00:00Z", "2026-06-10T12:00:00"),
        ("2026-06-10T12:00:00Z", "2026-06-31T12:00:00Z"),
        ("2026-06-10T12:00:00Z", "2026-06-10 12:00:00Z"),
        ("2026-06-10T12:00:00Z", "2026-06-10T12:00:00+99:00"),
        ("2026-06-10T12:00:00Z", "٢٠٢٦-06-10T12:00:00Z"),
        ("Request ID: some-request", "Request ID: some request"),
        ("Request ID: some-request\n", "Request ID: a\nRequest ID: b\n"),
        ("- ipfs", "-ipfs"),
        ("my-web2-claim.json", "my web2 claim"),
        ("my-web2-claim.json", "my-web2-claim.json\n"),
        ("my-web2-claim.json", "my-web2-claim.json\nChain ID: 1"),
        (
            "Not Before: 2026-06-10T11:59:00Z\nRequest ID: some-request",
            "Request ID: a\nNot Before: 2026-06-10T11:59:00Z",
        ),
    ],
)
def test_whatever_is_not_as_the_standard_has_it_is_refused(found, put):
    assert found in TEXT
    read_sign_in(TEXT)
    with pytest.raises(SignInTextError):
        read_sign_in(TEXT.replace(found, put, 1))


def test_each_line_left_out_twice_or_at_another_place_is_refused():
    lines = TEXT.split("\n")
    optional = ("Expiration Time", "Not Before", "Request ID", "- ", "Show me")
    for at, line in enumerate(lines):
        without = "\n".join(lines[:at] + lines[at + 1 :])
        if not line.startswith(optional):
            with pytest.raises(SignInTextError):
                read_sign_in(without)
        if not line.startswith("- "):
            with pytest.raises(SignInTextError):
                read_sign_in("\n".join([*lines[: at + 1], *lines[at:]]))


@pytest.mark.parametrize(
    "text", ["", "\n" * 20, "x" * (MAX_LENGTH + 1), TEXT + "\0", "\ufeff" + TEXT, TEXT.encode("utf-16").hex()]
)
def test_what_is_no_message_at_all_is_refused(text):
    with pytest.raises(SignInTextError):
        read_sign_in(text)


def test_a_refusal_repeats_nothing_of_the_text():
    for found in ("Nonce: ", "Request ID: ", "URI: ", "Chain ID: "):
        with pytest.raises(SignInTextError) as refused:
            read_sign_in(TEXT.replace(found, found + "<script>", 1))
        assert "script" not in str(refused.value)
