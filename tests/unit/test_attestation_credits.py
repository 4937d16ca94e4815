"""The issuance log of an id on made-up blocks: what no honest chain would say, and what a real one seldom does."""

import functools
import json
import operator
import random
from dataclasses import replace
from itertools import accumulate, chain

import pytest
import rlp
from trie import HexaryTrie

from contracts.state import credit_id
from oracle.attestation.block import ProvenBlock, ProvenReceipt, ProvenSlot, ProvenStorage, check_block
from oracle.attestation.credit_storage import issuance_slot
from oracle.attestation.credit_verification import STEPS, examine_credits, portions_of, touched_issues
from oracle.attestation.credits import CreditRange, CreditsBody, Portion, ProvenCredits, decode_credits, encode_credits
from oracle.attestation.issuance import BATCH_SETTLED, ISSUED, SETTLED, read_issues
from oracle.attestation.proof import Contracts
from oracle.errors import ProofError, ReportError
from oracle.reporting.compilation import compile_report
from oracle.reporting.document import canonical_bytes, parse_json
from oracle.reporting.keccak import keccak256

TOKEN_CONTRACT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
LEDGER = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
CONTRACTS = Contracts(TOKEN_CONTRACT, LEDGER)
YEAR = 2025
TOKEN = credit_id("village", YEAR)
DAY_S = 86_400


def word(number):
    return number.to_bytes(32)


def settled(asset_id, credits_g, *, cutoff_s=0, epoch=1, vintage=YEAR, energy_wh=7, revenue=9):
    mark = (
        energy_wh | credits_g << 48 | revenue << 104 | cutoff_s << 168 | epoch << 200 | 5 << 232 | 1 << 240 | 1 << 248
    )
    return LEDGER, [SETTLED, word(credit_id(asset_id, vintage))], word(mark)


def issued(grams, *, offset_g=0, reversed_g=0, token=TOKEN):
    return TOKEN_CONTRACT, [ISSUED, word(token)], word(grams) + word(reversed_g) + word(offset_g)


def end(epoch=1):
    return LEDGER, [BATCH_SETTLED, word(epoch)], word(1)


def trie_of(content):
    trie = HexaryTrie({})
    for key, value in content.items():
        trie[key] = value
    return trie


def way(trie, key):
    nodes = [rlp.encode(node) for node in trie.get_proof(key)]
    return tuple(node for place, node in enumerate(nodes) if place == 0 or len(node) >= 32)


def block(number, transactions=(), slots=None, *, status=b"\1", kind=2, shown=None):
    """A block whose transactions logged what is given, and whose storage of the credit contract is `slots`."""
    receipts = {}
    for index, logs in enumerate(transactions):
        encoded = [[bytes.fromhex(contract[2:]), topics, data] for contract, topics, data in logs]
        payload = rlp.encode([status, b"\x52\x08", bytes(256), encoded])
        receipts[rlp.encode(index)] = (bytes([kind]) if kind else b"") + payload
    receipt_trie = trie_of(receipts)
    storage = trie_of({keccak256(slot): rlp.encode(word(n).lstrip(b"\0")) for slot, n in (slots or {}).items() if n})
    address = bytes.fromhex(TOKEN_CONTRACT[2:])
    account = rlp.encode([b"\1", b"", storage.root_hash, keccak256(b"code")])
    others = {keccak256(bytes([n])): rlp.encode([b"", b"", bytes(32), bytes(32)]) for n in range(20)}
    state = trie_of({keccak256(address): account, **others})
    header = rlp.encode(
        [bytes(32), bytes(32), bytes(20), state.root_hash, bytes(32), receipt_trie.root_hash, bytes(256), b"",
         number.to_bytes(4).lstrip(b"\0"), b"\1", b"\1", b"\1", b"", bytes(32), bytes(8)]
    )  # fmt: skip
    return ProvenBlock(
        keccak256(header),
        header,
        tuple(
            ProvenReceipt(index, way(receipt_trie, rlp.encode(index)))
            for index in (range(len(transactions)) if shown is None else shown)
        ),
        ()
        if slots is None
        else (
            ProvenStorage(
                TOKEN_CONTRACT,
                way(state, keccak256(address)),
                tuple(ProvenSlot(slot, way(storage, keccak256(slot))) for slot in sorted(slots)),
            ),
        ),
    )


