// One token of the explorer: where its grams are, and its way from the token down to the digest that the nodes signed.

import * as client from "./client.js";
import { datum, el, fill, shortened } from "./elements.js";
import { carbon, day, energy, integer, moment, plantName, shown } from "./figures.js";
import { projectName } from "./names.js";
import { narrowed } from "./narrowed.js";
import { mountPage, showProblem } from "./page.js";
import { mountProof } from "./proof_run.js";
import { tableOf } from "./tables.js";
import { t, tNodes } from "./words.js";

const id = location.pathname.split("/").filter(Boolean).at(-1);
const answer = await client.get(`/v1/tokens/${encodeURIComponent(id)}`).catch((error) => error);
const token = answer instanceof Error ? null : answer;
const place = document.getElementById("token");

async function show() {
  const [reports, retirements] = await Promise.all([
    client.get("/v1/reports", { limit: 100 }), client.getAll("/v1/retirements", {}, 1000),
  ]);
  const own = retirements.filter(({ credit_id }) => credit_id === token.credit_id).sort((one, other) => other.number - one.number);
  const last = reports.items.filter(({ status }) => status === "active").sort((one, other) => other.epoch - one.epoch)[0] ?? null;
  fill(place, head(), way(last, own), retired(own));
  if (own.length) {
    document.getElementById("proof").hidden = false;
    mountProof(document.getElementById("proof-run"), { proof: `/v1/retirements/${own[0].number}/proof`, what: "token.proven", owned: page.session?.assets ?? [] });
  }
}

const SHOWN = 50;
const PARTS = ["vault", "held", "buffer", "retired", "cancelled"];

function head() {
  const parts = PARTS.map((name) => [name, token[`${name}_g`]]);
  return el("section.card", { "aria-labelledby": "token-title" },
    el("div.card-head", {},
      el("h1", { id: "token-title" }, datum(projectName(token.project_id)), ` · ${token.vintage}`),
      el("span.soft", {}, t(`token.kind_${token.claim_kind}`))),
    el("p.label", {}, t("token.issued")),
    shown(carbon(token.issued_g), { class: "figure headline" }),
    el("div.parts", { "aria-hidden": "true" }, parts.filter(([, grams]) => grams > 0).map(([name, grams]) =>
      el(`span.part.part-${name}`, { style: { "flex-grow": String(grams) } }))),
    el("dl.parts-legend", {}, parts.map(([name, grams]) =>
      el(`div.legend-${name}`, {}, el("dt", {}, t(`token.${name}`)), el("dd", {}, shown(carbon(grams)))))),
    el("p.small.soft", {}, t("token.buffer_why")));
}

// Each line one station further down: from what an owner holds to what the nodes signed.
function way(report, retirements) {
  const plants = token.assets.map((asset) => datum(plantName({ asset_id: asset })));
  const stations = [
    ["token", el("code.whole", { translate: "no" }, token.credit_id)],
    ["plants", plants.length ? plants.flatMap((plant, i) => (i ? [" · ", plant] : [plant])) : t("token.no_plants")],
    ...(report ? reportStations(report) : [["report", t("token.no_report")]]),
    ["envelopes", t(retirements.length ? "token.envelopes_proof" : "token.envelopes_none")],
  ];
  return el("section.card", { "aria-labelledby": "way-title" },
    el("div.card-head", {}, el("h2", { id: "way-title" }, t("token.way_title")), el("p.soft.small", {}, t("token.way_lead"))),
    el("ol.way", {}, stations.map(([key, what]) =>
      el("li", { "data-station": key }, el("span.way-name", {}, t(`token.way_${key}`)), el("span.way-what", {}, what)))));
}

function reportStations(report) {
  const link = el("a", { href: `/explorer?report=${report.epoch}#report` }, t("token.report_number", { number: integer(report.epoch) }));
  const signed = report.signers.filter((signer) => signer.signed).length;
  return [
    ["report", [tNodes("token.report", { report: link, until: moment(report.cutoff) }), " ", shown(energy(report.energy_wh))]],
    ["root", el("code.whole", { translate: "no" }, report.root)],
    ["digest", el("code.whole", { translate: "no" }, report.digest)],
    ["signers", t("token.signers", { n: integer(signed), of: integer(report.signers.length), needed: integer(report.threshold) })],
  ];
}

function retired(retirements) {
  if (retirements.length === 0) return null;
  const columns = ["certificate", "amount", "for", "date"].map((key) => ({ text: t(`token.column_${key}`), right: key === "amount" }));
  const rows = retirements.slice(0, SHOWN).map((one) => ({ cells: [
    el("a", { href: `/certificates/${one.number}` }, t("token.certificate", { number: integer(one.number) })),
    shown(carbon(one.grams)), forWhom(one), day(one.at),
  ] }));
  return el("section.card", { "aria-labelledby": "retired-title" },
    el("div.card-head", {}, el("h2", { id: "retired-title" }, t("token.retirements"))), tableOf("retired-title", columns, rows));
}

function forWhom({ beneficiary, beneficiary_hash: sealed, beneficiary_address: account }) {
  if (beneficiary) return datum(beneficiary);
  return sealed ? t("token.sealed_name") : shortened(account);
}

const page = await mountPage("token", { words: ["proof"], strip: token ? narrowed(token.assets) : {} });
if (token === null) {
  fill(place, el("section.card", {}, el("h1", {}, t("token.title")),
    el("p", {}, answer.status === 404 ? t("token.missing") : answer.message),
    el("p", {}, el("a", { href: "/explorer" }, t("token.all")))));
} else {
  document.title = `${projectName(token.project_id)} ${token.vintage} · Heliograph`;
  await show().catch(showProblem);
}
