// A retirement's public certificate: its figures, a code that leads here, the PDF, and the proof, run in this page.

import * as client from "./client.js";
import { datum, el, fill, shortened } from "./elements.js";
import { day, integer, moment, plantName, tonnes } from "./figures.js";
import { narrowed } from "./narrowed.js";
import { projectName } from "./names.js";
import { mountPage } from "./page.js";
import { mountProof } from "./proof_run.js";
import { t, tNodes } from "./words.js";

const number = location.pathname.split("/").filter(Boolean).at(-1);
const address = `/v1/retirements/${encodeURIComponent(number)}`;
const retirement = await client.get(address).catch((error) => error);
const found = retirement instanceof Error ? null : retirement;

function show(place) {
  if (found === null) {
    const missing = retirement.status === 404 ? t("certificate.missing", { number }) : retirement.message;
    fill(place, el("section.card.certificate-missing", {}, el("h1", {}, t("certificate.title")), el("p", {}, missing),
      el("p", {}, el("a", { href: "/explorer#retirements" }, t("certificate.all")))));
    return;
  }
  document.title = `${t("certificate.number", { number: found.number })} · Heliograph`;
  fill(place, el("article.card.certificate", {}, head(), el("div.certificate-body", {}, facts(), code())));
  const section = document.getElementById("proof");
  section.hidden = false;
  mountProof(document.getElementById("proof-run"), { proof: `${address}/proof`, what: "certificate.proven", owned: page.session?.assets ?? [] });
}

function head() {
  return el("header.certificate-head", {},
    el("p.certificate-number", {}, t("certificate.number", { number: integer(found.number) })),
    el("h1", {}, amount(), " ", el("span.certificate-claim", {}, t("certificate.claim"))),
    el("p.certificate-for", {}, beneficiary()),
    found.purpose ? el("p.certificate-purpose", {}, datum(found.purpose)) : null);
}

function amount() {
  const { figure, unit, exact } = tonnes(found.grams);
  return el("span.certificate-amount", { title: exact }, figure, " ", el("span.unit", {}, unit));
}

function beneficiary() {
  if (found.beneficiary) return tNodes("certificate.for", { name: el("strong", {}, datum(found.beneficiary)) });
  if (found.beneficiary_hash) return t("certificate.for_sealed");
  return tNodes("certificate.for", { name: shortened(found.beneficiary_address) });
}

function facts() {
  const plants = found.assets.map((asset) => plantName({ asset_id: asset })).join(" · ");
  const serials = t("certificate.serials_range", { first: integer(found.first_serial), last: integer(found.last_serial) });
  const token = el("a", { href: `/explorer/${found.credit_id}` }, t("certificate.token_link"));
  return el("dl.facts", {}, [
    ["project", datum(projectName(found.project_id))],
    ["vintage", String(found.vintage)],
    plants ? ["plants", datum(plants)] : null,
    ["serials", serials],
    ["amount", `${integer(found.grams)} g`],
    ["date", el("time", { datetime: found.at, title: moment(found.at) }, day(found.at))],
    ["retired_by", shortened(found.retired_by)],
    ["account", shortened(found.beneficiary_address)],
    found.beneficiary_hash ? ["name_hash", shortened(found.beneficiary_hash)] : null,
    ["transaction", [shortened(found.transaction), " ", el("span.soft", {}, t("certificate.block", { block: integer(found.block) }))]],
    ["token", token],
  ].filter(Boolean).map(([key, shown]) => el("div", {}, el("dt", {}, t(`certificate.${key}`)), el("dd", {}, shown))));
}

function code() {
  return el("div.certificate-code", {},
    el("img.qr", { src: `${address}/qr.svg`, alt: t("certificate.code"), width: "148", height: "148" }),
    el("p.small.soft", {}, t("certificate.code_why")),
    el("a.secondary.wide-button", { href: `${address}/certificate.pdf`, download: "" },
      t("certificate.pdf")));
}

const page = await mountPage("certificate", { words: ["proof"], strip: found ? narrowed(found.assets) : {} });
show(document.getElementById("certificate"));
