// The proof of a plant's figures, run in this page or taken away, and whether the evidence is public.

import * as client from "./client.js";
import { el, fill } from "./elements.js";
import { day } from "./figures.js";
import { mountProof } from "./proof_run.js";
import { t } from "./words.js";

/** The proof of all that the last report says of a plant; `owned` are the assets of who is signed in. */
export function proofCard(place, asset, path, owned) {
  const run = el("div", { id: "proof-run" });
  const evidence = el("fieldset.release");
  fill(place, el("div.card-head", {}, el("h2", {}, t("plant.proof"))), el("div.proof-columns", {}, run, evidence), elsewhere(asset));
  mountProof(run, { proof: `${path}/proof`, what: "plant.proven", owned });
  const show = releaseState(evidence, path, asset, owned.includes(asset.asset_id));
  client.get(`${path}/release`).then(show).catch((error) => fill(evidence, el("p.small", {}, error.message)));
}

function elsewhere(asset) {
  const command = `heliograph verify ${asset.asset_id}.json --trust anchor.json`;
  return el("details.proof-elsewhere", {},
    el("summary", {}, t("plant.by_command")),
    el("p.small", {}, t("plant.proof_says")),
    el("pre.command", { tabindex: "0" }, el("code", { translate: "no" }, command)),
    el("div.actions", {}, el("a.secondary", { href: "/v1/anchor", download: "anchor.json" }, t("plant.anchor_get"))),
    el("p.soft.small", {}, t("plant.anchor_says")));
}

// What stands, and to the owner the one button that changes it.
function releaseState(place, path, asset, isOwner) {
  const says = el("p.small.state", { role: "status" });
  const failed = el("p.small", { role: "alert" });
  const button = el("button.secondary", { type: "button", onclick: async () => {
    button.disabled = true;
    fill(failed);
    try {
      show(await client.put(`${path}/release`, { released: !isReleased }));
    } catch (error) {
      fill(failed, error.message);
    }
    button.disabled = false;
  } });
  let isReleased = false;
  const show = ({ released, at }) => {
    isReleased = released;
    says.className = `small state ${released ? "state-good" : "state-none"}`;
    fill(says, released ? t("plant.released", { since: day(at, asset.utc_offset_s) }) : t("plant.not_released"));
    fill(button, t(released ? "plant.withdraw" : "plant.release"));
    place.dataset.released = String(released);
    fill(place, el("legend", {}, t("plant.evidence")), el("p.small", {}, t("plant.evidence_says")), says,
      isOwner ? el("div.actions", {}, button) : null, failed);
  };
  return show;
}