def kept(issued_g, reversed_g=0, offset_g=0):
    return {issuance_slot(TOKEN): issued_g | reversed_g << 80 | offset_g << 160 | 1 << 240}


@pytest.fixture(name="evidence", scope="module")
def evidence_fixture(make_fleet, steady):
    """A plant's two closed days in two reports: the proof after each, and the grams stated by each."""
    fleet = make_fleet()
    sent = [
        fleet.envelope(0, steady(30)),
        fleet.envelope(0, steady(30, from_hour=30), first_sequence=30),
    ]
    start_s = fleet.basis().cutoff_s - DAY_S
    one = compile_report(fleet.basis(cutoff_s=start_s + 30 * 3600), [], sent[:1])
    basis = fleet.basis(
        epoch=2, cutoff_s=start_s + 60 * 3600, prev=one.report.digest(fleet.domain), statements=one.statements
    )
    two = compile_report(basis, sent[:1], sent[1:])
    registry = fleet.registry()
    proofs = [
        fleet.prove(one, registry, [(one, sent[:1])]),
        fleet.prove(two, registry, [(one, sent[:1]), (two, sent[1:])]),
    ]
    return proofs, [(s.credits_g.issued, s.cutoff_s) for report in (one, two) for s in report.statements.values()]


def credits_file(proof, blocks, first, last, portions):
    stated = CreditRange("village", YEAR, first, last, tuple(portions), None)
    return ProvenCredits(CreditsBody(stated, CONTRACTS, tuple(blocks), ()), (proof,))


def two_mints(marks, **changes):
    """Two blocks in which the plant's credits were raised to what the marks say, and a third with the sum."""
    blocks, before = [], 0
    for number, (grams, cutoff_s) in enumerate(marks, 1):
        mint = [settled("rooftop-1", grams, cutoff_s=cutoff_s, epoch=number), issued(grams - before), end(number)]
        blocks.append(block(number * 10, [mint]))
        before = grams
    return [*blocks, block(50, (), kept(**{"issued_g": before, **changes}))]


def refusal_of(proven):
    with pytest.raises(ProofError) as caught:
        examine_credits(decode_credits(encode_credits(proven)))
    return caught.value


def test_the_steps_are_listed_in_order(repository):
    listed = (repository / "oracle" / "README.md").read_text(encoding="utf-8").split("### Credits and retirements\n")[1]
    rows = [
        line.split(" | ")[0].removeprefix("| ") for line in listed.split("\n## ")[0].splitlines() if line[:2] == "| "
    ]
    assert tuple(rows[1:]) == STEPS


def test_two_mints_of_one_plant(evidence):
    (_, proof), marks = evidence
    (first_g, _), (all_g, _) = marks
    assert 0 < first_g < all_g
    portions = [Portion("rooftop-1", 5, first_g, 10, 1), Portion("rooftop-1", first_g + 1, all_g, 20, 2)]
    steps = []
    examined = examine_credits(credits_file(proof, two_mints(marks), 5, all_g, portions), steps.append)
    assert list(examined) == ["rooftop-1"]
    assert tuple(step.name for step in steps)[-5:] == STEPS[:-1]
    earlier = credits_file(evidence[0][0], two_mints(marks), 5, 6, [Portion("rooftop-1", 5, 6, 10, 1)])
    examine_credits(decode_credits(encode_credits(earlier)))
    wrong = credits_file(proof, two_mints(marks), 5, 6, [Portion("rooftop-1", 5, 6, 10, 1)])
    assert "its proof is of report 2, its last credits of report 1" in refusal_of(wrong).what


def test_the_block_of_the_last_mint_may_show_the_sum_itself(evidence):
    (_, proof), marks = evidence
    all_g = marks[1][0]
    first, second, _ = two_mints(marks)
    mint = [settled("rooftop-1", all_g, cutoff_s=marks[1][1], epoch=2), issued(all_g - marks[0][0]), end(2)]
    both = block(20, [mint], kept(all_g))
    portion = [Portion("rooftop-1", all_g, all_g, 20, 2)]
    examine_credits(credits_file(proof, [first, both], all_g, all_g, portion))
    not_at_the_end = refusal_of(credits_file(proof, [first, both, block(50, (), kept(all_g))], all_g, all_g, portion))
    assert not_at_the_end.step == "issuance"
    assert refusal_of(credits_file(proof, [first, second], all_g, all_g, portion)).step == "issuance"


