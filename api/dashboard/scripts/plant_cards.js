// The cards of a plant's page.

import { grouped, reasonArticle } from "./account_panel.js";
import { periodChart } from "./charts.js";
import { datum, el, fill, shortened, update } from "./elements.js";
import { ago, carbon, day, energy, integer, isoDay, kilowattHours, money, nameplate, plain, power, roomy, shown } from "./figures.js";
import { t } from "./words.js";

/** Power now, energy today, and all there is so far. */
export function figuresCard(place) {
  const [now, today] = [el("dd.headline"), el("dd.headline")];
  const pairs = el("dl.pairs");
  fill(place, el("dl.headlines", {},
    el("div", {}, el("dt", {}, t("plant.power_now")), now),
    el("div", {}, el("dt", {}, t("plant.energy_today")), today)), el("h2.pairs-head", {}, t("plant.so_far")), pairs);
  return (asset) => {
    update(now, asset.power_w === null ? el("span.soft", {}, t("page.no_data")) : shown(power(asset.power_w)));
    update(today, shown(kilowattHours(asset.today_wh)));
    const pair = (key, node) => [el("dt", {}, t(key)), el("dd", {}, node)];
    fill(pairs,
      pair("plant.attested", shown(energy(asset.attested_wh))),
      pair("plant.waits", shown(energy(asset.withheld_wh))),
      pair("plant.disputed", shown(energy(asset.disputed_wh))),
      pair("plant.minted", shown(energy(asset.minted_wh))),
      asset.credits_g > 0 ? pair("plant.credits", shown(carbon(asset.credits_g))) : null,
      pair("plant.revenue", shown(money(asset.revenue_minor))));
  };
}

/** Everything that is held back, by reason. */
export function accountsCard(place, asset) {
  const list = el("div.reasons");
  const sum = el("p.soft.small");
  fill(place, el("div.card-head", {}, el("h2", {}, t("plant.held_back")), sum), list);
  let before = "";
  return (accounts) => {
    const groups = grouped(accounts);
    const mark = JSON.stringify(groups.map(({ standing, reason, wh }) => [standing, reason, wh]));
    if (mark === before) return;
    before = mark;
    const of = (standing) => groups.filter((group) => group.standing === standing).reduce((total, group) => total + group.wh, 0);
    sum.textContent = groups.length ? t("plant.held_sum", { waits: plain(energy(of("withheld"))), disputed: plain(energy(of("disputed"))) }) : "";
    fill(list, groups.length ? groups.map((group) => reasonArticle(group, null, asset.utc_offset_s)) : el("p.state.state-good", {}, t("plant.nothing_held")));
  };
}

/** The last days; choosing one shows it above. */
export function daysCard(place, asset, go) {
  const home = el("div");
  const address = (kind) => `/v1/assets/${encodeURIComponent(asset.asset_id)}/${kind}`;
  fill(place, el("div.card-head", {}, el("h2", {}, t("plant.days")), el("p.soft.small", {}, t("plant.days_unit")),
    el("a.end.small", { href: `${address("production")}?per=hour&limit=1000&format=csv` }, t("plant.csv"))), home);
  let chart = null;
  let count = 0;
  return (days) => {
    if (days.length === 0) return void fill(home, el("p.empty", {}, t("plant.no_days")));
    if (chart !== null && count === days.length) return chart.update(days);
    count = days.length;
    chart = periodChart(home, days, { offsetS: asset.utc_offset_s, opened: (bar) => { if (bar) go(isoDay(bar.start, asset.utc_offset_s)); } });
    return undefined;
  };
}

/** Its meters: whether they report, and whose key signs. */
export function metersCard(place) {
  const body = el("tbody");
  const heads = ["meter", "role", "device", "key", "power", "heard", "state"].map((name) => el(name === "power" ? "th.right" : "th", { scope: "col" }, t(`plant.meter_${name}`)));
  fill(place, el("div.card-head", {}, el("h2", {}, t("plant.meters"))),
    el("div.table-frame", { tabindex: "0", role: "region", "aria-label": t("plant.meters") },
      el("table.many-columns", {}, el("thead", {}, el("tr", {}, heads)), body)));
  return (asset, now) => fill(body, asset.meters.map((meter) => meterRow(meter, asset, now)));
}

/** One meter as a table row; the network page shows it too. */
export function meterRow(meter, asset, now) {
  const state = meter.revoked ? ["disputed", "revoked"] : meter.last_reading_at === null ? ["none", "silent"] : meter.stale ? ["waits", "stale"] : ["good", "reporting"];
  return el("tr", {},
    el("th", { scope: "row" }, datum(meter.meter_id)),
    el("td", {}, t(`plant.role_${meter.role}`)),
    el("td", {}, datum(meter.device_id)),
    el("td", {}, shortened(meter.thumbprint, 8, 4)),
    el("td.right", {}, meter.power_w === null || meter.power_w === undefined ? "–" : shown(power(meter.power_w))),
    el("td", {}, ago(meter.last_reading_at, now, asset.utc_offset_s)),
    el("td", {}, el(`span.state.state-${state[0]}`, {}, t(`plant.meter_${state[1]}`))));
}

/** What the registry on chain says of it. */
export function registryCard(place, asset) {
  const pair = (key, ...nodes) => [el("dt", {}, t(key)), el("dd", {}, ...nodes)];
  fill(place, el("div.card-head", {}, el("h2", {}, t("plant.registry")), el("p.soft.small", {}, t("plant.registry_says"))),
    el("dl.pairs.facts", {},
      pair("plant.fact_id", datum(asset.asset_id)),
      pair("plant.fact_project", datum(asset.project_id)),
      pair("plant.fact_owner", shortened(asset.beneficiary)),
      pair("plant.fact_size", shown(nameplate(asset.nameplate_w))),
      pair("plant.fact_commissioned", day(asset.commissioned, asset.utc_offset_s)),
      pair("plant.fact_assurance", t(`plant.assurance_${asset.assurance}`)),
      pair("plant.fact_right", t(`plant.right_${asset.claim_right}`)),
      asset.factor ? pair("plant.fact_factor", t("plant.factor_value", { factor: integer(asset.factor.g_per_mwh) }), el("span.fact-source", {}, datum(`${asset.factor.source}, ${asset.factor.year}`))) : null,
      asset.tariff ? pair("plant.fact_tariff", roomy(plain(money(Math.trunc(asset.tariff.minor_per_mwh / 1000)))), t("plant.per_kwh"), el("span.fact-source", {}, datum(asset.tariff.source))) : null));
}
