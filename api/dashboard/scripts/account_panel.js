// Why energy is held back, in one plain sentence, and what to do. Codes are one click deeper.

import { getAll } from "./client.js";
import { datum, el, fill } from "./elements.js";
import { clock, energy, kilowattHours, moment, plain, plantName } from "./figures.js";
import { hasWords, t } from "./words.js";

/** The words of a reason: {short, why, what}; of one that this release does not know, words that say so. */
export function reasonWords(code) {
  const known = hasWords(`reasons.${code}.why`) ? code : "unknown";
  return { short: t(`reasons.${known}.short`), why: t(`reasons.${known}.why`), what: t(`reasons.${known}.do`) };
}

/** Sum accounts by asset, standing and reason, disputed first, then by energy. */
export function grouped(accounts) {
  const groups = new Map();
  for (const account of accounts) {
    const key = `${account.asset_id}|${account.standing}|${account.reason}`;
    const group = groups.get(key) ?? { ...account, wh: 0, intervals: [] };
    group.wh += account.wh;
    group.intervals.push(account);
    groups.set(key, group);
  }
  const rank = ({ standing }) => (standing === "disputed" ? 0 : 1);
  return [...groups.values()].sort((a, b) => rank(a) - rank(b) || b.wh - a.wh);
}

/**
 * One reason as an article: how much, why, what to do; the code, meters and intervals below.
 * @param {object} group as grouped() gives
 * @param {string|null} plant name of the plant, where several are shown
 * @param {number} offsetS local time minus UTC [s]
 */
export function reasonArticle(group, plant, offsetS) {
  const words = reasonWords(group.reason);
  const state = group.standing === "disputed" ? "disputed" : "waits";
  const sentence = t(`charts.${state}_energy`, { energy: plain(energy(group.wh)) });
  return el("article.reason", { "data-reason": group.reason },
    el("p.reason-head", {}, el(`strong.state.state-${state}`, {}, sentence), plant === null ? null : datum(plant, { class: "soft" })),
    el("p", {}, words.why),
    el("p.reason-do", {}, el("strong", {}, t("charts.what_to_do")), " ", words.what),
    el("details.more", {}, el("summary", {}, t("charts.details")), intervalList(group, offsetS)));
}

const MOST_INTERVALS = 200;

function intervalList(group, offsetS) {
  const rows = group.intervals.slice(0, MOST_INTERVALS).map((each) => el("tr", {},
    el("td", {}, `${moment(each.start, offsetS)}–${clock(each.end, offsetS)}`),
    el("td", {}, datum(each.meter_id)),
    el("td", {}, el("code", {}, each.reason)),
    el("td.right", {}, plain(kilowattHours(each.wh)))));
  const heads = [t("charts.interval"), t("charts.meter"), t("charts.code")].map((text) => el("th", { scope: "col" }, text));
  return el("div.table-frame", { tabindex: "0", role: "region", "aria-label": t("charts.details") },
    el("table.dense", {}, el("thead", {}, el("tr", {}, heads, el("th.right", { scope: "col" }, t("charts.energy")))), el("tbody", {}, rows)));
}

/**
 * The panel under the hours.
 * @param {() => object[]} assets AssetViews whose hours these are
 * @param {number} offsetS local time minus UTC [s]
 * @returns {{root: Element, show: (hour: object|null, label: string) => void, clear: () => void}}
 */
export function hourPanel(assets, offsetS) {
  const root = el("div.hour-panel", { role: "status" });
  let asked = 0;
  let last = "";
  const show = async (hour, label) => {
    const mark = JSON.stringify([hour, label]);
    if (mark === last) return;
    last = mark;
    asked += 1;
    const own = asked;
    const head = el("h3", {}, label);
    if (hour === null) return void fill(root, head, el("p", {}, t("charts.hour_not_yet")));
    if (hour.attested_wh === null) return void fill(root, head, el("p", {}, t("charts.hour_no_data")));
    const held = hour.withheld_wh + hour.disputed_wh > 0;
    const said = el("p", {}, wholeHour(hour, held));
    fill(root, head, said, held ? el("p.soft", {}, t("page.loading")) : null);
    if (!held) return;
    const groups = grouped(await accountsOf(assets(), hour));
    if (own !== asked) return;
    const name = assets().length > 1 ? nameOf(assets()) : () => null;
    fill(root, head, said, groups.map((group) => reasonArticle(group, name(group.asset_id), offsetS)));
  };
  const clear = () => {
    asked += 1;
    last = "";
    fill(root);
  };
  return { root, show, clear };
}

function nameOf(assets) {
  const byId = new Map(assets.map((asset) => [asset.asset_id, plantName(asset)]));
  return (id) => byId.get(id) ?? id;
}

function wholeHour(hour, held) {
  if (hour.attested_wh === 0 && !held) return t("charts.hour_zero");
  return t(held ? "charts.hour_some" : "charts.hour_all", { energy: plain(energy(Math.max(0, hour.attested_wh))) });
}

async function accountsOf(assets, hour) {
  const lists = await Promise.all(assets.map(async ({ asset_id: id }) => {
    const of = (standing) => getAll(`/v1/assets/${encodeURIComponent(id)}/accounts`, { from: hour.start, to: hour.end, standing });
    return (await Promise.all([of("withheld"), of("disputed")])).flat().map((account) => ({ ...account, asset_id: id }));
  }));
  return lists.flat();
}