@pytest.mark.parametrize(("more_g", "later_s"), [(1, 0), (-1, 0), (0, 1), (0, -3600)])
def test_a_mint_that_the_evidence_does_not_give_is_refused(evidence, more_g, later_s):
    """A chain on which more was minted than the plant's readings give: by a captured engine, or whatever."""
    (_, proof), (first, (all_g, cutoff_s)) = evidence
    marks = [first, (all_g + more_g, cutoff_s + later_s)]
    last = [Portion("rooftop-1", all_g - 2, all_g - 1, 20, 2)]
    refused = refusal_of(credits_file(proof, two_mints(marks), all_g - 2, all_g - 1, last))
    assert (refused.step, "no statement of its evidence" in refused.what) == ("statements", True)


def test_an_issue_of_more_than_the_marks_rose_by_is_refused(evidence):
    (_, proof), ((first_g, first_s), (all_g, all_s)) = evidence
    for extra in (1, -1):
        mint = [settled("rooftop-1", first_g, cutoff_s=first_s), issued(first_g + extra), end()]
        more = [
            settled("rooftop-1", all_g, cutoff_s=all_s, epoch=2),
            settled("stranger", 4, epoch=2),
            issued(all_g - first_g + 4),
            end(2),
        ]
        blocks = [block(10, [mint]), block(20, [more]), block(50, (), kept(all_g + 4 + extra))]
        for serial in (1, all_g):
            refused = refusal_of(
                credits_file(proof, blocks, serial, serial, [Portion("rooftop-1", serial, serial, 20, 2)])
            )
            assert (refused.step, "rose by" in refused.what) == ("range", True)


def test_an_issue_that_is_not_shown_is_missed_in_the_sum(evidence):
    (_, proof), marks = evidence
    all_g = marks[1][0]
    portion = [Portion("rooftop-1", all_g, all_g, 20, 2)]
    for changes, what in (
        ({"issued_g": all_g + 1}, "issued"),
        ({"issued_g": all_g - 1}, "issued"),
        ({"reversed_g": 1}, "reversed"),
        ({"offset_g": 1}, "offset"),
    ):
        refused = refusal_of(credits_file(proof, two_mints(marks, **changes), all_g, all_g, portion))
        assert (refused.step, what in refused.what) == ("issuance", True)


def test_any_changed_byte_is_refused_as_such(evidence):
    (_, proof), marks = evidence
    (first_g, _), (all_g, _) = marks
    portions = [Portion("rooftop-1", 5, first_g, 10, 1), Portion("rooftop-1", first_g + 1, all_g, 20, 2)]
    raw = encode_credits(credits_file(proof, two_mints(marks), 5, all_g, portions))
    chance = random.Random(17)
    for place in chance.sample(range(len(raw)), 400):
        changed = bytearray(raw)
        changed[place] ^= chance.choice((0x01, 0x20, 0x80))
        with pytest.raises(ProofError):
            examine_credits(decode_credits(bytes(changed)))


@pytest.mark.parametrize("wrong", [None, [], {}, "", "0", "-1", 7, [None], "0x", "0xzz", True])
def test_a_member_of_another_kind_is_refused(evidence, wrong):
    (_, proof), marks = evidence
    all_g = marks[1][0]
    portion = [Portion("rooftop-1", all_g, all_g, 20, 2)]
    document = parse_json(encode_credits(credits_file(proof, two_mints(marks), all_g, all_g, portion)))

    def places(member, path=()):
        yield path
        inner = member.items() if isinstance(member, dict) else enumerate(member) if isinstance(member, list) else ()
        for name, part in inner:
            if name != "proofs":
                yield from places(part, (*path, name))

    for path in places(document):
        if path and path[0] != "format":
            changed = json.loads(json.dumps(document))
            holder = functools.reduce(operator.getitem, path[:-1], changed)
            if holder[path[-1]] == wrong:
                continue
            holder[path[-1]] = wrong
            with pytest.raises(ProofError):
                examine_credits(decode_credits(canonical_bytes(changed)))


def issues_of(*blocks):
    return read_issues([check_block(one) for one in blocks], CONTRACTS, TOKEN)


