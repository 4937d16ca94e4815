// Retiring credits: how much, for whom, what for; said back in plain words; then the wallet; then the certificate.

import * as client from "./client.js";
import { openDialog } from "./dialog.js";
import { datum, el, fill } from "./elements.js";
import { carbon, integer, plain, tonnes } from "./figures.js";
import { sendAll, transact } from "./transact.js";
import { t, tNodes } from "./words.js";
import { wordsOf } from "./wallet.js";

const UNITS = [["kg", 3], ["t", 6], ["g", 0]];
const LONGEST = { name: 128, purpose: 512 }; // bytes that the contract keeps

/**
 * Ask for amount, beneficiary and purpose, then retire.
 * @param {object} given
 * @param {object} given.item a holding of GET /v1/credits
 * @param {string} given.address account of the owner
 * @param {string} given.project its project, as people say it
 * @param {() => void} given.after called when all is over
 */
export async function mountRetirement({ item, address, project, after }) {
  const available = item.held_g + item.vault_g;
  const dialog = await openDialog("credits.retire_title");
  const field = (name, input, hint = null) => el("div.field", {},
    el("label", { for: `retire-${name}` }, t(`credits.field_${name}`)), input, hint && el("p.small.soft", {}, hint));
  const input = (name, attributes = {}) => el("input", { id: `retire-${name}`, name, autocomplete: "off", ...attributes });
  const amount = input("amount", { inputmode: "decimal", required: true });
  const unit = el("select", { "aria-label": t("credits.field_unit") }, UNITS.map(([name]) => el("option", { value: name }, name)));
  const name = input("name", { maxlength: LONGEST.name });
  const sealed = input("sealed", { type: "checkbox" });
  const purpose = el("textarea", { id: "retire-purpose", rows: "2", maxlength: LONGEST.purpose });
  const all = el("button.link-button.small", { type: "button", onclick: () => {
    unit.value = "g";
    amount.value = String(available);
  } }, t("credits.all", { amount: plain(carbon(available)) }));
  const form = el("form.retire", { novalidate: true },
    el("p.small.soft", {}, t("credits.retire_from", { project, vintage: item.vintage })),
    el("div.field", {}, el("label", { for: "retire-amount" }, t("credits.field_amount")),
      el("div.amount", {}, amount, unit), all),
    field("name", name, t("credits.hint_name")),
    el("label.check", { for: "retire-sealed" }, sealed, el("span", {}, t("credits.field_sealed"))),
    field("purpose", purpose),
    el("button.primary.wide-button", { type: "submit" }, t("credits.review")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const grams = gramsOf(amount.value, unit.value);
    const objection = objectionTo(grams, available, { name: name.value, purpose: purpose.value });
    if (objection) {
      dialog.failed(objection);
      amount.focus();
      return;
    }
    const order = { project_id: item.project_id, vintage: item.vintage, grams, name: name.value.trim(), purpose: purpose.value.trim() };
    if (sealed.checked && order.name) order.salt = randomSalt();
    dialog.close();
    void review({ item, order, address, project, after });
  });
  fill(dialog.body, form, dialog.says);
  amount.focus();
}

/** Whole grams of a decimal figure, or null. */
export function gramsOf(text, unit) {
  const shift = Object.fromEntries(UNITS)[unit];
  const found = /^(\d{1,12})(?:[.,](\d+))?$/.exec(text.replace(/[\s\u202f]/g, ""));
  if (!found || (found[2] ?? "").length > shift) return null;
  return Number(BigInt(found[1] + (found[2] ?? "").padEnd(shift, "0")));
}

function objectionTo(grams, available, texts) {
  if (grams === null || grams < 1) return t("credits.amount_unclear");
  if (grams > available) return t("credits.amount_too_much", { amount: plain(carbon(available)) });
  for (const [name, most] of Object.entries(LONGEST)) {
    if (new TextEncoder().encode(texts[name]).length > most) return t("credits.text_too_long", { field: t(`credits.field_${name}`) });
  }
  return null;
}

function randomSalt() {
  return `0x${[...crypto.getRandomValues(new Uint8Array(32))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function review({ item, order, address, project, after }) {
  const { figure, unit } = tonnes(order.grams);
  const fromVault = Math.max(order.grams - item.held_g, 0);
  const points = [
    tNodes("credits.review_amount", { amount: el("strong", {}, `${figure} ${unit}`), grams: integer(order.grams), project: datum(project),
      vintage: String(item.vintage) }),
    forWhom(order),
    order.purpose ? tNodes("credits.review_purpose", { purpose: el("strong", {}, datum(order.purpose)) }) : t("credits.review_no_purpose"),
    fromVault ? t("credits.review_vault", { amount: plain(carbon(fromVault)) }) : null,
    t("credits.review_final"),
  ];
  return transact({
    title: "credits.review_title",
    review: [el("ul.review", {}, points.filter(Boolean).map((point) => el("li", {}, point))), order.salt ? saltToKeep(order) : null],
    confirm: t("credits.confirm"),
    finished: "credits.retired_now",
    address,
    prepare: () => client.post("/v1/credits/retirements", order),
    shown: async (effects) => isShown(numberIn(effects)),
    done: (effects, dialog) => done(numberIn(effects), address, dialog),
    closed: after,
  });
}

function forWhom(order) {
  if (!order.name) return t("credits.review_nobody");
  const name = el("strong", {}, datum(order.name));
  return tNodes(order.salt ? "credits.review_sealed" : "credits.review_name", { name });
}

function saltToKeep({ name, salt }) {
  const text = JSON.stringify({ name, salt }, null, 2);
  const file = `data:application/json;charset=utf-8,${encodeURIComponent(text)}`;
  return el("p.salt.small", {}, t("credits.salt_why"), " ", el("a", { href: file, download: "heliograph-beneficiary.json" }, t("credits.salt_keep")));
}

function numberIn(effects) {
  const retired = effects.find(({ event }) => event === "Retired");
  return Number(retired.values.retirementId ?? retired.values.retirement_id);
}

async function isShown(number) {
  try {
    await client.get(`/v1/retirements/${number}`);
    return true;
  } catch (error) {
    if (error.status === 404) return false;
    throw error;
  }
}

function done(number, address, dialog) {
  const certificate = el("a.primary.wide-button", { href: `/certificates/${number}`, "data-certificate": String(number) },
    t("credits.open_certificate", { number: integer(number) }));
  return [el("p.done", {}, t("credits.done")), certificate, tokenOffer(number, address, dialog)];
}

// The certificate as a token in the beneficiary's wallet: another transaction, and nobody needs it for the certificate to hold.
function tokenOffer(number, address, dialog) {
  const button = el("button.link-button.small", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      const { then } = await lastTransaction(number);
      await sendAll(then, address, dialog);
      fill(button, t("credits.token_done"));
      dialog.quiet();
    } catch (error) {
      button.disabled = false;
      dialog.failed(wordsOf(error));
    }
  } }, t("credits.token_offer"));
  return button;
}

async function lastTransaction(number) {
  const { transaction } = await client.get(`/v1/retirements/${number}`);
  return client.get(`/v1/transactions/${transaction}`);
}
