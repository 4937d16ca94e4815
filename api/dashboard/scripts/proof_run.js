// Runs a proof in this page, in a worker, and shows each step as it is passed: from the nodes' signatures down to the meters'.

import { Problem, put } from "./client.js";
import { el, fill } from "./elements.js";
import { carbon, energy, integer, plain, plantName } from "./figures.js";
import { hasWords, t } from "./words.js";

const WORKER = new URL("../vendor/verifier.js", import.meta.url);
const OF_ATTESTATION = ["quorum", "statements", "registry"];
const OF_PLANT = [...OF_ATTESTATION, "rules", "envelopes", "evidence", "settlement"];
const OF_CREDITS = ["proofs", "blocks", "issuance", "range", "marks", "retirement", "anchor"];

/**
 * Put the button that runs a proof into `place`.
 * @param {Element} place filled anew
 * @param {object} options
 * @param {string} options.proof address of the proof's file
 * @param {string} options.what key of the sentence that says what is proven
 * @param {string[]} options.owned assets of the signed-in owner, who may release the readings behind them
 */
export function mountProof(place, { proof, what, owned = [] }) {
  const run = el("button.primary", { type: "button", "data-prove": "" }, t("proof.run"));
  const steps = el("ol.steps");
  const verdict = el("div.verdict", { role: "status" });
  const own = el("input", { type: "file", accept: ".json,application/json", id: "own-anchor" });
  run.addEventListener("click", async () => {
    run.disabled = true;
    fill(steps);
    fill(verdict, el("p.soft", {}, t("proof.loading")));
    try {
      const files = await load(proof, own.files[0]);
      await judge(files, { steps, verdict, what, owned, again: () => run.click() });
    } catch (error) {
      fill(verdict, failure(error instanceof Problem ? error.message : t("proof.broken", { why: String(error.message ?? error) })));
    }
    run.disabled = false;
    fill(run, t("proof.again"));
  });
  fill(
    place,
    el("p.proof-lead", {}, t("proof.lead")),
    el("div.proof-actions", {}, run, el("a.secondary", { href: proof, download: "" }, t("proof.download"))),
    el("details.proof-anchor", {},
      el("summary", {}, t("proof.anchor_title")),
      el("p.small", {}, t("proof.anchor_why")),
      el("label.field", { for: "own-anchor" }, el("span", {}, t("proof.anchor_own")), own)),
    steps,
    verdict,
  );
}

async function load(proof, ownAnchor) {
  const [bytes, anchor] = await Promise.all([fetched(proof), ownAnchor ? ownAnchor.arrayBuffer() : fetched("/v1/anchor")]);
  return { proof: bytes, anchor, isOwn: Boolean(ownAnchor) };
}

async function fetched(address) {
  const answer = await fetch(address, { credentials: "same-origin", headers: { Accept: "application/json" } });
  if (answer.ok) return answer.arrayBuffer();
  const problem = await answer.json().catch(() => ({ title: answer.statusText }));
  throw new Problem(answer.status, problem, null);
}

function judge({ proof, anchor, isOwn }, { steps, verdict, what, owned, again }) {
  const document = JSON.parse(new TextDecoder().decode(proof));
  const shown = new Steps(steps, document);
  fill(verdict, el("p.soft", {}, t("proof.running")));
  const worker = new Worker(WORKER);
  const began = performance.now();
  return new Promise((resolve, reject) => {
    worker.addEventListener("error", () => reject(new Error(t("proof.no_program"))));
    worker.addEventListener("message", ({ data }) => {
      if (data.passed) shown.passed(data);
      else if (data.opened) shown.opened(data);
      else {
        const seconds = ((performance.now() - began) / 1000).toFixed(1);
        if (data.held && data.part) fill(verdict, inPart(data, shown, seconds, isOwn), release(data.part.withheld, owned, again));
        else if (data.held) fill(verdict, success(t(what), data, shown, seconds, isOwn));
        else if (data.refused) {
          shown.refused();
          fill(verdict, failure(t("proof.refused"), data.what));
        } else fill(verdict, failure(t("proof.broken", { why: data.broken })));
        resolve();
      }
    });
    worker.postMessage({ proof, anchor });
  }).finally(() => worker.terminate());
}

function success(what, { held }, shown, seconds, isOwn) {
  return el("div.verdict-holds", { "data-verdict": "holds" },
    el("strong", {}, t("proof.holds")),
    el("p", {}, what, " ", counted(shown, seconds)),
    el("p.small.soft", {}, anchored(held, isOwn)),
    held.includes("blocks") && !held.includes("chain") ? el("p.small.soft", {}, t("proof.blocks_open")) : null);
}

