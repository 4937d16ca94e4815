// The plants of a portfolio: a table on wide screens, one block a plant on a phone.

import { get } from "./client.js";
import { reasonWords } from "./account_panel.js";
import { sparkline } from "./charts.js";
import { datum, el, fill } from "./elements.js";
import { ago, energy, integer, kilowattHours, nameplate, plain, plantName, power, roomy } from "./figures.js";
import { t } from "./words.js";

const SPARK_EVERY_MS = 60_000;

/**
 * Prepare the table.
 * @param {Element} place its card
 * @returns {(view: object) => void} shows a PortfolioView
 */
export function plantsTable(place) {
  const body = el("tbody", { role: "rowgroup" });
  const count = el("p.soft.small");
  const heads = [["portfolio.plant"], ["portfolio.today"], ["portfolio.kw", "right"], ["portfolio.kwh", "right"], ["portfolio.held"], ["portfolio.right"]];
  const head = el("tr", { role: "row" }, heads.map(([key, side]) => el(side ? `th.${side}` : "th", { scope: "col", role: "columnheader" }, t(key))));
  fill(place, el("div.card-head", {}, el("h2", {}, t("portfolio.plants")), count),
    el("table.plants", { role: "table" }, el("caption.unseen", {}, t("portfolio.plants")), el("thead", { role: "rowgroup" }, head), body));
  place.hidden = false;
  const sparks = new Map();
  return (view) => {
    count.textContent = t("portfolio.plants_of", { n: view.assets.length, size: plain(nameplate(view.assets.reduce((sum, asset) => sum + asset.nameplate_w, 0))) });
    if (view.assets.length === 0) return void fill(body, el("tr", { role: "row" }, el("td", { role: "cell", colspan: "6" }, t("portfolio.no_plants"))));
    fill(body, view.assets.map((asset) => row(asset, view, spark(sparks, asset, view.power.day))));
  };
}

function row(asset, view, line) {
  const held = view.held_back.filter(({ asset_id: id }) => id === asset.asset_id);
  const cell = (kind, name, ...children) => el(kind, { role: "cell", "data-head": name }, ...children);
  return el("tr", { role: "row", "data-asset": asset.asset_id },
    el("th", { scope: "row", role: "rowheader" },
      el("a.plant-name", { href: `/plants/${encodeURIComponent(asset.asset_id)}` }, datum(plantName(asset))),
      el("span.plant-about", {}, datum(asset.project_id), " · ", plain(nameplate(asset.nameplate_w)))),
    cell("td.spark", "", line),
    cell("td.right", t("portfolio.kw"), asset.power_w === null ? el("span.soft.small", {}, t("page.no_data")) : roomy(power(asset.power_w).figure)),
    cell("td.right", t("portfolio.kwh"), el("span", { title: kilowattHours(asset.today_wh).exact }, roomy(kilowattHours(asset.today_wh).figure))),
    cell("td.held", t("portfolio.held"), heldBack(asset, held, view.at)),
    cell("td.claim-right", t("portfolio.right"), t(`portfolio.right_${asset.claim_right}`)));
}

function heldBack(asset, held, now) {
  const lines = held.map(({ standing, reason, wh }) => {
    const state = standing === "disputed" ? "disputed" : "waits";
    const text = t(`portfolio.${state}_because`, { energy: plain(energy(wh)), why: reasonWords(reason).short });
    return el("li", {}, el(`a.state.state-${state}`, { href: `/plants/${encodeURIComponent(asset.asset_id)}#accounts` }, text));
  });
  const silent = asset.meters.filter((meter) => meter.stale);
  if (silent.length) {
    const text = t("portfolio.silent", { n: integer(silent.length), since: ago(silent[0].last_reading_at, now, asset.utc_offset_s) });
    lines.push(el("li", {}, el("a.state.state-none", { href: `/plants/${encodeURIComponent(asset.asset_id)}#meters` }, text)));
  }
  return lines.length ? el("ul.held-list", {}, lines) : el("span.soft", {}, t("portfolio.nothing_held"));
}

/** The line of a plant's day, asked for anew once a minute. */
function spark(sparks, asset, day) {
  const known = sparks.get(asset.asset_id) ?? { place: el("span"), at: 0 };
  sparks.set(asset.asset_id, known);
  if (Date.now() - known.at > SPARK_EVERY_MS) {
    known.at = Date.now();
    get(`/v1/assets/${encodeURIComponent(asset.asset_id)}/power`, { day }).then((view) => {
      const slots = Math.round(86400 / view.step_s);
      fill(known.place, sparkline(view.points.map((point) => point.power_w), slots));
    }, () => { known.at = 0; });
  }
  return known.place;
}

