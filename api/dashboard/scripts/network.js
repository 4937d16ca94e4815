// Meters, journal, nodes and feeds: what stands between a plant and the chain, and whether it works.

import { Problem, get, getAll, repeatedly } from "./client.js";
import { datum, el, fill, shortened, update } from "./elements.js";
import { ago, integer, moment, plantName, roomy, scaledDown } from "./figures.js";
import { askToSignIn, mountPage } from "./page.js";
import { meterRow } from "./plant_cards.js";
import { t } from "./words.js";

const EVERY_MS = 15_000;
const REPORTS_SHOWN = 10;
const place = (id) => document.getElementById(id);
const show = { sources: sources(), journal: journal() };
let status = null;
let refresh = null;

const page = await mountPage("network", {
  words: ["plant"],
  strip: { heard },
});
headed("sources", "network.sources");
headed("meters", "network.meters");
headed("journal", "network.journal");
headed("nodes", "network.nodes");
headed("feeds", "network.feeds");
if (page.session === null) askToSignIn(body("meters"), "network.meters_sign_in");
let scrolled = false;
refresh = repeatedly(async () => {
  await Promise.all([meters(), nodes(), feeds()]);
  if (!scrolled && location.hash) place(location.hash.slice(1))?.scrollIntoView();
  scrolled = true;
}, EVERY_MS);

function heard(said) {
  const first = status === null;
  status = said;
  show.sources(said);
  show.journal(said);
  if (first) refresh?.now();
}

function headed(id, key) {
  fill(place(id), el("div.card-head", {}, el("h2", {}, t(key)), el("p.soft.small", { id: `${id}-note` })), el("div", { id: `${id}-body` }));
}

function body(id) {
  return place(`${id}-body`);
}

function framed(label, table) {
  return el("div.table-frame", { tabindex: "0", role: "region", "aria-label": label }, table);
}

function tableOf(heads, rows, kind = "table.many-columns") {
  const head = heads.map(([key, side, values]) => el(side ? `th.${side}` : "th", { scope: "col" }, t(`network.${key}`, values)));
  return el(kind, {}, el("thead", {}, el("tr", {}, head)), el("tbody", {}, rows));
}

function sources() {
  return (said) => {
    fill(place("about"), t("network.network_name", { network: said.network, chain: said.chain_id ?? "–" }));
    const line = (name) => {
      const source = said.sources[name];
      if (!source) return null;
      const stale = source.stale_since !== null;
      const text = stale ? t("network.source_stale", { since: moment(source.stale_since) }) : t("network.source_fresh", { ago: ago(source.fresh_at, said.at) });
      return [
        el("dt", {}, t(`network.source_${name}`)),
        el("dd", {}, el(`span.state.state-${stale ? "waits" : "good"}`, {}, text), source.fault === null ? null : el("span.fact-source", {}, datum(source.fault))),
      ];
    };
    fill(body("sources"), el("dl.pairs.source-pairs", {}, line("journal"), line("node"), line("chain")));
  };
}

function journal() {
  let spots = null;
  return (said) => {
    const station = said.stations.find(({ name }) => name === "journal");
    if (spots === null) {
      spots = [el("dd.headline"), el("dd.headline"), el("dd.headline")];
      const names = ["readings", "envelopes", "latest"].map((name) => el("dt", {}, t(`network.${name}`)));
      fill(body("journal"), el("dl.headlines.across", {}, names.map((name, index) => el("div", {}, name, spots[index]))),
        el("p.soft.explains", {}, t("network.journal_says")));
    }
    update(spots[0], roomy(integer(station.readings ?? 0)));
    update(spots[1], roomy(integer(station.envelopes ?? 0)));
    fill(spots[2], ago(station.at, said.at));
    const meterStation = said.stations.find(({ name }) => name === "meters");
    place("meters-note").textContent = t("network.meters_count", { n: integer(meterStation.reporting ?? 0), of: integer(meterStation.of ?? 0) });
  };
}

