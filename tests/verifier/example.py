"""The worked example of oracle/PROOF.md: a proof small enough to follow by hand, and every hash on the way through it.

python -m tests.verifier.example      # from the top of the repository: writes example/ and the figures in the page again
"""

import json
import random
from pathlib import Path

from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices.device_key import SigningKey
from devices.telemetry import NO_PREVIOUS, Reading, Readings, decode, encode
from oracle.attestation.proof import Anchor, Proof, decode_envelope, encode_anchor, encode_proof
from oracle.reporting.compilation import Basis, compile_report
from oracle.reporting.evidence import envelopes_root
from oracle.reporting.factors import SOLAR_OPERATING_WEIGHT_PPM, EmissionFactor, FactorKind, Margins
from oracle.reporting.keccak import keccak256
from oracle.reporting.registry import RegistrySnapshot, asset_leaf, meter_leaf, meters_root
from oracle.reporting.report import NO_REPORT, Domain
from oracle.reporting.rules import Rules
from oracle.reporting.terms import AssetTerms, Tariff
from tests.verifier.proofs import Signers, prove

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "oracle" / "PROOF.md"
FOLDER = HERE / "example"
BEGIN, END = "<!-- worked example: begin -->", "<!-- worked example: end -->"
NETWORK = "demo"
ACCOUNT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
MIDNIGHT_S = 1_782_864_000  # 2026-07-01T00:00:00Z
DAY_S = 86_400
REGISTERS_WH = (1000, 1900, 0, 3700, 4600, 5500, 6400, 7300, 8200)


def example() -> tuple[Proof, Anchor]:
    """One meter, nine readings of which one is a false zero, one report over two assets, signed by two of three nodes."""
    signers = Signers(tuple(random.Random(number).randbytes(32) for number in range(3)), Domain(31337, ACCOUNT))
    key = SigningKey.from_seed("es256", bytes(range(32)))
    rows = [Reading((MIDNIGHT_S + 36_000 + i * 3600) * 1000, wh) for i, wh in enumerate(REGISTERS_WH)]
    envelope = encode(
        Readings.of(rows), device="inv-7", meter="roof-1", boot=2, first_sequence=600, previous=NO_PREVIOUS, key=key,
        network=NETWORK,
    )  # fmt: skip
    meter = ListedMeter(
        "plant-a", "roof-1", "inv-7", key.public.thumbprint, MeterRole.INVERTER, 8000, 1000, MIDNIGHT_S * 1000
    )
    method = b"AMS-I.D".ljust(32, b"\0")
    project = Project(
        "village", ACCOUNT, method, ClaimRight.CREDIT, bytes(31) + b"\1", Assurance.DEVICE_SIGNED, meters_root([meter])
    )
    assets = {
        named: Asset(named, "village", ACCOUNT, 8000, MIDNIGHT_S, 28_800, 900_000, 4_000_000, 1_000_000)
        for named in ("plant-a", "plant-b")
    }
    registry = RegistrySnapshot(7, {"village": project}, assets, {"village": (meter,)})
    margins = Margins(SOLAR_OPERATING_WEIGHT_PPM, 800_000, 400_000)
    factor = EmissionFactor(
        "grid-a", 700_000, FactorKind.COMBINED_MARGIN, 2024, "an office", "free", "a grid, CO2 only", margins
    )
    rules = Rules({named: AssetTerms(named, Tariff("feed-in", 3_000_001, "a contract"), factor) for named in assets})
    configuration = signers.signer_set.config_digest(signers.domain)
    basis = Basis(1, NO_REPORT, MIDNIGHT_S + DAY_S, configuration, registry, rules, {})
    compiled = compile_report(basis, [], [envelope])
    return prove(compiled, registry, rules, signers, "plant-a", NETWORK, [(compiled, [envelope])]), signers.anchor


def figures(proof: Proof) -> str:
    """Every hash on the way, as the page shows it."""
    body = proof.body
    (link,), (proven,) = body.evidence, body.statements
    (shown,) = body.registry.meters
    envelope = decode(decode_envelope(link.envelopes[0]), network=body.network)
    statement = proven.statement
    lines = [
        ("configDigest", body.report.config_digest),
        ("reportDigest", body.report.digest(body.domain)),
        ("statement leaf", statement.leaf),
        ("sibling", proven.path[0]),
        ("root", body.report.root),
        ("meter leaf = metersRoot", meter_leaf(shown.meter)),
        ("asset leaf", asset_leaf(body.registry.asset, body.registry.project)),
        ("registryHash", body.report.registry_hash),
        ("rulesDigest", body.report.rules_digest),
        ("envelope digest", envelope.digest),
        ("envelopesRoot", envelopes_root([envelope.digest])),
        ("settlementHash", keccak256(link.settlement.encode())),
        ("evidenceRoot", statement.evidence_root),
    ]
    comes_to = (
        f"{statement.energy_wh.net} Wh, {statement.credits_g.net} gCO2e, {statement.revenue_minor.net} minor units"
    )
    members = json.loads(link.settlement)
    settlement = ",\n".join(f'  "{name}": {json.dumps(member)}' for name, member in members.items())
    return "\n".join(
        [
            "```",
            *(f"{name:<24} {number.hex()}" for name, number in lines),
            "```",
            "",
            "The settlement, which the proof carries without the spaces:",
            "",
            "```json",
            "{",
            settlement,
            "}",
            "```",
            "",
            f"It gives the statement of {statement.vintage}: {comes_to}.",
        ]
    )


def page_with_figures(page: str) -> str:
    """The page with the figures of this program between its marks."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{figures(example()[0])}\n{END}{after}"


def write() -> None:
    """Write the example's files and the figures in the page."""
    proof, anchor = example()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "proof.json").write_bytes(encode_proof(proof))
    (FOLDER / "anchor.json").write_bytes(encode_anchor(anchor))
    PAGE.write_text(page_with_figures(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