// What the server may not or cannot show is named: nobody shall take this for the whole.
function inPart({ held, part }, shown, seconds, isOwn) {
  const plants = part.withheld.map((asset) => plantName({ asset_id: asset })).join(" · ");
  return el("div.verdict-holds.verdict-part", { "data-verdict": "part" },
    el("strong", {}, t("proof.holds_in_part")),
    el("p", {}, shown.counted.envelopes ? counted(shown, seconds) : t("proof.nodes_only")),
    plants ? el("p", {}, t("proof.withheld", { plants })) : null,
    part.chain === null ? null : el("p", {}, t("proof.no_chain")),
    el("p.small.soft", {}, anchored(held, isOwn)));
}

// An owner can make the way down to the meters public, here and now.
function release(withheld, owned, again) {
  const own = withheld.filter((asset) => owned.includes(asset));
  if (own.length === 0) return null;
  const plants = own.map((asset) => plantName({ asset_id: asset })).join(" · ");
  const says = el("p.small", { role: "status" });
  const button = el("button.secondary", { type: "button", "data-release": "", onclick: async () => {
    button.disabled = true;
    try {
      for (const asset of own) await put(`/v1/assets/${encodeURIComponent(asset)}/release`, { released: true });
      again();
    } catch (error) {
      button.disabled = false;
      fill(says, error.message);
    }
  } }, t("proof.release"));
  return el("div.proof-release", {}, el("p.small", {}, t("proof.release_why", { plants })), button, says);
}

function counted(shown, seconds) {
  const { envelopes, readings } = shown.counted;
  return t("proof.holds_by", { envelopes: integer(envelopes), readings: integer(readings), seconds });
}

function anchored(held, isOwn) {
  if (!held.includes("anchor")) return t("proof.unanchored");
  return t(isOwn ? "proof.anchored_own" : "proof.anchored_here");
}

function failure(text, detail = null) {
  return el("div.verdict-fails", { "data-verdict": "fails" }, el("strong", {}, text), detail && el("p.small", {}, detail));
}

// The list of steps: of each plant, then of the credits themselves.
class Steps {
  constructor(place, document) {
    this.place = place;
    this.counted = { envelopes: 0, readings: 0 };
    this.items = new Map();
    this.waiting = [];
    const assetOf = ({ registry }) => registry.asset.asset_id;
    const isWhole = document.credits !== undefined;
    for (const one of document.attestations ?? []) this.group(place, assetOf(one), [...OF_ATTESTATION, "anchor"]);
    const steps = isWhole ? OF_PLANT : [...OF_PLANT, "anchor"];
    for (const one of document.proofs ?? [document]) this.group(place, assetOf(one), steps);
    if (isWhole) this.group(place, null, OF_CREDITS.filter((step) => step !== "retirement" || document.credits.retirement !== null));
    this.markNext();
  }

  group(place, asset, steps) {
    const heading = asset === null ? t("proof.of_credits") : t("proof.of_plant", { plant: plantName({ asset_id: asset }) });
    place.append(el("li.steps-group", {}, heading));
    for (const step of steps) this.add(place, asset, step);
  }

  add(place, asset, step) {
    const figures = el("span.step-figures");
    const item = el("li.step", { "data-state": "next", "data-step": step },
      el("span.step-name", {}, t(`proof.step_${step}`)), figures, el("span.step-why", {}, t(`proof.why_${step}`)));
    this.items.set(`${asset ?? ""}/${step}`, { item, figures });
    this.waiting.push(`${asset ?? ""}/${step}`);
    place.append(item);
  }

  passed({ passed, asset_id: asset, figures }) {
    const step = asset === null && passed === "statements" ? "marks" : passed;
    const name = `${asset ?? ""}/${step}`;
    if (!this.items.has(name)) this.add(this.place, asset, step); // one that is taken only sometimes
    const made = this.items.get(name);
    made.item.dataset.state = "held";
    fill(made.figures, figuresOf(step, figures));
    if (step === "envelopes") {
      this.counted.envelopes += figures.envelopes;
      this.counted.readings += figures.readings;
    }
    this.waiting = this.waiting.filter((other) => other !== name);
    this.markNext();
  }

  opened({ opened, of }) {
    const made = this.items.get(this.waiting[0]);
    if (made) fill(made.figures, t("proof.opened", { opened: integer(opened), of: integer(of) }));
  }

  refused() {
    const made = this.items.get(this.waiting[0]);
    if (made) made.item.dataset.state = "refused";
  }

  markNext() {
    const made = this.items.get(this.waiting[0]);
    if (made) made.item.dataset.state = "running";
  }
}

function figuresOf(step, figures) {
  const key = `proof.figures_${step}`;
  if (!hasWords(key)) return "";
  const values = Object.fromEntries(Object.entries(figures).map(([name, count]) => [name, FIGURES[name]?.(count) ?? integer(count)]));
  return t(key, values);
}

const FIGURES = {
  energy_wh: (wh) => plain(energy(wh)),
  credits_g: (grams) => plain(carbon(grams)),
  minted_g: (grams) => plain(carbon(grams)),
  grams: (grams) => plain(carbon(grams)),
};
