"""Good proofs made up from a seed, and what it takes to sign an altered one again."""

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from coincurve import PrivateKey

from contracts.state import Asset, Assurance, ClaimRight, MeterRole, Project
from devices.telemetry import Envelope, decode
from oracle.attestation.proof import (
    Anchor,
    EvidenceLink,
    Proof,
    ProofBody,
    ProvenAsset,
    ProvenMeter,
    ProvenStatement,
    decode_envelope,
    encode_envelope,
)
from oracle.attestation.quorum import Attestation, assemble
from oracle.attestation.signature import address_of, sign_digest
from oracle.attestation.signer_set import SignerSet, threshold_for_minting
from oracle.reporting.compilation import Basis, Compiled, compile_report
from oracle.reporting.document import canonical_bytes
from oracle.reporting.evidence import next_evidence_root
from oracle.reporting.merkle import StandardMerkleTree
from oracle.reporting.methodologies import METHODOLOGIES
from oracle.reporting.registry import RegistrySnapshot, asset_leaf, meter_leaf, meters_root, meters_tree
from oracle.reporting.report import NO_REPORT, Domain, Report, totals_of
from oracle.reporting.rules import Rules
from oracle.reporting.statement import NO_EVIDENCE
from tests.verifier.plants import Plant
from tests.verifier.rule_sets import made_up_limits, made_up_rules
from tests.verifier.sites import site_plants

NETWORK = "demo"
PROJECT = "village"
NEW_YEAR_S = {offset_s: 1_767_225_600 - offset_s for offset_s in (0, 28_800, -36_000)}


@dataclass(frozen=True)
class Signers:
    """Nodes and the contract that they sign for."""

    secrets: tuple[bytes, ...]
    domain: Domain

    @classmethod
    def made_up(cls, rng: random.Random) -> "Signers":
        oracle = address_of(PrivateKey(rng.randbytes(32)).public_key)
        secrets = tuple(rng.randbytes(32) for _ in range(rng.randint(1, 7)))
        return cls(secrets, Domain(rng.choice((1, 31337, 2**200)), oracle))

    @property
    def signer_set(self) -> SignerSet:
        addresses = [address_of(PrivateKey(secret).public_key) for secret in self.secrets]
        return SignerSet.of(addresses, threshold_for_minting(len(addresses)), 1)

    @property
    def anchor(self) -> Anchor:
        return Anchor(self.domain, self.signer_set)

    def signatures(self, report: Report) -> tuple[bytes, ...]:
        digest = report.digest(self.domain)
        signed = [Attestation(report.epoch, digest, "", sign_digest(secret, digest)) for secret in self.secrets]
        return assemble(report, self.domain, self.signer_set, signed).signatures


@dataclass(frozen=True)
class GoodProof:
    """A proof with what it was made from."""

    proof: Proof
    signers: Signers
    plants: tuple[Plant, ...]
    registry: RegistrySnapshot


def made_up_proof(seed: int, *, with_credits: bool = False, of_site: bool = False) -> GoodProof:
    """One asset of several meters, over one to four reports, some of them across New Year.

    With credits, nothing stands in their way: no faults, the right to them, and days enough that are over. Of a site, its
    meters see the same energy for two weeks.
    """
    rng = random.Random(seed)
    signers = Signers.made_up(rng)
    offset_s = rng.choice(tuple(NEW_YEAR_S))
    hours_before = rng.choice((rng.randint(-40, 40), rng.randint(-350, -300), rng.randint(0, 60)))
    start_s = NEW_YEAR_S[offset_s] - (rng.randint(20, 50) if with_credits else hours_before) * 3600
    asset_id = f"asset-{rng.randrange(100)}"
    plants = _plants(rng, asset_id, start_s * 1000, with_credits)
    if of_site:
        plants = (*site_plants(rng, asset_id, NETWORK, start_s * 1000), plants[-1])
    limits = {
        plant.listed.meter_id: made_up_limits(rng, plant.listed.meter_id, plant.modulus_wh, plant.start_ms)
        for plant in plants
        if plant.modulus_wh is not None or rng.random() < 0.2
    }
    pending = [envelope for plant in plants for envelope in plant.envelopes()]
    registry = _registry(rng, asset_id, offset_s, start_s, plants, with_credits)
    project = registry.projects[PROJECT]
    method = project.methodology.rstrip(b"\0").decode()
    rules = made_up_rules(rng, asset_id, method, project.document_hash, limits, with_credits=with_credits)
    hours = max(plant.hours for plant in plants)
    reports = rng.randint(1, 4)
    earliest = hours // 2 if with_credits or of_site else 1
    cutoffs_s = sorted(start_s + rng.randint(earliest, hours + 30) * 3600 for _ in range(reports))
    compiled, links, used, prev = [], [], [], NO_REPORT
    statements = {}
    for number, cutoff_s in enumerate(cutoffs_s):
        late = number < reports - 1
        new = [e for e in pending if e.first_ms <= cutoff_s * 1000 and not (late and rng.random() < 0.2)]
        new = [e for e in new if registry.objection(e) is None]
        pending = [e for e in pending if e not in new]
        basis = Basis(
            number + 1, prev, cutoff_s, signers.signer_set.config_digest(signers.domain), registry, rules, statements
        )
        one = compile_report(basis, used, new)
        compiled.append(one)
        links.append((one, [e for e in new if e.device != "dev-foreign"]))
        used += new
        prev, statements = one.report.digest(signers.domain), one.statements
    proof = prove(compiled[-1], registry, rules, signers, asset_id, NETWORK, links)
    if not any(link.envelopes for link in proof.body.evidence):
        return made_up_proof(seed + 1_000_000, with_credits=with_credits, of_site=of_site)
    return GoodProof(proof, signers, plants, registry)


