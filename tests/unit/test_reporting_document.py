"""Records as JSON: read back exactly as written, and in no other spelling."""

import sys

import pytest

from oracle.attestation.proposal import Proposal
from oracle.errors import ProofError
from oracle.journal.compilation import report_record
from oracle.journal.records import ReportRecord
from oracle.reporting.document import canonical_bytes, from_document, parse_json, to_document


def documents(fleet):
    proof, compiled = fleet.small_proof()
    yield ReportRecord, report_record(compiled, (bytes(32),), (b"\1" * 65,), fleet.registry())
    yield Proposal, Proposal(1, bytes(32), 5, 7, (bytes(32), b"\1" * 32))
    yield type(proof.body), proof.body


def test_from_document_reads_what_to_document_writes(fleet):
    for kind, record in documents(fleet):
        raw = canonical_bytes(to_document(record))
        again = from_document(kind, parse_json(raw), "record")
        assert again == record
        assert canonical_bytes(to_document(again)) == raw


def spellings(member):
    """Other JSON members that a lenient reader might take for this one."""
    if isinstance(member, dict):
        for name in member:
            yield {key: other for key, other in member.items() if key != name}
            for other in spellings(member[name]):
                yield {**member, name: other}
        yield {**member, "more": "1"}
    elif isinstance(member, list):
        yield tuple(member) and {str(i): other for i, other in enumerate(member)}
        if member:
            for other in spellings(member[0]):
                yield [other, *member[1:]]
    elif isinstance(member, str) and member.startswith("0x"):
        yield from (member.upper(), member[2:], member + "0", member + " ", "0X" + member[2:], None, 5)
    elif isinstance(member, str) and member.isdigit():
        yield from (
            "0" + member,
            "+" + member,
            member + ".0",
            member + " ",
            "-0",
            int(member),
            None,
            "\u0661",
            "1_0",
            "",
        )


def test_from_document_refuses_every_other_spelling(fleet):
    kind, record = Proposal, Proposal(1, bytes(32), 5, 7, (b"\1" * 32,))
    for wrong in spellings(to_document(record)):
        with pytest.raises(ProofError):
            from_document(kind, wrong, "record")
    statement = next(iter(fleet.small_proof()[1].statements.values()))
    for wrong in spellings(to_document(statement)):
        if isinstance(wrong, dict) and wrong.get("asset_id") is not None and "more" not in wrong:
            with pytest.raises(ProofError):
                from_document(type(statement), wrong, "record")


@pytest.mark.parametrize("record", [True, 1.5, {1, 2}, object()])
def test_what_has_no_json_form_is_a_programming_error(record):
    with pytest.raises(TypeError):
        to_document(record)


@pytest.mark.parametrize(
    "raw", [b"[" * 10**6, b'{"a":' * 10**6, b'"]]]]",'.join([b"["] * 100), b'["\\"", ' + b"[" * 10**6]
)
def test_deep_nesting_is_refused_even_where_a_library_raised_the_recursion_limit(raw):
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    try:
        with pytest.raises(ProofError):
            parse_json(raw)
    finally:
        sys.setrecursionlimit(before)


def test_brackets_within_strings_are_no_nesting():
    document = {"a": "[" * 1000, "b": ['\\"[[[' * 100, [[{}]]]}
    assert parse_json(canonical_bytes(document)) == document
