// Every step from a statement down to the device signatures, as oracle/PROOF.md describes them.
"use strict";
const { Buffer } = require("buffer");
const { advance, readSettled } = require("./advance");
const { settleAsset } = require("./asset");
const { openEnvelope } = require("./envelope");
const { ZERO, keccak, leafHash, merkleRoot, nameWord, rootFromPath } = require("./hashing");
const json = require("./json");
const { sum } = require("./numbers");
const { Refusal, Impossible, Unsettleable } = require("./refusal");
const { checkQuorum, isChecksummed } = require("./signers");

const STEPS = ["quorum", "statements", "registry", "rules", "envelopes", "evidence", "settlement", "anchor"];

function refuseUnless(condition, step, what) {
  if (!condition) throw new Refusal(step, what);
}

// Check a decoded proof. `watch` hears of each step as it is passed, and how many envelopes are opened. Throws Refusal.
// Returns {held: names of the steps, registers: of the counting meters, history: statements by vintage after each report}.
function verifyProof({ body, rules }, anchor, watch = () => {}) {
  const found = { held: [], registers: null, history: null };
  return stepByStep(body, walk(body, rules, anchor, found, watch), found, watch);
}

// Check what of a decoded proof nodes signed and the chain has, without the envelopes of devices. Throws Refusal.
function verifyAttestation(body, anchor, watch = () => {}) {
  return stepByStep(body, walkAttestation(body, anchor), { held: [] }, watch);
}

function stepByStep(body, steps, found, watch) {
  try {
    for (const address of [body.domain.oracle, body.registry.asset.beneficiary, body.registry.project.currency]) {
      refuseUnless(isChecksummed(address), "document", `${JSON.stringify(address)} is not a checksummed address`);
    }
    for (const [step, figures] of steps) {
      found.held.push(step);
      watch({ passed: step, asset_id: body.registry.asset.asset_id, figures });
    }
    return found;
  } catch (error) {
    if (error instanceof Unsettleable) throw new Refusal("settlement", error.message);
    if (error instanceof Impossible) throw new Refusal(STEPS[found.held.length], error.message);
    throw error;
  }
}

function* walkAttestation(body, anchor) {
  const signers = checkQuorum(body.report, body.signatures, body.domain, body.signer_set);
  yield ["quorum", { epoch: Number(body.report.epoch), signed: signers.length, of: body.signer_set.signers.length }];
  checkStatements(body);
  yield ["statements", netOf(body.statements)];
  checkRegistry(body);
  yield ["registry", { meters: body.registry.meters.length }];
  if (anchor === null) return;
  checkAnchor(body, anchor);
  yield ["anchor", {}];
}

function* walk(body, rules, anchor, found, watch) {
  yield* walkAttestation(body, null);
  refuseUnless(rules.digest.equals(body.report.rules_digest), "rules", "are not those of the report's rules digest");
  rules.termsOf(body.registry.asset.asset_id);
  yield ["rules", {}];
  const links = openAll(body, watch);
  const envelopes = links.flat();
  refuseUnless(envelopes.length, "envelopes", "there are none");
  const digests = new Set(envelopes.map(({ digest }) => digest.toString("hex")));
  refuseUnless(digests.size === envelopes.length, "envelopes", "an envelope is shown twice");
  yield ["envelopes", { envelopes: envelopes.length, readings: sumOf(envelopes, ({ readings }) => readings.length) }];
  const meters = body.registry.meters.map(({ meter }) => meter);
  const settled = settleAsset(body.registry, meters, envelopes, rules, body.report.cutoff_s);
  const walked = walkEvidence(body, links);
  const last = Buffer.from(body.evidence.at(-1).settlement, "utf8");
  const given = canonicalOf(settled.document);
  refuseUnless(given.equals(last), "settlement", "the last settlement is not what the signed registers give");
  yield ["evidence", { reports: body.evidence.length }];
  found.registers = settled.registers;
  found.history = advanced(body.registry.asset, walked);
  checkSettlement(body, found.history.at(-1));
  yield ["settlement", netOf(body.statements)];
  if (anchor === null) return;
  checkAnchor(body, anchor);
  yield ["anchor", {}];
}

