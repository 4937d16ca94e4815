"""A fleet small enough to read: one project, one asset, two inverters, four nodes of which three sign."""

from dataclasses import dataclass, field

import pytest

from contracts.state import Asset, Assurance, ClaimRight, ListedMeter, MeterRole, Project
from devices.device_key import SigningKey
from devices.telemetry import NO_PREVIOUS, Envelope, Reading, Readings, encode
from oracle.attestation.proof import (
    Anchor,
    EvidenceLink,
    Proof,
    ProofBody,
    ProvenAsset,
    ProvenMeter,
    ProvenStatement,
    encode_envelope,
)
from oracle.attestation.quorum import Attestation, AttestedReport, assemble
from oracle.attestation.signature import sign_digest
from oracle.attestation.signer_set import SignerSet
from oracle.keyring.memory import MemoryKeyring
from oracle.reporting.compilation import Basis, Compiled, compile_report
from oracle.reporting.document import canonical_bytes
from oracle.reporting.factors import EmissionFactor, FactorKind, Margins
from oracle.reporting.registry import RegistrySnapshot, meter_leaf, meters_root, meters_tree
from oracle.reporting.report import NO_REPORT, Domain
from oracle.reporting.rules import Rules
from oracle.reporting.terms import AssetTerms, Tariff

NETWORK = "demo"
HOUR_MS = 3_600_000
DAY_S = 86_400
MIDNIGHT_S = 1_750_003_200 - 1_750_003_200 % DAY_S  # 15 June 2025, 00:00 UTC
START_MS = MIDNIGHT_S * 1000
BASELINE_WH = 1000
ASSET = "rooftop-1"
PROJECT = "village"
ACCOUNT = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def combined_margin(factor_id, g_per_mwh):
    """A factor that a methodology for solar power takes."""
    return EmissionFactor(
        factor_id, g_per_mwh, FactorKind.COMBINED_MARGIN, 2023, "a source", "a licence", "a grid, CO2", Margins(750_000)
    )


def steady(hours, *, wh_an_hour=1000, from_hour=0, register_wh=BASELINE_WH):
    """Readings at full hours of a plant that never sleeps."""
    return [Reading(START_MS + h * HOUR_MS, register_wh + h * wh_an_hour) for h in range(from_hour, from_hour + hours)]


@dataclass
class Fleet:
    secrets: list[bytes] = field(default_factory=lambda: [bytes([9, i]) * 16 for i in range(4)])
    keys: list[SigningKey] = field(
        default_factory=lambda: [
            SigningKey.from_seed(alg, bytes([7, i]) * 16) for i, alg in enumerate(("es256", "eddsa"))
        ]
    )
    domain: Domain = field(default_factory=lambda: Domain(31337, ACCOUNT))
    threshold: int = 3

    @property
    def signer_set(self):
        return SignerSet.of([MemoryKeyring(secret, self.keys[0]).address for secret in self.secrets], self.threshold, 1)

    @property
    def rules(self):
        factor = combined_margin("south", 570_000)
        return Rules({ASSET: AssetTerms(ASSET, Tariff("feed-in", 3_000_001, "a contract"), factor)}, confirmations=2)

    def meter(self, number, **parts):
        named = {
            "asset_id": ASSET, "meter_id": f"met-{number}", "device_id": f"dev-{number}",
            "thumbprint": self.keys[number].public.thumbprint, "role": MeterRole.INVERTER, "nameplate_w": 8000,
            "baseline_wh": BASELINE_WH, "baseline_time_ms": START_MS,
        }  # fmt: skip
        return ListedMeter(**(named | parts))

    def registry(self, *meters):
        listed = meters or (self.meter(0), self.meter(1))
        project = Project(
            PROJECT, ACCOUNT, b"AMS-I.D".ljust(32, b"\0"), ClaimRight.CREDIT, bytes(31) + b"\1", Assurance.DEVICE_SIGNED,
            meters_root(listed),
        )  # fmt: skip
        asset = Asset(ASSET, PROJECT, ACCOUNT, 16_000, MIDNIGHT_S, 0, 600_000, 4_000_000, 1_000_000)
        return RegistrySnapshot(7, {PROJECT: project}, {ASSET: asset}, {PROJECT: listed})

    def envelope(self, number, rows, **parts) -> Envelope:
        named = {
            "device": f"dev-{number}", "meter": f"met-{number}", "boot": 1, "first_sequence": 0, "previous": NO_PREVIOUS,
            "key": self.keys[number], "network": NETWORK,
        }  # fmt: skip
        readings = rows if isinstance(rows, Readings) else Readings.of(rows)
        return encode(readings, **(named | parts))

    def basis(self, **parts) -> Basis:
        named = {
            "epoch": 1, "prev": NO_REPORT, "cutoff_s": MIDNIGHT_S + DAY_S,
            "config_digest": self.signer_set.config_digest(self.domain), "registry": self.registry(),
            "rules": self.rules, "statements": {},
        }  # fmt: skip
        return Basis(**(named | parts))

    def attest(self, compiled: Compiled, signing=(0, 1, 2, 3)) -> AttestedReport:
        digest = compiled.report.digest(self.domain)
        signed = [
            Attestation(compiled.report.epoch, digest, "", sign_digest(self.secrets[node], digest)) for node in signing
        ]
        return assemble(compiled.report, self.domain, self.signer_set, signed)

    def anchor(self) -> Anchor:
        return Anchor(self.domain, self.signer_set)

    def prove(self, compiled: Compiled, registry, links: list[tuple[Compiled, list[Envelope]]]) -> Proof:
        """The proof of the fleet's one asset, from the reports so far and the envelopes first used in each."""
        attested = self.attest(compiled)
        project = registry.projects[PROJECT]
        asset = registry.assets[ASSET]
        tree = meters_tree(registry.meters[PROJECT])
        (asset_path,) = (registry.tree.proof(leaf) for leaf in registry.tree.leaves)
        body = ProofBody(
            network=NETWORK,
            domain=self.domain,
            signer_set=self.signer_set,
            report=compiled.report,
            signatures=attested.signatures,
            statements=tuple(
                ProvenStatement(statement, compiled.tree.proof(statement.leaf))
                for _, statement in sorted(compiled.statements.items())
            ),
            registry=ProvenAsset(
                asset,
                project,
                asset_path,
                tuple(ProvenMeter(meter, tree.proof(meter_leaf(meter))) for meter in registry.meters_of(ASSET)),
            ),
            evidence=tuple(
                EvidenceLink(
                    canonical_bytes(one.settlements[ASSET].document).decode(),
                    tuple(encode_envelope(e.wire) for e in sorted(new, key=lambda envelope: envelope.digest)),
                )
                for one, new in links
            ),
        )
        return Proof(body, self.rules)

    def small_proof(self) -> tuple[Proof, Compiled]:
        """Two reports over three envelopes of two meters."""
        first = [self.envelope(0, steady(3)), self.envelope(1, steady(2))]
        second = [self.envelope(0, steady(2, from_hour=3), first_sequence=3, previous=first[0].digest)]
        basis = self.basis(cutoff_s=MIDNIGHT_S + 2 * 3600)
        one = compile_report(basis, [], first)
        two = compile_report(
            self.basis(epoch=2, prev=one.report.digest(self.domain), statements=one.statements), first, second
        )
        return self.prove(two, basis.registry, [(one, first), (two, second)]), two


@pytest.fixture(name="fleet")
def fleet_fixture() -> Fleet:
    return Fleet()


@pytest.fixture(scope="session")
def make_fleet():
    return Fleet


@pytest.fixture(scope="session", name="steady")
def steady_fixture():
    return steady
