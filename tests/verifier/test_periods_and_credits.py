"""The second verifier reads periods, ranges of credits and retirements too, and refuses them where the first does."""

import json
import random
from dataclasses import replace

import pytest

from contracts.state import credit_id
from oracle.attestation.credits import encode_credits
from oracle.attestation.period import ProvenPeriod, encode_period, period_of
from oracle.attestation.verification import STEPS, examine_proof
from oracle.reporting.keccak import keccak256
from tests.verifier.chains import CONTRACTS, ISSUED, issued, made_up_credits, odd_block, word
from tests.verifier.corruptions import corrupted_member, kind_of, members
from tests.verifier.proofs import Signers, made_up_proof, signed_again
from tests.verifier.verdicts import CREDIT_STEPS, accepted_alike, judged_alike, python_verdict, refused_alike

DAY_MS = 86_400_000
SEED = 21
CORRUPTED = 200


@pytest.fixture(scope="module", name="periods")
def periods_fixture(good):
    """(file, anchor) of a day or two of each of thirty proofs."""
    made = []
    for one in good[:30]:
        settlement = examine_proof(one.proof, None).settlement
        from_ms = one.plants[0].start_ms // DAY_MS * DAY_MS
        period = period_of(settlement, one.proof.rules.ledger_interval_ms, from_ms, from_ms + 2 * DAY_MS)
        made.append((encode_period(ProvenPeriod(period, one.proof)), one.signers.anchor))
    return made


@pytest.fixture(scope="module", name="credited")
def credited_fixture():
    """(what it was made from, credits, anchor) of plants of which credits were minted."""
    made = []
    for seed in range(30):
        good = made_up_proof(seed, with_credits=True)
        proven = made_up_credits(seed, good)
        if proven is not None:
            known = tuple(block.block_hash for block in proven.body.blocks)
            made.append((good, proven, replace(good.signers.anchor, contracts=CONTRACTS, blocks=known)))
    return made


def corrupted(rng, files, skipping):
    """`CORRUPTED` cases, each kind of member in turn but those of the proofs inside."""
    documents = [json.loads(raw) for raw, _ in files]
    places = {}
    for number, document in enumerate(documents):
        for path in members(document):
            if not skipping(path):
                places.setdefault(kind_of(path), []).append((number, path))
    kinds = sorted(places)
    assert 2 * len(kinds) < CORRUPTED
    for turn in range(CORRUPTED):
        number, path = rng.choice(places[kinds[turn % len(kinds)]])
        yield f"turn {turn}, file {number}, {path}", corrupted_member(rng, documents[number], path), files[number][1]


def test_both_accept_good_periods(periods, javascript):
    assert sum(len(json.loads(raw)["period"]["booked"]) for raw, _ in periods) > 100
    accepted_alike([(str(i), raw, anchor) for i, (raw, anchor) in enumerate(periods)], javascript)


def test_both_refuse_corrupted_periods_at_the_same_step(periods, javascript):
    """A period that begins or ends at another whole interval may be as true: the test after this one moves its ends."""
    ends = (("period", "from_ms"), ("period", "until_ms"))
    cases = list(
        corrupted(random.Random(SEED), periods, lambda path: (path[0] == "proof" and len(path) > 1) or path in ends)
    )
    assert {"document", "period"} <= set(refused_alike(cases, javascript))


@pytest.mark.parametrize(("later_ms", "longer_ms"), [(1, 0), (0, 1), (2 * DAY_MS, 0), (0, -2 * DAY_MS), (0, -DAY_MS)])
def test_both_refuse_a_period_that_books_what_is_not_in_it(periods, javascript, later_ms, longer_ms):
    cases = []
    for number, (raw, anchor) in enumerate(periods):
        document = json.loads(raw)
        stated = document["period"]
        second_day_ms = int(stated["from_ms"]) + DAY_MS
        moved = {"from_ms": int(stated["from_ms"]) + later_ms, "until_ms": int(stated["until_ms"]) + longer_ms}
        stated.update({name: str(instant) for name, instant in moved.items()})
        if any(int(one["start_ms"]) >= second_day_ms for one in stated["booked"]):
            altered = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            cases.append((f"period {number}", altered, anchor))
    assert set(refused_alike(cases, javascript)) == {"period"}


def test_both_accept_good_credits_and_retirements(credited, javascript):
    ranges = [proven.body.credits for _, proven, _ in credited]
    assert sum(stated.retirement is not None for stated in ranges) > 5
    assert sum(stated.retirement is None for stated in ranges) > 5
    assert any(proven.body.members for _, proven, _ in credited)
    retired = next(i for i, stated in enumerate(ranges) if stated.retirement is not None)
    cases = [(str(i), encode_credits(proven), anchor) for i, (_, proven, anchor) in enumerate(credited)]
    accepted_alike(cases, javascript)
    assert python_verdict(*cases[retired][1:]) == {"held": [*STEPS[:-1], *CREDIT_STEPS, "chain"]}
    accepted_alike([(what, raw, None) for what, raw, _ in cases[:5]], javascript)