def test_what_makes_up_for_a_reversal_has_no_serial():
    """Of 100 g issued, 30 made up for a reversal: the first asset's 20, and 10 of the second's."""
    mint = [settled("a", 20), settled("b", 80), issued(100, offset_g=30, reversed_g=30), end()]
    (issue,) = issues_of(block(1, [mint]))
    found = portions_of(issue, 501, frozenset({"a", "b"}), 1, 10_000)
    assert [portion for portion, _ in found] == [Portion("b", 501, 570, 1, 1)]
    assert touched_issues([issue], 71, 71) == []


def test_batches_vintages_and_ids_are_kept_apart():
    """Several batches in one transaction, each with issues of several ids; older marks of the same assets."""
    other = credit_id("elsewhere", YEAR)
    first = [settled("a", 10), settled("b", 5), settled("x", 99), settled("a", 400, vintage=YEAR - 1)]
    first += [issued(15), issued(99, token=other), issued(400, token=credit_id("village", YEAR - 1)), end()]
    second = [settled("b", 6, epoch=2), settled("a", 30, epoch=2), issued(21), end(2)]
    issues = issues_of(block(1, [[*first, *second]]), block(2, [[settled("a", 31, epoch=3), issued(1), end(3)]]))
    assert [issue.issued_g for issue in issues] == [15, 21, 1]
    members = frozenset({"a", "b"})
    firsts = accumulate((issue.minted_g for issue in issues), initial=1)
    shared = chain.from_iterable(
        portions_of(issue, serial, members, 1, 99) for issue, serial in zip(issues, firsts, strict=False)
    )
    assert [(p.asset_id, p.first_serial, p.last_serial, p.epoch) for p, _ in shared] == [
        ("a", 1, 10, 1), ("b", 11, 15, 1), ("b", 16, 16, 2), ("a", 17, 36, 2), ("a", 37, 37, 3),
    ]  # fmt: skip


def test_receipts_of_old_and_new_types_are_read():
    mint = [settled("a", 10), issued(10), end()]
    for kind in (0, 1, 2, 3, 4):
        (issue,) = issues_of(block(1, [[end()], mint], kind=kind, shown=[1]))
        assert issue.issued_g == 10


def test_events_of_other_contracts_do_not_count():
    mint = [settled("a", 10), issued(10), end()]
    (issue,) = issues_of(block(1, [[*mint, (LEDGER, *issued(5)[1:]), (TOKEN_CONTRACT, *settled("a", 99)[1:])]]))
    assert (issue.issued_g, [mark.credits_g for mark, _ in issue.marks]) == (10, [10])


@pytest.mark.parametrize(
    ("blocks", "complaint"),
    [
        ([block(1, [[settled("a", 1), issued(1)]], status=b"")], "failed"),
        ([block(1, [[settled("a", 1), end()]])], "issued nothing of the id"),
        ([block(1, [[settled("a", 1), issued(1)]])] * 2, "not ascending"),
        ([block(1, [[settled("a", 1), issued(1, offset_g=2)]])], "makes up for more than it is"),
        ([block(1, [[(TOKEN_CONTRACT, [ISSUED], word(1) * 3)]])], "lacks a topic"),
        ([block(1, [[(TOKEN_CONTRACT, [ISSUED, word(TOKEN)], word(1) * 2)]])], "has 64 bytes"),
        ([block(1, [[(LEDGER, [SETTLED, word(YEAR)], word(1))]])], "without a name"),
        ([block(1, [[issued(1)]], shown=[0, 0])], "not ascending"),
        ([block(1, [[issued(1)]], shown=[0, 1])], "no such transaction"),
    ],
)
def test_what_no_chain_says_is_refused(blocks, complaint):
    with pytest.raises(ReportError, match=complaint):
        issues_of(*blocks)


def test_a_slot_that_holds_nothing_is_zero_and_an_account_must_be_there():
    shown = block(1, (), {issuance_slot(TOKEN): 1})
    empty = block(1, (), {issuance_slot(TOKEN): 0, issuance_slot(TOKEN + 1): 1})
    assert check_block(shown).storage[TOKEN_CONTRACT][issuance_slot(TOKEN)] == word(1)
    assert check_block(empty).storage[TOKEN_CONTRACT][issuance_slot(TOKEN)] == word(0)
    nobody = replace(shown, storage=(replace(shown.storage[0], contract=LEDGER),))
    with pytest.raises(ReportError):
        check_block(nobody)
