// What an owner's plants have earned, month by month: attested, covered by deposits, paid, claimable; and the claim.

import * as client from "./client.js";
import { datum, el, fill, shortened } from "./elements.js";
import { integer, moment, money, month, plain, plantName, shown } from "./figures.js";
import { askToSignIn, mountPage, showProblem } from "./page.js";
import { tableOf } from "./tables.js";
import { transact } from "./transact.js";
import { t, tNodes } from "./words.js";

const EVERY_MS = 8000;
const PAYMENTS_SHOWN = 60;
const COLUMNS = ["attested", "funded", "paid", "claimable", "awaited"];
const SUMS = ["earned_minor", "claimed_minor", "claimable_minor", "awaited_minor"];

const page = await mountPage("revenue");
const address = page.session?.address ?? null;
let names = new Map();

async function show() {
  const [revenue, assets, deposits, claims] = await Promise.all([
    client.get("/v1/revenue"), client.getAll("/v1/assets"),
    client.getAll("/v1/revenue/deposits"), client.getAll("/v1/revenue/claims"),
  ]);
  names = new Map(assets.map((asset) => [asset.asset_id, plantName(asset)]));
  showMonths(revenue.items);
  showClaim(revenue);
  showPayments(deposits, claims);
}

const nameOf = (assetId) => names.get(assetId) ?? plantName({ asset_id: assetId });

function showMonths(items) {
  const months = [...new Set(items.map((item) => item.month))].sort((one, other) => other - one);
  const place = document.getElementById("months");
  if (months.length === 0) {
    fill(place, el("p.empty", {}, t("revenue.none")));
    return;
  }
  fill(place, el("div.table-frame", { tabindex: "0", role: "group", "aria-labelledby": "months-title" },
    el("table.stacking.months", { role: "table", "aria-labelledby": "months-title" },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" },
        el("th", { scope: "col", role: "columnheader" }, t("revenue.month")),
        COLUMNS.map((key) => el("th.right", { scope: "col", role: "columnheader" }, t(`revenue.${key}`))))),
      months.map((yyyymm) => monthRows(yyyymm, items.filter((item) => item.month === yyyymm))))));
}

function monthRows(yyyymm, items) {
  const total = Object.fromEntries(SUMS.map((name) => [name, items.reduce((sum, item) => sum + item[name], 0)]));
  const state = items.every(({ final }) => final) ? null : el("span.state.state-waits.small", {}, t("revenue.running"));
  const head = el("tr.month", { role: "row", "data-month": String(yyyymm) },
    el("th", { scope: "row", role: "rowheader" }, el("div.month-head", {}, el("span.month-name", {}, month(yyyymm)), state, bar(total))),
    cells(total));
  const rows = items.length > 1
    ? items.map((item) => el("tr.month-asset", { role: "row" },
      el("th", { scope: "row", role: "rowheader" }, datum(nameOf(item.asset_id)), share(item)), cells(item)))
    : [];
  return el("tbody", { role: "rowgroup" }, head, rows);
}

function share({ shares, share_supply: supply }) {
  return shares < supply ? el("span.small.soft", {}, " ", t("revenue.share", { n: integer(shares), of: integer(supply) })) : null;
}

/** The sums of a row. Covered is the owner's part of what was deposited: paid out, and to be claimed. */
function cells({ earned_minor: earned, claimed_minor: claimed, claimable_minor: claimable, awaited_minor: awaited }) {
  const sums = [earned, claimed + claimable, claimed, claimable, awaited];
  return sums.map((minor, i) => el("td.right", { role: "cell", "data-label": t(`revenue.${COLUMNS[i]}`) }, cell(minor)));
}

/** In a column the currency stands in the heading's place: figures alone line up. */
function cell(minor) {
  const { figure, exact } = money(minor);
  return el("span", { title: exact, class: minor === 0 ? "soft zero" : null }, figure);
}

function bar({ claimed_minor: paid, claimable_minor: claimable, awaited_minor: awaited }) {
  const parts = [["paid", paid], ["claimable", claimable], ["awaited", awaited]].filter(([, minor]) => minor > 0);
  return el("span.parts", { "aria-hidden": "true" },
    parts.map(([name, minor]) => el(`span.part.part-${name}`, { style: { "flex-grow": String(minor) } })));
}

