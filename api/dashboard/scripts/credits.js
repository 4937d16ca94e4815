// An owner's carbon credits: what is in the account and in the vault, by project and year; taken out for good for somebody.

import * as client from "./client.js";
import { datum, el, fill, shortened } from "./elements.js";
import { carbon, day, integer, plain, plantName, shown } from "./figures.js";
import { projectName } from "./names.js";
import { askToSignIn, mountPage, showProblem } from "./page.js";
import { mountRetirement } from "./retire.js";
import { tableOf } from "./tables.js";
import { transact } from "./transact.js";
import { t } from "./words.js";

const page = await mountPage("credits");
const place = document.getElementById("holdings");
const address = page.session?.address ?? null;
let names = new Map();

async function show() {
  try {
    const [holdings, assets, retirements] = await Promise.all([
      client.get("/v1/credits"), client.getAll("/v1/assets"), client.getAll("/v1/retirements", { beneficiary: address }),
    ]);
    names = new Map(assets.map((asset) => [asset.asset_id, plantName(asset)]));
    showHoldings(holdings, retirements);
    showRetired(retirements);
  } catch (error) {
    showProblem(error);
  }
}

function showHoldings(holdings, retirements) {
  const cards = holdings.items.filter((item) => item.held_g + item.vault_g > 0 || retiredOf(item, retirements) > 0);
  if (cards.length === 0) {
    fill(place, el("section.card", {}, el("p.empty", {}, t("credits.none")), el("p.small.soft", {}, t("credits.none_why"))));
    return;
  }
  fill(
    place,
    holdings.transfers_paused ? el("p.notice", {}, t("credits.paused")) : null,
    cards.map((item) => holdingCard(item, retiredOf(item, retirements))),
  );
}

function retiredOf(item, retirements) {
  return retirements.filter(({ credit_id }) => credit_id === item.credit_id).reduce((sum, { grams }) => sum + grams, 0);
}

function holdingCard(item, retired) {
  const available = item.held_g + item.vault_g;
  const project = projectName(item.project_id);
  const retire = el("button.primary", { type: "button", "data-retire": item.credit_id, disabled: available === 0,
    onclick: () => mountRetirement({ item, address, project, after: show }) }, t("credits.retire"));
  const draw = item.vault.filter(({ drawable_g }) => drawable_g > 0);
  return el("section.card.holding", { "aria-label": t("credits.holding", { project, vintage: item.vintage }) },
    el("div.card-head", {},
      el("h2", {}, datum(project), ` · ${item.vintage}`),
      el("a.small.end", { href: `/explorer/${item.credit_id}` }, t("credits.look_up"))),
    el("div.holding-body", {},
      el("div", {},
        el("p.label", {}, t("credits.available")),
        shown(carbon(available), { class: "figure headline", "data-available": String(available) }),
        bar(item, retired),
        legend(item, retired)),
      el("div.holding-acts", {}, retire, el("p.small.soft", {}, t("credits.retire_why")))),
    draw.length ? vault(item, draw, project) : null);
}

function bar(item, retired) {
  const parts = [["held", item.held_g], ["vault", item.vault_g], ["retired", retired]].filter(([, grams]) => grams > 0);
  return el("div.parts", { "aria-hidden": "true" },
    parts.map(([name, grams]) => el(`span.part.part-${name}`, { style: { "flex-grow": String(grams) } })));
}

function legend(item, retired) {
  const rows = [["held", item.held_g], ["vault", item.vault_g], ["retired", retired]];
  return el("dl.parts-legend", {}, rows.map(([name, grams]) =>
    el(`div.legend-${name}`, {}, el("dt", {}, t(`credits.${name}`)), el("dd", {}, shown(carbon(grams))))));
}

function vault(item, drawable, project) {
  return el("details.vault", {},
    el("summary", {}, t("credits.vault_title")),
    el("p.small.soft", {}, t("credits.vault_why")),
    el("ul.plain-list", {}, drawable.map(({ asset_id, drawable_g }) => el("li", {},
      el("span", {}, datum(names.get(asset_id) ?? plantName({ asset_id }))),
      shown(carbon(drawable_g)),
      el("button.secondary", { type: "button", "data-draw": asset_id, onclick: () => draw(item, asset_id, drawable_g, project) },
        t("credits.draw"))))));
}

function draw(item, assetId, grams, project) {
  const before = item.held_g;
  const values = { amount: plain(carbon(grams)), project, vintage: item.vintage, plant: names.get(assetId) ?? assetId };
  return transact({
    title: "credits.draw_title",
    review: [el("p", {}, t("credits.draw_review", values)), el("p.small.soft", {}, t("credits.draw_after"))],
    confirm: t("credits.draw_confirm", values),
    finished: "credits.drawn_now",
    address,
    prepare: () => client.post("/v1/credits/draws", { asset_id: assetId, vintage: item.vintage }),
    shown: async () => {
      const { items } = await client.get("/v1/credits");
      return items.some((one) => one.credit_id === item.credit_id && one.held_g > before);
    },
    done: (_, dialog) => [el("p.done", {}, t("credits.draw_done", values)),
      el("button.secondary", { type: "button", onclick: dialog.close }, t("wallet.close"))],
    closed: show,
  });
}

function showRetired(retirements) {
  const section = document.getElementById("retired");
  section.hidden = retirements.length === 0;
  const newest = [...retirements].sort((one, other) => other.number - one.number);
  const columns = ["certificate", "amount", "for", "purpose", "date"].map((key) => ({ text: t(`credits.column_${key}`), right: key === "amount" }));
  const rows = newest.map((one) => ({ cells: [
    el("a", { href: `/certificates/${one.number}` }, t("credits.number", { number: integer(one.number) })),
    shown(carbon(one.grams)), forWhom(one), one.purpose ? datum(one.purpose) : "—", day(one.at),
  ] }));
  fill(document.getElementById("retired-list"), tableOf("retired-title", columns, rows));
}

function forWhom({ beneficiary, beneficiary_hash: hash, beneficiary_address: account }) {
  if (beneficiary) return datum(beneficiary);
  return hash ? t("credits.sealed_name") : shortened(account);
}

if (address === null) {
  const card = el("section.card");
  fill(place, card);
  askToSignIn(card, "credits.sign_in");
} else {
  await show();
}
