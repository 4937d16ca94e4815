"""What `heliograph prove` writes of a running site, the second verifier accepts: real blocks, real receipts, real storage."""

import json
import shutil

import pytest

from oracle.attestation.credits import decode_credits, encode_credits
from tests.support.credit_site import credit_site
from tests.verifier.verdicts import accepted_alike, refused_alike


@pytest.fixture(scope="module", name="files")
def files_fixture(tmp_path_factory, require):
    """(what, file, anchor) of each retirement and of all credits of a plant on anvil."""
    require("anvil", shutil.which("anvil"), "npm ci in contracts/, and its anvil on the PATH")
    with credit_site(tmp_path_factory.mktemp("credits")) as site:
        proven = {f"retirement {number}": site.exporter.retirement(number) for number in range(1, len(site.parts) + 1)}
        proven["credits"] = site.exporter.credits(site.project, site.vintage, 1, sum(site.parts))
        made = []
        for what, one in proven.items():
            blocks = [block.block_hash for block in one.body.blocks]
            made.append((what, encode_credits(one), site.exporter.anchor(blocks)))
    return made


def test_both_verifiers_lead_credits_of_a_chain_down_to_the_devices(files, javascript):
    accepted_alike(files, javascript)
    accepted_alike([(what, raw, None) for what, raw, _ in files], javascript)


def test_a_block_that_is_not_the_chains_is_seen(files, javascript):
    cases = []
    for what, raw, anchor in files:
        document = json.loads(raw)
        for block in document["blocks"]:
            header = bytearray.fromhex(block["header"][2:])
            header[-1] ^= 1
            block["header"] = "0x" + header.hex()
        cases.append(
            (what, json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(), anchor)
        )
    assert set(refused_alike(cases, javascript)) == {"blocks"}
    assert all(decode_credits(raw).body.blocks for _, raw, _ in files)
