// From a range of credits, or a retirement, down to the device signatures.
"use strict";
const { Buffer } = require("buffer");
const { checkBlock } = require("./block");
const { rootFromPath } = require("./hashing");
const { creditId, issuanceIn, readIssues, retirementIn } = require("./issuance");
const { min, max, sum } = require("./numbers");
const { Refusal, Impossible } = require("./refusal");
const { isChecksummed } = require("./signers");
const { assetLeaf, checkAnchor, verifyProof } = require("./verification");

function need(condition, what) {
  if (!condition) throw new Impossible(what);
}

// Check a decoded file. Returns the names of the steps that held. Throws Refusal.
function verifyCredits({ body, proofs }, anchor, watch = () => {}) {
  const held = [];
  const pass = (step, figures) => {
    held.push(step);
    watch({ passed: step, asset_id: null, figures });
  };
  const at = (step, check, figuresOf = () => ({})) => {
    try {
      const found = check();
      pass(step, figuresOf(found));
      return found;
    } catch (error) {
      if (error instanceof Impossible) throw new Refusal(step, error.message);
      throw error;
    }
  };
  const { credits, contracts } = body;
  const prove = () => checkProofs(body, proofs, held, watch);
  const histories = at("proofs", prove, ({ size }) => ({ assets: size }));
  const readBlocks = () => {
    need(body.blocks.length, "there are no blocks");
    return body.blocks.map(checkBlock);
  };
  const blocks = at("blocks", readBlocks, ({ length }) => ({ blocks: length }));
  const token = () => creditId(credits.project_id, credits.vintage);
  const readIssuance = () => {
    const found = readIssues(blocks, contracts, token());
    return [found, checkIssuance(blocks, contracts, token(), found)];
  };
  const [issues, minted_g] = at("issuance", readIssuance, ([, minted]) => ({ minted_g: Number(minted) }));
  const grams = Number(credits.last_serial - credits.first_serial + 1n);
  const marks = at("range", () => checkRange(body, proofs, issues, minted_g), () => ({ grams }));
  at("statements", () => marks.forEach((mark) => checkMark(body, proofs, mark, histories.get(mark.asset_id))));
  if (credits.retirement !== null) {
    at("retirement", () => checkRetirement(credits, token(), storageOf(blocks, contracts)));
  }
  if (anchor === null) return held;
  at("anchor", () => {
    for (const proof of proofs) checkAnchor(proof.body, anchor);
    const trusted = anchor.contracts;
    const same = trusted === null || (trusted.credit === contracts.credit && trusted.ledger === contracts.ledger);
    need(same, "the credits are of other contracts than the trusted ones");
  });
  const known = new Set(anchor.blocks.map((hash) => hash.toString("hex")));
  if (body.blocks.every(({ block_hash }) => known.has(block_hash.toString("hex")))) pass("chain", {});
  return held;
}

// Verify the proof of each asset. Returns asset id -> statements by vintage after each report.
function checkProofs({ credits, contracts, members }, proofs, held, watch) {
  const { retirement } = credits;
  const addresses = [contracts.credit, contracts.ledger];
  for (const { asset, project } of members) addresses.push(asset.beneficiary, project.currency);
  if (retirement !== null) addresses.push(retirement.holder, retirement.beneficiary);
  for (const address of addresses) {
    if (!isChecksummed(address)) throw new Refusal("document", `${JSON.stringify(address)} is not a checksummed address`);
  }
  const named = proofs.map(({ body }) => body.registry.asset.asset_id);
  const wanted = [...new Set(credits.portions.map(({ asset_id }) => asset_id))].sort();
  need(named.length > 0 && named.join("\0") === wanted.join("\0"), "not one proof for each asset of the portions");
  const [first] = proofs;
  for (const { body } of proofs) {
    const sameDomain = body.domain.chain_id === first.body.domain.chain_id && body.domain.oracle === first.body.domain.oracle;
    need(sameDomain && body.network === first.body.network, "proofs of different contracts, chains or networks");
    need(body.registry.project.project_id === credits.project_id, "a proof of another project");
  }
  return new Map(
    proofs.map((proof) => {
      const verified = verifyProof(proof, null, watch);
      held.push(...verified.held);
      return [proof.body.registry.asset.asset_id, verified.history];
    }),
  );
}

function storageOf(blocks, contracts) {
  const { storage } = blocks.at(-1);
  need(blocks.slice(0, -1).every((block) => block.storage.size === 0), "storage is shown before the last block");
  need(storage.size === 1 && storage.has(contracts.credit), "storage is shown of another contract");
  return storage.get(contracts.credit);
}