const sumOf = (list, count) => list.reduce((total, one) => total + count(one), 0);

// What the statements come to over all vintages.
function netOf(statements) {
  const net = (name) => Number(sum(statements.map(({ statement }) => statement[name].issued - statement[name].reversed)));
  return { energy_wh: net("energy_wh"), credits_g: net("credits_g") };
}

function canonicalOf(settlement) {
  try {
    return json.canonicalBytes(settlement);
  } catch (error) {
    throw new Impossible(error.message);
  }
}

function statementLeaf({ asset_id, vintage, energy_wh, credits_g, revenue_minor, cutoff_s, evidence_root }) {
  const counters = [energy_wh, credits_g, revenue_minor].flatMap(({ issued, reversed }) => [issued, reversed]);
  return leafHash([
    ["bytes32", nameWord(asset_id)],
    ["uint16", vintage],
    ...counters.map((counter) => ["uint128", counter]),
    ["uint64", cutoff_s],
    ["bytes32", evidence_root],
  ]);
}

function checkStatements({ statements, registry, report }) {
  const refuse = (condition, what) => refuseUnless(condition, "statements", what);
  refuse(statements.length, "there are none");
  statements.forEach(({ statement, path }, i) => {
    const { asset_id, vintage, cutoff_s } = statement;
    refuse(asset_id === registry.asset.asset_id, "a statement is of another asset than the registry entry");
    refuse(i === 0 || vintage > statements[i - 1].statement.vintage, "vintages are not ascending");
    const root = rootFromPath(statementLeaf(statement), path);
    refuse(root.equals(report.root), `vintage ${vintage} is not under the report's root`);
    refuse(cutoff_s === report.cutoff_s, `vintage ${vintage} has another cutoff than the report`);
  });
}

function assetLeaf(asset, project) {
  return leafHash([
    ["bytes32", nameWord(asset.asset_id)],
    ["bytes32", nameWord(project.project_id)],
    ["bytes32", project.meters_root],
    ["address", asset.beneficiary],
    ["uint64", asset.nameplate_w],
    ["uint64", asset.commissioned_s],
    ["int32", asset.utc_offset_s],
    ["uint64", asset.factor_ceiling_g_per_mwh],
    ["uint64", asset.tariff_ceiling_minor_per_mwh],
    ["uint32", asset.capacity_factor_ceiling_ppm],
    ["uint8", asset.status],
    ["address", project.currency],
    ["bytes32", project.methodology],
    ["uint8", project.claim_right],
    ["bytes32", project.document_hash],
    ["uint8", project.assurance],
  ]);
}

function meterLeaf(meter) {
  return leafHash([
    ["bytes32", nameWord(meter.asset_id)],
    ["string", meter.meter_id],
    ["string", meter.device_id],
    ["bytes32", meter.thumbprint],
    ["uint8", meter.role],
    ["uint64", meter.nameplate_w],
    ["uint64", meter.baseline_wh],
    ["uint64", meter.baseline_time_ms],
    ["uint64", meter.revoked_boot],
    ["uint64", meter.revoked_sequence],
  ]);
}

function checkRegistry({ registry, report }) {
  const refuse = (condition, what) => refuseUnless(condition, "registry", what);
  const { asset, project, path, meters } = registry;
  refuse(asset.project_id === project.project_id, "the asset belongs to another project");
  const root = rootFromPath(assetLeaf(asset, project), path);
  refuse(root.equals(report.registry_hash), "the asset is not what the report's registry hash says");
  for (const { meter, path: meterPath } of meters) {
    refuse(meter.asset_id === asset.asset_id, `meter ${meter.meter_id} is of another asset`);
    const metersRoot = rootFromPath(meterLeaf(meter), meterPath);
    refuse(metersRoot.equals(project.meters_root), `meter ${meter.meter_id} is not in the project's meter list`);
  }
  const names = new Set(meters.map(({ meter }) => JSON.stringify([meter.device_id, meter.meter_id])));
  refuse(names.size === meters.length, "a meter is shown twice");
}