function showClaim(revenue) {
  const place = document.getElementById("claim");
  const { claimable_minor: claimable } = revenue;
  const button = el("button.primary.wide-button", { type: "button", "data-claim": "", disabled: claimable === 0,
    onclick: () => claim(revenue) }, claimable ? t("revenue.claim", { sum: plain(money(claimable)) }) : t("revenue.nothing_to_claim"));
  const pairs = [["earned", revenue.earned_minor], ["paid", revenue.claimed_minor], ["awaited", revenue.awaited_minor]];
  const running = revenue.items.some(({ final }) => !final);
  fill(place,
    el("h2.label", { id: "claim-title" }, t("revenue.claimable_now")),
    shown(money(claimable), { class: "figure headline", "data-claimable": String(claimable) }),
    el("dl.pairs", {}, pairs.map(([key, minor]) => [el("dt", {}, t(`revenue.${key}`)), el("dd", {}, shown(money(minor)))])),
    button,
    revenue.verified ? null : el("p.small.state.state-waits", {}, t("revenue.unverified")),
    running ? el("p.small.soft", {}, t("revenue.running_why")) : null);
}

function claim(revenue) {
  const due = revenue.items.filter(({ claimable_minor: minor, may_claim: may }) => minor > 0 && may);
  const sum = due.reduce((total, { claimable_minor: minor }) => total + minor, 0);
  const before = revenue.claimed_minor;
  const amount = el("strong", {}, plain(money(sum)));
  const rows = due.map((item) => el("li", {},
    el("span", {}, month(item.month), " · ", datum(nameOf(item.asset_id))), shown(money(item.claimable_minor))));
  return transact({
    title: "revenue.claim_title",
    review: [
      el("p", {}, tNodes("revenue.review", { sum: amount, account: shortened(address) })),
      el("ul.plain-list", {}, rows),
      el("p.small.soft", {}, t("revenue.review_after")),
    ],
    confirm: t("revenue.confirm", { sum: plain(money(sum)) }),
    finished: "revenue.paid_now",
    address,
    prepare: () => client.post("/v1/revenue/claims", {}),
    shown: async () => (await client.get("/v1/revenue")).claimed_minor > before,
    done: (effects, dialog) => [
      el("p.done", { "data-paid": "" }, tNodes("revenue.done", { sum: el("strong", {}, plain(money(paidIn(effects, sum)))) })),
      el("button.secondary", { type: "button", onclick: dialog.close }, t("wallet.close"))],
    closed: () => void show().catch(showProblem),
  });
}

function paidIn(effects, expected) {
  const paid = effects.filter(({ event }) => event === "Claimed").map(({ values }) => Number(values.paidMinor ?? values.paid_minor));
  return paid.length ? paid.reduce((total, minor) => total + minor, 0) : expected;
}

function showPayments(deposits, claims) {
  const section = document.getElementById("payments");
  const all = [...deposits.map((one) => ["deposit", one]), ...claims.map((one) => ["claim_row", one])];
  all.sort(([, one], [, other]) => (one.at < other.at ? 1 : -1));
  section.hidden = all.length === 0;
  const columns = ["when", "what", "plant", "sum", "transaction"].map((key) => ({ text: t(`revenue.column_${key}`), right: key === "sum" }));
  const rows = all.slice(0, PAYMENTS_SHOWN).map(([kind, one]) => ({ attributes: { "data-payment": kind }, cells: [
    moment(one.at), t(`revenue.${kind}`), [datum(nameOf(one.asset_id)), el("span.soft", {}, ` · ${month(one.month)}`)],
    shown(money(one.minor)), shortened(one.transaction),
  ] }));
  fill(document.getElementById("payments-list"), tableOf("payments-title", columns, rows));
}

if (address === null) {
  const card = document.getElementById("sign-in");
  card.hidden = false;
  askToSignIn(card, "revenue.sign_in");
} else {
  document.getElementById("revenue").hidden = false;
  client.repeatedly(show, EVERY_MS);
}
