// Everything an owner has, at a glance.

import { get, listen, repeatedly } from "./client.js";
import { el, fill, update } from "./elements.js";
import { energyCard } from "./energy_card.js";
import { carbon, day, kilowattHours, money, month, plain, power, roomy, shown } from "./figures.js";
import { mountPage, openSignIn } from "./page.js";
import { plantsTable } from "./plants_table.js";
import { t, tNodes } from "./words.js";

const EVERY_MS = 10_000;
const SOON_MS = 400;

const page = await mountPage("portfolio");
if (page.session === null) welcome();
else follow();

function welcome() {
  const place = document.getElementById("welcome");
  place.hidden = false;
  document.querySelector("h1").classList.remove("unseen");
  const points = ["power", "held", "proof"].map((name) => el("li", {}, el("h2", {}, t(`portfolio.point_${name}`)), el("p.soft", {}, t(`portfolio.point_${name}_text`))));
  fill(place,
    el("div.hero", {},
      el("p.lead", {}, t("portfolio.lead")),
      el("div.actions", {},
        el("button.primary", { type: "button", "data-sign-in": "", onclick: openSignIn }, t("page.sign_in_wallet")),
        el("a.secondary", { href: "/explorer" }, t("portfolio.look_around"))),
      document.documentElement.hasAttribute("data-demo") ? el("p.soft.small", {}, t("page.sign_in_demo")) : null),
    el("ul.points", {}, points));
}

function follow() {
  let parts = null;
  const refresh = repeatedly(async () => {
    const [view, entitled] = await Promise.all([get("/v1/portfolio"), entitlement()]);
    parts ??= build(view);
    parts.update(view, entitled);
  }, EVERY_MS);
  let soon = 0;
  listen({}, () => {
    clearTimeout(soon);
    soon = setTimeout(() => { refresh.now(); page.strip?.now(); }, SOON_MS);
  });
}

/** What may be claimed: of owners alone, who hold; null of operators and where the chain does not answer. */
async function entitlement() {
  if (!page.session.address) return null;
  try {
    return await get("/v1/revenue");
  } catch {
    return null;
  }
}

function build(view) {
  document.getElementById("glance").hidden = false;
  let assets = view.assets;
  const offsetS = assets[0]?.utc_offset_s;
  const title = (given) => t("portfolio.power_of", { day: day(`${given.power.day}T00:00:00Z`, 0) });
  const card = energyCard(document.getElementById("energy"), view.power, { offsetS, assets: () => assets, title: title(view) });
  const figures = figuresCard(document.getElementById("figures"));
  const plants = plantsTable(document.getElementById("plants"));
  return {
    update(given, entitled) {
      assets = given.assets;
      card.update(given.power, title(given));
      figures(given, entitled);
      plants(given);
    },
  };
}

function figuresCard(place) {
  const spot = () => el("dd.headline");
  const [now, today, credits, revenue] = [spot(), spot(), el("dd"), el("dd")];
  const [revenueName, pairs, action] = [el("dt"), el("dl.pairs"), el("div")];
  const bar = el("div.funded-bar", { "aria-hidden": "true" }, el("span"));
  fill(place, el("dl.headlines", {},
    el("div", {}, el("dt", {}, t("portfolio.power_now")), now),
    el("div", {}, el("dt", {}, t("portfolio.energy_today")), today),
    el("div", {}, el("dt", {}, t("portfolio.credits")), credits),
    el("div", {}, revenueName, revenue)), bar, pairs, action);
  return (view, entitled) => {
    update(now, view.power_w === null ? el("span.soft", {}, t("page.no_data")) : shown(power(view.power_w)));
    update(today, tNodesFigure("portfolio.attested_figure", kilowattHours(view.today_wh)));
    fill(credits, view.credits.length ? view.credits.map(creditLine) : el("span.soft", {}, t("portfolio.no_credits")));
    showRevenue({ revenueName, revenue, bar, pairs, action }, view.month, entitled);
  };
}

/** A figure whose unit is followed by a soft word: "1 002.1 kWh attested". */
function tNodesFigure(key, quantity) {
  return el("span.figure", { title: quantity.exact }, roomy(quantity.figure), "\u2009", el("span.unit", {}, tNodes(key, { unit: quantity.unit })));
}

function creditLine({ project_id: project, vintage, credits_g: grams, retired_g: retired }) {
  return el("div.credit-line", {},
    el("span.headline", {}, shown(carbon(grams))),
    el("span.label", {}, t("portfolio.credit_of", { project, vintage })),
    retired > 0 ? el("span.label", {}, ` · ${t("portfolio.retired", { mass: plain(carbon(retired)) })}`) : null);
}

function showRevenue(spots, of, entitled) {
  spots.revenueName.textContent = of === null ? t("portfolio.revenue") : t("portfolio.revenue_of", { month: month(of.month) });
  if (of === null) fill(spots.revenue, el("span.soft", {}, t("portfolio.no_revenue")));
  else update(spots.revenue, el("span.headline", {}, shown(money(of.attested_minor))));
  spots.bar.hidden = of === null || of.attested_minor <= 0;
  if (of !== null) spots.bar.firstChild.style.setProperty("width", `${Math.min(100, (100 * of.funded_minor) / Math.max(1, of.attested_minor))}%`);
  const pair = (key, minor) => [el("dt", {}, t(key)), el("dd", {}, shown(money(minor)))];
  fill(spots.pairs,
    of === null ? null : [pair("portfolio.attested", of.attested_minor), pair("portfolio.funded", of.funded_minor)],
    entitled === null ? null : pair("portfolio.claimable", entitled.claimable_minor));
  const claimable = entitled?.claimable_minor ?? 0;
  fill(spots.action, claimable > 0
    ? el("a.primary.wide-button", { href: "/revenue" }, t("portfolio.claim", { sum: plain(money(claimable)) }))
    : null);
}