// The envelopes of each report. This is what takes time: a signature each.
function openAll({ evidence, network }, watch) {
  const of = sumOf(evidence, ({ envelopes }) => envelopes.length);
  let opened = 0;
  return evidence.map((link) =>
    openEnvelopes(link, network, () => {
      opened += 1;
      watch({ opened, of });
    }),
  );
}

function openEnvelopes({ envelopes }, network, count) {
  const opened = envelopes.map((text) => {
    const wire = Buffer.from(text, "base64");
    refuseUnless(wire.toString("base64") === text, "envelopes", "not base64 in its one form");
    const envelope = openEnvelope(wire, network);
    count();
    return envelope;
  });
  const ascending = opened.every(({ digest }, i) => i === 0 || Buffer.compare(opened[i - 1].digest, digest) < 0);
  refuseUnless(ascending, "envelopes", "envelopes of one report are not ascending by digest");
  return opened;
}

// Walk the evidence chain. Returns what each report settled, with the evidence root up to it.
function walkEvidence({ evidence, statements }, links) {
  let root = ZERO;
  const walked = evidence.map(({ settlement }, i) => {
    const document = json.parseCanonical(Buffer.from(settlement, "utf8"));
    refuseUnless(json.isObject(document), "evidence", "a settlement is not an object");
    const envelopesRoot = merkleRoot(links[i].map(({ digest }) => leafHash([["bytes32", digest]])));
    root = keccak(root, envelopesRoot, keccak(json.canonicalBytes(document)));
    return { settled: readSettled(document), root };
  });
  for (const { statement } of statements) {
    refuseUnless(statement.evidence_root.equals(root), "evidence", `vintage ${statement.vintage} rests on other evidence`);
  }
  return walked;
}

// Advance from nothing through every settlement. Returns the statements by vintage after each.
function advanced({ utc_offset_s }, walked) {
  const history = [];
  for (const { settled, root } of walked) {
    history.push(advance(history.at(-1) ?? new Map(), settled, utc_offset_s, root));
  }
  return history;
}

function checkSettlement({ statements }, again) {
  const stated = new Map(statements.map(({ statement }) => [statement.vintage, statement]));
  for (const vintage of again.keys()) {
    refuseUnless(stated.has(vintage), "settlement", `no statement of vintage ${vintage} is shown`);
  }
  for (const [vintage, statement] of stated) {
    const computed = again.get(vintage);
    const same =
      computed !== undefined &&
      ["energy_wh", "credits_g", "revenue_minor"].every(
        (name) => statement[name].issued === computed[name] && statement[name].reversed === 0n,
      ) &&
      statement.cutoff_s === computed.cutoff_s &&
      statement.evidence_root.equals(computed.evidence_root);
    refuseUnless(same, "settlement", `vintage ${vintage} is not what the readings give`);
  }
}

function checkAnchor({ domain, signer_set }, anchor) {
  const sameDomain = domain.chain_id === anchor.domain.chain_id && domain.oracle === anchor.domain.oracle;
  refuseUnless(sameDomain, "anchor", "the proof is of another contract or chain than the trusted one");
  const trusted = anchor.signer_set;
  const sameSigners =
    signer_set.threshold === trusted.threshold &&
    signer_set.config_count === trusted.config_count &&
    signer_set.signers.join() === trusted.signers.join();
  refuseUnless(sameSigners, "anchor", "the report is signed by others than the trusted signers");
}

module.exports = { verifyProof, verifyAttestation, checkAnchor, assetLeaf };