def _plants(rng: random.Random, asset_id: str, start_ms: int, sound: bool) -> tuple[Plant, ...]:  # noqa: FBT001
    named = {"network": NETWORK, "start_ms": start_ms, "hours": rng.randint(60 if sound else 3, 72)}
    roles = (MeterRole.INVERTER,) if sound else (MeterRole.INVERTER, MeterRole.PLANT, MeterRole.LOAD)
    plants = []
    for number in range(rng.randint(1, 3)):
        modulus_wh = rng.choice((None, None, None, 10**4, 10**5))
        plants.append(
            Plant(
                rng, asset_id, str(number), **named, modulus_wh=modulus_wh, with_faults=not sound and rng.random() < 0.8,
                nameplate_w=rng.choice((800, 5000, 8000)),
                register_wh=rng.randrange(modulus_wh or 10**5), role=rng.choice(roles),
            )
        )  # fmt: skip
    foreign = Plant(rng, "elsewhere-1", "foreign", NETWORK, start_ms, 3, with_faults=False)
    return (*plants, foreign)


def _registry(
    rng: random.Random,
    asset_id: str,
    offset_s: int,
    start_s: int,
    plants: Iterable[Plant],
    entitled: bool,  # noqa: FBT001
) -> RegistrySnapshot:
    listed = [plant.listed for plant in plants]
    rng.shuffle(listed)
    account = address_of(PrivateKey(rng.randbytes(32)).public_key)
    right = ClaimRight.CREDIT if entitled else rng.choice((*ClaimRight, ClaimRight.CREDIT, ClaimRight.CREDIT))
    document = bytes(32) if right is ClaimRight.NONE else rng.randbytes(32)
    method = METHODOLOGIES[rng.choice(tuple(METHODOLOGIES))].on_chain
    project = Project(PROJECT, account, method, right, document, Assurance.DEVICE_SIGNED, meters_root(listed))
    other = Project("solo", account, bytes(32), ClaimRight.NONE, bytes(32), Assurance.RECORDED)
    assets = {
        named: Asset(named, of, account, 24_000, start_s, offset_s, 900_000, 4_000_000, 1_000_000)
        for named, of in ((asset_id, PROJECT), ("elsewhere-1", PROJECT), ("third", "solo"))
    }
    return RegistrySnapshot(
        rng.randrange(10**6), {PROJECT: project, "solo": other}, assets, {PROJECT: tuple(listed), "solo": ()}
    )


def prove(
    compiled: Compiled,
    registry: RegistrySnapshot,
    rules: Rules,
    signers: Signers,
    asset_id: str,
    network: str,
    links: list[tuple[Compiled, list[Envelope]]],
) -> Proof:
    """The proof of one asset, from the reports so far and the asset's envelopes first used in each."""
    asset = registry.assets[asset_id]
    project = registry.projects[asset.project_id]
    tree = meters_tree(registry.meters[asset.project_id])
    body = ProofBody(
        network=network,
        domain=signers.domain,
        signer_set=signers.signer_set,
        report=compiled.report,
        signatures=signers.signatures(compiled.report),
        statements=tuple(
            ProvenStatement(statement, compiled.tree.proof(statement.leaf))
            for (named, _), statement in sorted(compiled.statements.items())
            if named == asset_id
        ),
        registry=ProvenAsset(
            asset,
            project,
            registry.tree.proof(asset_leaf(asset, project)),
            tuple(ProvenMeter(meter, tree.proof(meter_leaf(meter))) for meter in registry.meters_of(asset_id)),
        ),
        evidence=tuple(
            EvidenceLink(
                canonical_bytes(one.settlements[asset_id].document).decode(),
                tuple(encode_envelope(e.wire) for e in sorted(new, key=lambda envelope: envelope.digest)),
            )
            for one, new in links
        ),
    )
    return Proof(body, rules)


def signed_again(proof: Proof, signers: Signers) -> Proof:
    """Make everything agree with what a proof shows, and sign it: all trees hold only what is shown.

    Settlements and envelopes are taken as they are, so that what they say is found where it is computed again.
    """
    body = proof.body
    entry = body.registry
    listed = [proven.meter for proven in entry.meters]
    project = replace(entry.project, meters_root=meters_root(listed))
    root = NO_EVIDENCE
    for link in body.evidence:
        root = next_evidence_root(root, _digests(link, body.network), json.loads(link.settlement))
    statements = [replace(proven.statement, evidence_root=root) for proven in body.statements]
    tree = StandardMerkleTree(tuple(statement.leaf for statement in statements))
    report = replace(
        body.report,
        config_digest=signers.signer_set.config_digest(signers.domain),
        rules_digest=proof.rules.digest,
        registry_hash=asset_leaf(entry.asset, project),
        root=tree.root,
        totals=totals_of(statements),
        leaf_count=len(statements),
    )
    meters = meters_tree(listed) if listed else None
    return Proof(
        replace(
            body,
            domain=signers.domain,
            signer_set=signers.signer_set,
            report=report,
            signatures=signers.signatures(report),
            statements=tuple(ProvenStatement(one, tree.proof(one.leaf)) for one in statements),
            registry=ProvenAsset(
                entry.asset,
                project,
                (),
                tuple(ProvenMeter(meter, meters.proof(meter_leaf(meter))) for meter in listed) if meters else (),
            ),
        ),
        proof.rules,
    )


def _digests(link: EvidenceLink, network: str) -> list[bytes]:
    return [decode(decode_envelope(text), network=network).digest for text in link.envelopes]
