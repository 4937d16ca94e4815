"""Blocks made up around good proofs: what CarbonCredit and MarkLedger would have logged and kept, and the tries above it."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import rlp
from trie import HexaryTrie

from contracts.state import credit_id
from oracle.attestation.block import ProvenBlock, ProvenReceipt, ProvenSlot, ProvenStorage
from oracle.attestation.credit_storage import Retirement
from oracle.attestation.credits import CreditRange, CreditsBody, Portion, ProvenCredits, ProvenMember
from oracle.attestation.proof import Contracts, Proof
from oracle.attestation.verification import examine_proof
from oracle.reporting.keccak import keccak256
from oracle.reporting.registry import asset_leaf
from tests.verifier.proofs import PROJECT, GoodProof

CONTRACTS = Contracts("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")
HOLDER = "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
ISSUED = keccak256(b"Issued(uint256,uint256,uint256,uint256)")
SETTLED = keccak256(b"Settled(uint256,uint256)")
BATCH_SETTLED = keccak256(b"BatchSettled(uint64,uint256)")
ISSUANCES, RETIREMENTS = 5, 8
OTHER_ASSET = "elsewhere-1"

Log = tuple[str, list[bytes], bytes]


@dataclass(frozen=True)
class Mint:
    """What one report raised an asset's credits to."""

    epoch: int
    cutoff_s: int
    credits_g: int
    others_g: int
    """Raised for another asset of the project beside it."""
    offset_g: int
    """Of all of it, what made up for a reversal."""


def word(number: int) -> bytes:
    return number.to_bytes(32)


def marked(asset_id: str, vintage: int, credits_g: int, cutoff_s: int, epoch: int) -> Log:
    mark = credits_g << 48 | cutoff_s << 168 | epoch << 200 | 1 << 248 | 7
    return CONTRACTS.ledger, [SETTLED, word(credit_id(asset_id, vintage))], word(mark)


def issued(token: int, grams: int, reversed_g: int, offset_g: int) -> Log:
    return CONTRACTS.credit, [ISSUED, word(token)], word(grams) + word(reversed_g) + word(offset_g)


def settled_batch(epoch: int) -> Log:
    return CONTRACTS.ledger, [BATCH_SETTLED, word(epoch)], word(1)


def trie_of(content: Mapping[bytes, bytes]) -> HexaryTrie:
    trie = HexaryTrie({})
    for key, held in content.items():
        trie[key] = held
    return trie


def way(trie: HexaryTrie, key: bytes) -> tuple[bytes, ...]:
    """The nodes to a key that are referred to by hash."""
    nodes = [rlp.encode(node) for node in trie.get_proof(key)]
    return tuple(node for place, node in enumerate(nodes) if place == 0 or len(node) >= 32)


def block(
    number: int, transactions: Sequence[Iterable[Log]], shown: Sequence[int], slots: Mapping[bytes, int]
) -> ProvenBlock:
    """A block with these transactions, of which some are shown, and these slots of the credit contract (none: not shown)."""
    receipts = {}
    for index, logs in enumerate(transactions):
        told = [[bytes.fromhex(contract[2:]), topics, data] for contract, topics, data in logs]
        receipts[rlp.encode(index)] = bytes([index % 3]).lstrip(b"\0") + rlp.encode(
            [b"\1", b"\x52\x08", bytes(256), told]
        )
    receipt_trie = trie_of(receipts)
    storage = trie_of({keccak256(slot): rlp.encode(word(held).lstrip(b"\0")) for slot, held in slots.items() if held})
    address = bytes.fromhex(CONTRACTS.credit[2:])
    accounts = {keccak256(bytes([n])): rlp.encode([b"", b"", bytes(32), bytes(32)]) for n in range(40)}
    accounts[keccak256(address)] = rlp.encode([b"\1", b"", storage.root_hash, keccak256(b"code")])
    state = trie_of(accounts)
    header = rlp.encode(
        [bytes(32), bytes(32), bytes(20), state.root_hash, bytes(32), receipt_trie.root_hash, bytes(256), b"",
         number.to_bytes(4).lstrip(b"\0"), b"\1", b"\1", b"\1", b"", bytes(32), bytes(8)]
    )  # fmt: skip
    storages = ()
    if slots:
        proven = tuple(ProvenSlot(slot, way(storage, keccak256(slot))) for slot in sorted(slots))
        storages = (ProvenStorage(CONTRACTS.credit, way(state, keccak256(address)), proven),)
    paths = tuple(ProvenReceipt(index, way(receipt_trie, rlp.encode(index))) for index in shown)
    return ProvenBlock(keccak256(header), header, paths, storages)


def odd_block(
    number: int, receipt: object, *, kind: bytes = b"", fields: Mapping[int, object] = MappingProxyType({})
) -> ProvenBlock:
    """A block of one receipt of any shape, below a header in which some fields are others; its hash is right."""
    receipts = trie_of({rlp.encode(0): kind + rlp.encode(receipt)})
    header: list[object] = [
        bytes(32), bytes(32), bytes(20), trie_of({}).root_hash, bytes(32), receipts.root_hash, bytes(256), b"",
        bytes([number]), b"\1", b"\1", b"\1", b"", bytes(32), bytes(8),
    ]  # fmt: skip
    for place, odd in fields.items():
        header[place] = odd
    encoded = rlp.encode(header)
    return ProvenBlock(keccak256(encoded), encoded, (ProvenReceipt(0, way(receipts, rlp.encode(0))),), ())


