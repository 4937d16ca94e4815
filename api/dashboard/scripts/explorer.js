// The public explorer: tokens, the reports they come from, who signed those, what was retired, and the feeds others read.

import * as client from "./client.js";
import { datum, el, fill, shortened } from "./elements.js";
import { carbon, clock, day, energy, integer, moment, money, plantName, shown } from "./figures.js";
import { tokenName } from "./names.js";
import { mountPage, showProblem } from "./page.js";
import { tableOf } from "./tables.js";
import { t } from "./words.js";

const SHOWN = 25;
const chosen = new URLSearchParams(location.search).get("report");

/** Fill a list; `columns` are keys of words, those of figures are named in `right`. */
function list(name, columns, rows, right) {
  const heads = columns.map((key) => ({ text: t(`explorer.column_${key}`), right: right.includes(key) }));
  const empty = el("p.empty", {}, t("explorer.nothing"));
  fill(document.getElementById(`${name}-list`), rows.length ? tableOf(`${name}-title`, heads, rows) : empty);
}

async function showTokens() {
  const tokens = await client.getAll("/v1/tokens");
  const rows = tokens.map((token) => ({ cells: [
    el("a", { href: `/explorer/${token.credit_id}` }, datum(tokenName(token))),
    shown(carbon(token.issued_g)), shown(carbon(token.vault_g + token.held_g)), shown(carbon(token.buffer_g)), shown(carbon(token.retired_g)),
    t(`explorer.kind_${token.claim_kind}`),
  ] }));
  list("tokens", ["token", "issued", "owned", "buffer", "retired", "right"], rows, ["issued", "owned", "buffer", "retired"]);
}

async function showReports() {
  const { items } = await client.get("/v1/reports", { limit: SHOWN });
  const newest = [...items].sort((one, other) => other.epoch - one.epoch);
  const rows = newest.map((report) => ({ attributes: { "data-report": String(report.epoch) }, cells: [
    el("a", { href: `/explorer?report=${report.epoch}#report` }, `#${integer(report.epoch)}`),
    stateOf(report.status), moment(report.cutoff), shown(energy(report.energy_wh)), shown(carbon(report.credits_g)),
    signedOf(report), shortened(report.digest),
  ] }));
  list("reports", ["report", "state", "cutoff", "energy", "credits", "signed", "digest"], rows, ["energy", "credits", "signed"]);
  const last = newest.find(({ status }) => status === "active") ?? newest[0];
  if (last) showSigners(last);
  if (chosen !== null) showReport(newest.find(({ epoch }) => String(epoch) === chosen) ?? await client.get(`/v1/reports/${encodeURIComponent(chosen)}`));
}

const signedOf = ({ signers }) =>
  t("explorer.of", { n: integer(signers.filter(({ signed }) => signed).length), of: integer(signers.length) });

const MARKS = { active: "good", pending: "waits", disabled: "disputed" };
const stateOf = (status) => el(`span.state.state-${MARKS[status]}`, {}, t(`explorer.state_${status}`));

function showSigners(report) {
  fill(document.getElementById("signers-list"),
    el("p.small.soft", {}, t("explorer.signers_of", { report: integer(report.epoch), needed: integer(report.threshold) })),
    el("ul.signers", {}, report.signers.map(({ address, signed }) => el("li", {},
      el("code.address", { translate: "no" }, address),
      el(`span.state.state-${signed ? "good" : "none"}.small`, {}, t(signed ? "explorer.did_sign" : "explorer.did_not_sign"))))));
}

function showReport(report) {
  const place = document.getElementById("report");
  place.hidden = false;
  const facts = [
    ["state", stateOf(report.status)],
    ["cutoff", `${day(report.cutoff)}, ${clock(report.cutoff)}`],
    ["energy", shown(energy(report.energy_wh))],
    ["credits", shown(carbon(report.credits_g))],
    ["revenue", shown(money(report.revenue_minor))],
    ["plants", integer(report.leaf_count)],
    ["signed", `${signedOf(report)} · ${t("explorer.needed", { needed: integer(report.threshold) })}`],
    ["published", report.published_at ? moment(report.published_at) : t("explorer.not_published")],
    ["digest", hash(report.digest)],
    ["root", hash(report.root)],
    ["before", hash(report.prev)],
    report.transaction ? ["transaction", hash(report.transaction)] : null,
  ].filter(Boolean);
  fill(place,
    el("div.card-head", {}, el("h2", { id: "report-title" }, t("explorer.report_number", { number: integer(report.epoch) })),
      el("a.small.end", { href: "/explorer#reports" }, t("explorer.close"))),
    el("p.small.soft", {}, t("explorer.report_why")),
    el("dl.facts", {}, facts.map(([key, what]) => el("div", {}, el("dt", {}, t(`explorer.column_${key}`)), el("dd", {}, what)))));
  place.scrollIntoView();
}

const hash = (text) => el("code.whole", { translate: "no" }, text);

async function showRetirements() {
  const retirements = (await client.getAll("/v1/retirements", {}, 1000)).sort((one, other) => other.number - one.number);
  const rows = retirements.slice(0, SHOWN).map((one) => ({ cells: [
    el("a", { href: `/certificates/${one.number}` }, `#${integer(one.number)}`),
    shown(carbon(one.grams)), datum(tokenName(one)), forWhom(one), day(one.at),
  ] }));
  list("retirements", ["certificate", "amount", "token", "for", "date"], rows, ["amount"]);
}

function forWhom({ beneficiary, beneficiary_hash: sealed, beneficiary_address: account }) {
  if (beneficiary) return datum(beneficiary);
  return sealed ? t("explorer.sealed_name") : shortened(account);
}

async function showFeeds() {
  const feeds = await client.getAll("/v1/feeds");
  const rows = feeds.map((feed) => ({ cells: [
    feed.asset_id === null ? t("explorer.fleet") : datum(plantName(feed)),
    t(`explorer.metric_${feed.metric}`),
    feed.answer === null ? "—" : shown(ANSWERS[feed.metric](feed.answer)),
    el(`span.state.state-${FEED_MARKS[feed.state]}`, {}, t(`explorer.feed_${feed.state}`)),
    feed.updated_at === null ? "—" : moment(feed.updated_at),
    shortened(feed.address),
  ] }));
  list("feeds", ["of", "metric", "answer", "state", "updated", "address"], rows, ["answer"]);
}

const ANSWERS = { energy, credits: carbon, revenue: money };
const FEED_MARKS = { fresh: "good", stale: "waits", sealed: "good", never_started: "none" };

await mountPage("explorer");
const parts = [showTokens, showReports, showRetirements, showFeeds];
await Promise.all(parts.map((part) => part().catch(showProblem)));
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
