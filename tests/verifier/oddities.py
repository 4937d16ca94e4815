"""Figures that no honest quorum would sign, signed by the quorum: both verifiers must judge them alike, whatever they say."""

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import fields, replace
from enum import IntEnum
from typing import Any

from oracle.attestation.proof import encode_proof
from oracle.errors import OracleError
from oracle.reporting.document import canonical_bytes
from oracle.reporting.keccak import keccak256
from tests.verifier.corruptions import kind_of, members, with_member
from tests.verifier.proofs import GoodProof, signed_again
from tests.verifier.verdicts import Case

NUMBERS = (0, 1, -1, 2, 3600, 10**6, 2 * 10**6, 2**31 - 1, -(2**31), 2**37, 2**43, 2**53 - 1, 2**53, 2**62, 2**64 - 1)
MEMBERS = (None, True, 1, 0, -1, 2 * 10**6, 2**53 - 1, 0.5, 1e22, "x", "", " ", "5", [], {}, ["a"] * 64, {"a": 1})


def odd_rules(rng: random.Random, good: GoodProof) -> Iterator[Case]:
    """The rules with one member of another kind or size; the report names their digest, and is signed again."""
    document = json.loads(encode_proof(good.proof))
    by_kind: dict[str, list[tuple[str | int, ...]]] = {}
    for path in members(document["rules"]):
        by_kind.setdefault(kind_of(path), []).append(path)
    for kind, paths in by_kind.items():
        odd = rng.choice(MEMBERS)
        changed = copy.deepcopy(document)
        changed["rules"] = with_member(document["rules"], rng.choice(paths), lambda _, odd=odd: odd)
        digest = keccak256(canonical_bytes(changed["rules"]))
        changed["report"]["rules_digest"] = "0x" + digest.hex()
        report = replace(good.proof.body.report, rules_digest=digest)
        changed["signatures"] = ["0x" + signature.hex() for signature in good.signers.signatures(report)]
        yield f"rules, {kind} is {odd!r}", canonical_bytes(changed), good.signers.anchor


def odd_figures(rng: random.Random, good: GoodProof) -> Iterator[Case]:
    """Each figure of the registry and of the report once of another size, signed again; and a cutoff, stated and reported."""
    body = good.proof.body
    for part in ("asset", "project"):
        record = getattr(body.registry, part)
        for name in _numbers(record):
            yield from _signed(good, f"{part}, {name}", registry=_with(rng, body.registry, part, record, name))
    for name in _numbers(body.registry.meters[0].meter):
        meters = tuple(_with(rng, proven, "meter", proven.meter, name) for proven in body.registry.meters)
        yield from _signed(good, f"meters, {name}", registry=replace(body.registry, meters=meters))
    for name in ("epoch", "registry_block"):
        yield from _signed(good, f"report, {name}", report=replace(body.report, **{name: rng.choice(NUMBERS)}))
    cutoff_s = rng.choice(NUMBERS)
    statements = tuple(replace(one, statement=replace(one.statement, cutoff_s=cutoff_s)) for one in body.statements)
    report = replace(body.report, cutoff_s=cutoff_s)
    yield from _signed(good, f"cutoff {cutoff_s}", report=report, statements=statements)


def _numbers(record: Any) -> list[str]:
    return [field.name for field in fields(record) if isinstance(getattr(record, field.name), int)]


def _with(rng: random.Random, holder: Any, part: str, record: Any, name: str) -> Any:
    kind = type(getattr(record, name))
    odd = rng.choice(tuple(kind)) if issubclass(kind, IntEnum) else rng.choice(NUMBERS)
    return replace(holder, **{part: replace(record, **{name: odd})})


def _signed(good: GoodProof, what: str, **parts: Any) -> Iterator[Case]:
    try:
        forged = signed_again(replace(good.proof, body=replace(good.proof.body, **parts)), good.signers)
    except OracleError:  # no leaf can hold the figure, so nobody can sign it
        return
    yield what, encode_proof(forged), good.signers.anchor