function checkIssuance(blocks, contracts, token, issues) {
  need(blocks.slice(0, -1).every(({ logs }) => logs.length > 0), "a block is shown that has no issue");
  const kept = issuanceIn(storageOf(blocks, contracts), token);
  for (const name of ["issued_g", "reversed_g", "offset_g"]) {
    need(sum(issues.map((issue) => issue[name])) === kept[name], `issues are left out: ${name}`);
  }
  return kept.issued_g - kept.offset_g;
}

// Lead a range to the marks that minted it, and compare with what is stated. Returns the marks.
function checkRange(body, proofs, issues, minted_g) {
  const { first_serial, last_serial, portions } = body.credits;
  need(1n <= first_serial && first_serial <= last_serial && last_serial <= minted_g, "serials that were never minted");
  let next = 1n;
  const touched = issues.flatMap((issue) => {
    const first = next;
    next += issue.minted_g;
    return issue.minted_g > 0n && first <= last_serial && next > first_serial ? [{ issue, first }] : [];
  });
  const settled = new Set(touched.flatMap(({ issue }) => issue.marks.map(({ asset_id }) => asset_id)));
  const members = checkMembers(body, proofs, settled);
  const found = touched.flatMap(({ issue, first }) => portionsOf(issue, first, members, body.credits));
  const same =
    found.length === portions.length &&
    found.every(({ portion }, i) => Object.keys(portion).every((name) => portion[name] === portions[i][name]));
  need(same, "the range leads to other portions than those stated");
  return found.map(({ mark }) => mark);
}

// Share an issue's serial numbers out over its assets. Returns [{portion, mark}] of what is in the range.
function portionsOf(issue, issueFirst, members, { first_serial, last_serial }) {
  const marks = issue.marks.filter(({ asset_id }) => members.has(asset_id));
  const rises = marks.map(({ credits_g, before_g }) => credits_g - before_g);
  const explained = rises.every((rise_g) => rise_g >= 0n) && sum(rises) === issue.issued_g;
  need(explained, "what was issued is not what the marks of the project's assets rose by");
  let serial = issueFirst;
  let offset_g = issue.offset_g;
  return marks.flatMap((mark, i) => {
    const taken_g = min(rises[i], offset_g);
    offset_g -= taken_g;
    const first = max(serial, first_serial);
    const last = min(serial + rises[i] - taken_g - 1n, last_serial);
    serial += rises[i] - taken_g;
    if (first > last) return [];
    const { asset_id, epoch } = mark;
    return [{ portion: { asset_id, first_serial: first, last_serial: last, block: issue.block, epoch }, mark }];
  });
}

// Which of the assets settled beside a range are of its project.
function checkMembers({ members, credits }, proofs, settled) {
  const own = new Set(proofs.map(({ body }) => body.registry.asset.asset_id));
  const newest = proofs.map(({ body }) => body.report).reduce((one, other) => (other.epoch > one.epoch ? other : one));
  const named = members.map(({ asset }) => asset.asset_id);
  const inOrder = named.every((name, i) => i === 0 || Buffer.compare(Buffer.from(named[i - 1]), Buffer.from(name)) < 0);
  need(inOrder && named.every((name) => !own.has(name) && settled.has(name)), "members that do not belong there");
  for (const { asset, project, path } of members) {
    const ofProject = asset.project_id === project.project_id && project.project_id === credits.project_id;
    need(ofProject, "a member of another project");
    const root = rootFromPath(assetLeaf(asset, project), path);
    need(root.equals(newest.registry_hash), "a member is not what the newest report's registry hash says");
  }
  return new Set([...own, ...named]);
}

// Find the statement that a mark came from in the asset's evidence chain.
function checkMark({ credits }, proofs, mark, history) {
  const stated = history.some((after) => {
    const statement = after.get(credits.vintage);
    return statement && statement.cutoff_s === mark.cutoff_s && statement.credits_g === mark.credits_g;
  });
  need(stated, `asset ${mark.asset_id}: no statement of its evidence says what the chain says`);
  const { report } = proofs.find(({ body }) => body.registry.asset.asset_id === mark.asset_id).body;
  const epochs = credits.portions.filter(({ asset_id }) => asset_id === mark.asset_id).map(({ epoch }) => epoch);
  need(report.epoch === epochs.reduce(max), `asset ${mark.asset_id}: its proof is of another report than its last credits`);
}

function checkRetirement({ retirement, first_serial, last_serial }, token, storage) {
  const kept = retirementIn(storage, retirement.number);
  const same = Object.keys(kept).every((name) =>
    name === "name_hash" ? kept[name].equals(retirement[name]) : kept[name] === retirement[name],
  );
  need(same, "the retirement is not what the contract keeps");
  need(retirement.credit_id === token, "the retirement is of other credits");
  const last = retirement.first_serial + retirement.grams - 1n;
  need(retirement.first_serial === first_serial && last === last_serial, "the retirement has other serials");
}

module.exports = { verifyCredits };