def mints_of(rng: random.Random, proof: Proof, vintage: int) -> list[Mint]:
    """A mint for each report that raised the credits of a vintage; sometimes another asset is minted for beside it."""
    mints, before_g = [], 0
    for number, statements in enumerate(examine_proof(proof, None).history):
        stated = statements.get(vintage)
        if stated is None or stated.credits_g.issued == before_g:
            continue
        rise_g, before_g = stated.credits_g.issued - before_g, stated.credits_g.issued
        epoch = proof.body.report.epoch - len(proof.body.evidence) + number + 1
        mints.append(
            Mint(epoch, stated.cutoff_s, before_g, rng.choice((0, 0, 500)), rng.choice((0, 0, int(rise_g > 1))))
        )
    return mints


def text_slots(place: int, text: str) -> dict[bytes, int]:
    """Storage of a string, as Solidity lays it out."""
    raw = text.encode()
    if len(raw) < 32:
        return {word(place): int.from_bytes(raw.ljust(31, b"\0") + bytes([2 * len(raw)]))}
    start = int.from_bytes(keccak256(word(place)))
    parts = {
        word((start + n) % 2**256): int.from_bytes(raw[32 * n : 32 * n + 32].ljust(32, b"\0"))
        for n in range(-(-len(raw) // 32))
    }
    return {word(place): 2 * len(raw) + 1, **parts}


def retirement_slots(retirement: Retirement) -> dict[bytes, int]:
    first = int.from_bytes(keccak256(word(retirement.number) + word(RETIREMENTS)))
    place = [(first + n) % 2**256 for n in range(8)]
    return {
        word(place[0]): retirement.credit_id,
        word(place[1]): retirement.grams,
        word(place[2]): retirement.first_serial,
        word(place[3]): int(retirement.holder, 16) << 64 | retirement.retired_s,
        word(place[4]): int(retirement.beneficiary, 16),
        word(place[5]): int.from_bytes(retirement.name_hash),
        **text_slots(place[6], retirement.name),
        **text_slots(place[7], retirement.purpose),
    }


def made_up_credits(seed: int, good: GoodProof) -> ProvenCredits | None:
    """All credits of one vintage that end with a proof's last report, or a retirement of them; None where there are none."""
    rng = random.Random(seed)
    proof = good.proof
    asset_id = proof.body.registry.asset.asset_id
    for proven in reversed(proof.body.statements):
        vintage = proven.statement.vintage
        mints = mints_of(rng, proof, vintage)
        if mints and mints[-1].epoch == proof.body.report.epoch and mints[0].credits_g > 1:
            break
    else:
        return None
    token = credit_id(PROJECT, vintage)
    blocks, portions = [], []
    serial, before_g, others_g, kept = 1, 0, 0, [0, 0, 0]
    for number, mint in enumerate(mints, 1):
        rise_g, before_g = mint.credits_g - before_g, mint.credits_g
        others_g += mint.others_g
        logs = [marked(asset_id, vintage, mint.credits_g, mint.cutoff_s, mint.epoch)]
        if mint.others_g:
            logs.append(marked(OTHER_ASSET, vintage, others_g, mint.cutoff_s, mint.epoch))
        logs += [marked(asset_id, vintage - 1, 9, mint.cutoff_s, mint.epoch), issued(token + 1, 9, 0, 0)]
        logs += [issued(token, rise_g + mint.others_g, mint.offset_g, mint.offset_g), settled_batch(mint.epoch)]
        place = rng.randrange(3)
        blocks.append(block(number * 10, [[]] * place + [logs] + [[]] * 140, [place], {}))
        own_g = rise_g - mint.offset_g
        if own_g:
            portions.append(Portion(asset_id, serial, serial + own_g - 1, number * 10, mint.epoch))
        serial += own_g + mint.others_g
        kept = [kept[0] + rise_g + mint.others_g, kept[1] + mint.offset_g, kept[2] + mint.offset_g]
    portions, first, last = _in_one_piece(portions)
    slots = {keccak256(word(token) + word(ISSUANCES)): kept[0] | kept[1] << 80 | kept[2] << 160 | 1 << 240}
    retirement = None
    if rng.random() < 0.5:
        purpose = rng.choice(("travel", "a purpose that does not fit into one word of storage, \u00e9"))
        retirement = Retirement(
            rng.randrange(1, 9), token, last - first + 1, first, 1_800_000_000, HOLDER, CONTRACTS.ledger,
            rng.choice((bytes(32), rng.randbytes(32))), rng.choice(("", "Somebody")), purpose,
        )  # fmt: skip
        slots |= retirement_slots(retirement)
    blocks.append(block(1000, [[]], [], slots))
    shown = [mint for mint in mints if mint.others_g and mint.epoch in {portion.epoch for portion in portions}]
    members = (_member(good),) if shown else ()
    stated = CreditRange(PROJECT, vintage, first, last, tuple(portions), retirement)
    return ProvenCredits(CreditsBody(stated, CONTRACTS, tuple(blocks), members), (proof,))


def _in_one_piece(portions: list[Portion]) -> tuple[list[Portion], int, int]:
    """The last portions that adjoin: no other asset's serial numbers are between them."""
    chosen = [portions[-1]]
    for portion in reversed(portions[:-1]):
        if portion.last_serial + 1 != chosen[0].first_serial:
            break
        chosen.insert(0, portion)
    return chosen, chosen[0].first_serial, chosen[-1].last_serial


def _member(good: GoodProof) -> ProvenMember:
    asset = good.registry.assets[OTHER_ASSET]
    project = good.registry.projects[asset.project_id]
    return ProvenMember(asset, project, good.registry.tree.proof(asset_leaf(asset, project)))