async function meters() {
  if (page.session === null || status === null) return;
  const now = status.at;
  const assets = await getAll("/v1/assets");
  const rows = assets.flatMap((asset) => asset.meters.map((meter) => {
    const row = meterRow(meter, asset, now);
    row.append(el("td", {}, el("a", { href: `/plants/${encodeURIComponent(asset.asset_id)}#meters` }, datum(plantName(asset)))));
    return row;
  }));
  if (rows.length === 0) return void fill(body("meters"), el("p.empty", {}, t("network.no_meters")));
  const heads = ["meter", "role", "device", "key", "power", "heard", "state"].map((name) => el(name === "power" ? "th.right" : "th", { scope: "col" }, t(`plant.meter_${name}`)));
  fill(body("meters"), framed(t("network.meters"), el("table.many-columns", {}, el("thead", {}, el("tr", {}, heads, el("th", { scope: "col" }, t("network.plant")))), el("tbody", {}, rows))));
}

async function nodes() {
  const { items } = await get("/v1/reports", { limit: REPORTS_SHOWN });
  if (items.length === 0) return void fill(body("nodes"), el("p.empty", {}, t("network.no_reports")));
  const [last] = items;
  const rows = last.signers.map(({ address, signed }, index) => {
    const of = items.filter((report) => report.signers.some((signer) => signer.address === address && signer.signed)).length;
    return el("tr", {},
      el("th", { scope: "row" }, t("network.node_number", { n: index + 1 })),
      el("td", {}, shortened(address, 8, 6)),
      el("td", {}, el(`span.state.state-${signed ? "good" : "none"}`, {}, t(signed ? "network.signed" : "network.not_signed"))),
      el("td.right", {}, integer(of)));
  });
  const signers = tableOf([["node"], ["account"], ["last_signature", null, { epoch: last.epoch }], ["signed_of_last", "right", { n: items.length }]], rows, "table");
  fill(body("nodes"),
    el("p.soft.explains", {}, t("network.nodes_says", { needed: last.threshold, of: last.signers.length })),
    framed(t("network.nodes"), signers), reportsTable(items));
}

function reportsTable(items) {
  const rows = items.map((report) => el("tr", {},
    el("th", { scope: "row" }, el("a", { href: `/explorer?report=${report.epoch}#reports` }, `#${integer(report.epoch)}`)),
    el("td", {}, moment(report.cutoff)),
    el("td.right", {}, integer(report.leaf_count)),
    el("td.right", {}, `${roomy(scaledDown(report.energy_wh, 3, 1))}\u2009kWh`),
    el("td.right", {}, t("strip.of", { n: report.signers.filter(({ signed }) => signed).length, of: report.signers.length })),
    el("td", {}, el(`span.state.state-${{ active: "good", pending: "waits" }[report.status] ?? "disputed"}`, {}, t(`network.status_${report.status}`)))));
  const table = tableOf([["report"], ["cutoff"], ["leaves", "right"], ["energy", "right"], ["signatures", "right"], ["status"]], rows);
  return [el("div.card-head.second-head", {}, el("h3", {}, t("network.reports")), el("a.end.small", { href: "/explorer#reports" }, t("network.reports_all"))), framed(t("network.reports"), table)];
}

async function feeds() {
  place("feeds-note").textContent = t("network.feeds_says");
  let items;
  try {
    ({ items } = await get("/v1/feeds"));
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error;
    items = [];
  }
  if (items.length === 0) return void fill(body("feeds"), el("p.empty", {}, t("network.no_feeds")));
  const state = { fresh: "good", stale: "waits", never_started: "none", sealed: "none" };
  const rows = items.map((feed) => el("tr", {},
    el("th", { scope: "row" }, feed.asset_id === null ? t("network.fleet") : datum(feed.asset_id)),
    el("td", {}, t(`network.metric_${feed.metric}`)),
    el("td.right", {}, feed.answer === null ? "–" : roomy(integer(feed.answer))),
    el("td", {}, el(`span.state.state-${state[feed.state]}`, {}, t(`network.feed_${feed.state}`))),
    el("td", {}, feed.updated_at === null ? "–" : `${moment(feed.updated_at)}`),
    el("td", {}, shortened(feed.address, 8, 6))));
  fill(body("feeds"), framed(t("network.feeds"), tableOf([["plant"], ["metric"], ["answer", "right"], ["state"], ["updated"], ["address"]], rows)));
}