def test_both_refuse_corrupted_credits_at_the_same_step(credited, javascript):
    files = [(encode_credits(proven), anchor) for _, proven, anchor in credited]
    cases = list(corrupted(random.Random(SEED), files, lambda path: path[0] == "proofs" and len(path) > 2))
    steps = refused_alike(cases, javascript)
    assert {"document", "proofs", "blocks", "issuance", "range", "retirement"} <= set(steps)


def by_strangers(rng, good, proven):
    strangers = Signers(tuple(rng.randbytes(32) for _ in good.signers.secrets), good.signers.domain)
    return replace(proven, proofs=tuple(signed_again(proof, strangers) for proof in proven.proofs))


def without_the_first_mint(_, __, proven):
    return replace(proven, body=replace(proven.body, blocks=proven.body.blocks[1:]))


def of_other_credits(_, __, proven):
    stated = proven.body.credits
    return replace(proven, body=replace(proven.body, credits=replace(stated, vintage=stated.vintage + 1)))


def of_other_contracts(_, __, proven):
    swapped = type(CONTRACTS)(CONTRACTS.ledger, CONTRACTS.credit)
    return replace(proven, body=replace(proven.body, contracts=swapped))


def of_the_chain_of_another_plant(rng, _, proven):
    """The blocks of a plant that made other figures under the same name: the chain says what the evidence does not."""
    other = next(
        mine
        for seed in range(1000, 2000)
        if (good := made_up_proof(seed, with_credits=True)) and (mine := made_up_credits(rng.randrange(99), good))
    )
    return replace(proven, body=replace(proven.body, blocks=other.body.blocks))


@pytest.mark.parametrize(
    "forge",
    [by_strangers, without_the_first_mint, of_other_credits, of_other_contracts, of_the_chain_of_another_plant],
    ids=lambda forge: forge.__name__,
)
def test_both_refuse_forged_credits_at_the_same_step(forge, credited, javascript):
    rng = random.Random(SEED)
    cases = [
        (f"credits {i}", encode_credits(forge(rng, good, proven)), anchor)
        for i, (good, proven, anchor) in enumerate(credited[:6])
    ]
    refused_alike(cases, javascript)


def odd_receipts(token):
    """What no chain logs, and what a careless reader might take for an issue."""
    contract, _, three = issued(token, 0, 0, 0)
    credit, ledger = bytes.fromhex(contract[2:]), bytes.fromhex(CONTRACTS.ledger[2:])
    sound = [credit, [ISSUED, word(token)], three]
    shapes = {
        "nothing odd": [sound],
        "topics in one piece": [sound, [ledger, ISSUED, b""]],
        "no topics": [sound, [credit, [], b""]],
        "a topic that is a list": [[credit, [ISSUED, [word(token)]], three]],
        "a first topic that is a list": [sound, [credit, [[ISSUED], word(token)], three]],
        "a short topic": [[credit, [ISSUED, word(token).lstrip(b"\0")], three]],
        "data that is a list": [sound, [ledger, [b"x"], []]],
        "a contract of 19 bytes": [sound, [credit[1:], [ISSUED], b""]],
        "a contract that is a list": [sound, [[credit], [ISSUED], b""]],
        "a log of two": [sound, [credit, [ISSUED]]],
        "a log of four": [sound, [credit, [ISSUED], b"", b""]],
        "a log in one piece": [sound, b"abc"],
    }
    receipts = {name: [b"\1", b"", b"", logs] for name, logs in shapes.items()}
    return receipts | {
        "logs in one piece": [b"\1", b"", b"", b"abc"],
        "logs that are none": [b"\1", b"", b"", b""],
        "five parts": [b"\1", b"", b"", [sound], b""],
        "a status of two bytes": [b"\1\1", b"", b"", [sound]],
        "a status that is a list": [[b"\1"], b"", b"", [sound]],
        "gas that is a list": [b"\1", [], [[]], [sound]],
    }


def odd_headers():
    yield from ({8: bytes(9)}, {8: b"\0\5"}, {8: []}, {5: bytes(31)}, {3: bytes(31)}, {3: [bytes(32)]}, {0: [[]]})


def test_odd_blocks_are_judged_alike(credited, javascript):
    _, proven, _ = credited[0]
    token = credit_id(proven.body.credits.project_id, proven.body.credits.vintage)
    receipts = odd_receipts(token)
    blocks = {what: odd_block(5, receipt) for what, receipt in receipts.items()}
    sound = receipts["nothing odd"]
    blocks |= {f"header {fields}": odd_block(5, sound, fields=fields) for fields in odd_headers()}
    blocks |= {f"kind {kind!r}": odd_block(5, sound, kind=kind) for kind in (b"\0", b"\x7f", b"\1\1", b"\x80")}
    for encoded in (
        b"",
        b"\xc0",
        b"\xc0\0",
        b"\x81\1",
        b"\xf8\1\0",
        b"\xf9\0\x38" + bytes(56),
        b"\xc1" * 3000 + b"\xc0",
    ):
        header = replace(blocks["nothing odd"], header=encoded, block_hash=keccak256(encoded))
        blocks[f"header 0x{encoded[:4].hex()}"] = header
    cases = [
        (what, encode_credits(replace(proven, body=replace(proven.body, blocks=(block, *proven.body.blocks)))), None)
        for what, block in blocks.items()
    ]
    steps = judged_alike(cases, javascript)
    assert steps["accepted"] > 5
    assert steps["blocks"] > 15
