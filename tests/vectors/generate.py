"""Write the vectors that Python, Solidity and the npm Merkle package are all tested with: merkle.json, report_digest.json.

Run from the repository: python tests/vectors/generate.py. A test holds the files against this program.
"""

import json
from pathlib import Path

from oracle.attestation.signer_set import SignerSet
from oracle.reporting.keccak import keccak256
from oracle.reporting.merkle import StandardMerkleTree
from oracle.reporting.report import NO_REPORT, Domain, Report, Totals
from oracle.reporting.statement import LEAF_TYPES, NO_EVIDENCE, Counter, Statement

HERE = Path(__file__).resolve().parent
ORACLE = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SIGNERS = [
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
STATEMENT_MEMBERS = (
    "assetId", "vintage", "energyIssuedWh", "energyReversedWh", "creditsIssuedG", "creditsReversedG",
    "revenueIssuedMinor", "revenueReversedMinor", "cutoff", "evidenceRoot",
)  # fmt: skip
LARGEST = 2**128 - 1


def named(seed):
    """32 bytes that look like a hash and say where they come from."""
    return keccak256(seed.encode())


def member(number):
    return "0x" + number.hex() if isinstance(number, bytes) else str(number)


def statements(count):
    """As many statements as asked for: assets in turn, two vintages each, something taken back now and then."""
    return [
        Statement(
            asset_id=f"plant-{i // 2}",
            vintage=2025 + i % 2,
            energy_wh=Counter(600_502 + i, i % 3),
            credits_g=Counter(342_286 + i, i % 3),
            revenue_minor=Counter(1_801_506_000 + i, i % 3),
            cutoff_s=1_780_272_000,
            evidence_root=named(f"evidence {i}"),
        )
        for i in range(count)
    ]


def extremes():
    return [
        Statement("a", 0, Counter(), Counter(), Counter(), 0, NO_EVIDENCE),
        Statement("Z" * 28, 2**16 - 1, *[Counter(LARGEST, LARGEST)] * 3, 2**64 - 1, b"\xff" * 32),
    ]


def tree(leaves):
    built = StandardMerkleTree(tuple(statement.leaf for statement in leaves))
    return {
        "root": member(built.root),
        "leaves": [
            {
                "statement": dict(zip(STATEMENT_MEMBERS, map(member, statement.fields()), strict=True)),
                "leaf": member(statement.leaf),
                "proof": [member(sibling) for sibling in built.proof(statement.leaf)],
            }
            for statement in leaves
        ],
        "multiproofs": [multiproof(built, leaves, step) for step in (1, 2, 3) if step <= len(leaves)],
    }


def multiproof(built, leaves, step):
    """One proof of every `step`-th leaf."""
    shown = range(0, len(leaves), step)
    together = built.multiproof([leaves[i].leaf for i in shown])
    return {
        "shown": [str(i) for i in shown],
        "leaves": [member(leaf) for leaf in together.leaves],
        "proof": [member(node) for node in together.proof],
        "flags": list(together.flags),
    }


def merkle():
    """Trees over statements: 1 to 13 leaves, and the largest and smallest members that fit."""
    cases = [tree(statements(count)) for count in (1, 2, 3, 4, 5, 8, 13)] + [tree(extremes())]
    return {"types": list(LEAF_TYPES), "cases": cases}


def reports():
    """(domain, report): a first one, a later one, and one with every number at its largest."""
    for chain_id, epoch in ((131277322940537, 1), (31337, 2)):
        domain = Domain(chain_id, ORACLE)
        yield (
            domain,
            Report(
                epoch=epoch,
                prev=NO_REPORT if epoch == 1 else named("report before"),
                cutoff_s=1_780_272_000 + epoch,
                config_digest=SignerSet.of(SIGNERS, 2, 0).config_digest(domain),
                rules_digest=named(f"rules {epoch}"),
                registry_block=6 + epoch,
                registry_hash=named(f"registry {epoch}"),
                root=named(f"root {epoch}"),
                totals=Totals(600_502 * epoch, 342_286 * epoch, 1_801_506_000 * epoch),
                leaf_count=12,
                data_hash=named(f"manifest {epoch}"),
            ),
        )
    # Foundry takes chain ids of 64 bits at most.
    yield (
        Domain(2**64 - 1, ORACLE),
        Report(
            epoch=2**64 - 1,
            prev=named("report before"),
            cutoff_s=2**64 - 1,
            config_digest=named("config"),
            rules_digest=named("rules"),
            registry_block=2**64 - 1,
            registry_hash=named("registry"),
            root=b"\xff" * 32,
            totals=Totals(LARGEST, LARGEST, LARGEST),
            leaf_count=2**32 - 1,
            data_hash=named("manifest"),
        ),
    )


def report_members(report):
    """The report as the contract's struct and EIP-712 name its members."""
    totals = report.totals
    return {
        "epoch": report.epoch,
        "prev": report.prev,
        "cutoff": report.cutoff_s,
        "configDigest": report.config_digest,
        "rulesDigest": report.rules_digest,
        "registryBlock": report.registry_block,
        "registryHash": report.registry_hash,
        "root": report.root,
        "totals": {"energyWh": totals.energy_wh, "creditsG": totals.credits_g, "revenueMinor": totals.revenue_minor},
        "leafCount": report.leaf_count,
        "dataHash": report.data_hash,
    }


def written(members):
    return {key: written(one) if isinstance(one, dict) else member(one) for key, one in members.items()}


def report_digest():
    return {
        "cases": [
            {
                "chain_id": str(domain.chain_id),
                "verifying_contract": domain.oracle,
                "report": written(report_members(report)),
                "digest": member(report.digest(domain)),
            }
            for domain, report in reports()
        ]
    }


VECTORS = {"merkle.json": merkle, "report_digest.json": report_digest}


def text(vector):
    return json.dumps(vector(), indent=1) + "\n"


if __name__ == "__main__":
    for name, vector in VECTORS.items():
        (HERE / name).write_text(text(vector), encoding="utf-8")
