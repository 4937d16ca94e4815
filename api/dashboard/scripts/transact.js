// One thing an owner does on chain, from review to done: in plain words first, then in the wallet, then until this server shows it.

import * as client from "./client.js";
import { openDialog } from "./dialog.js";
import { el, fill, shortened } from "./elements.js";
import { carbon, money, plain, plantName } from "./figures.js";
import { projectName } from "./names.js";
import { hasWords, t } from "./words.js";
import { send, walletOf, wordsOf } from "./wallet.js";

const ASK_MS = 700;
const PATIENCE_MS = 180_000;

/**
 * Open the dialog for one intent.
 * @param {object} intent
 * @param {string} intent.title key of the dialog's title
 * @param {Node[]} intent.review what will happen, in words, before any wallet is asked
 * @param {string} intent.confirm text of the button
 * @param {string} intent.address account that sends
 * @param {() => Promise<{steps: object[]}>} intent.prepare asks the API for the transactions
 * @param {(effects: object[]) => Promise<boolean>} intent.shown whether this server shows the result
 * @param {string} intent.finished key of the title once it is done
 * @param {(effects: object[], dialog: object) => (Node|null)[]} intent.done what to show at the end
 * @param {() => void} intent.closed called when the dialog is closed
 */
export async function transact(intent) {
  const dialog = await openDialog(intent.title, intent.closed);
  const confirm = el("button.primary.wide-button", { type: "button", "data-confirm": "" }, intent.confirm);
  confirm.addEventListener("click", () => void carryOut(intent, dialog, confirm));
  fill(dialog.body, intent.review, confirm, el("p.small.soft", {}, t("wallet.you_decide")), dialog.says);
  confirm.focus();
}

async function carryOut(intent, dialog, confirm) {
  confirm.disabled = true;
  dialog.busy(t("wallet.preparing"));
  try {
    const { steps } = await intent.prepare();
    const effects = await sendAll(steps, intent.address, dialog);
    dialog.busy(t("wallet.showing"));
    await until(() => intent.shown(effects));
    client.forget();
    dialog.title(intent.finished);
    fill(dialog.body, intent.done(effects, dialog), dialog.says);
    dialog.quiet();
    dialog.body.querySelector("a, button")?.focus();
  } catch (error) {
    dialog.failed(wordsOf(error));
    confirm.disabled = false;
    if (!dialog.body.contains(dialog.says)) dialog.body.append(dialog.says);
  }
}

/**
 * Send prepared transactions one after the other, each when the one before is in a block.
 * @returns {Promise<object[]>} what they did: {contract, event, values}
 */
export async function sendAll(steps, address, dialog) {
  const wallet = await walletOf(address);
  const list = el("ol.progress", {}, steps.map((step) => el("li", { "data-state": "next" }, saysOf(step))));
  dialog.body.querySelector(".progress")?.remove();
  dialog.says.before(list);
  const effects = [];
  for (const [place, step] of steps.entries()) {
    const item = list.children[place];
    try {
      item.dataset.state = "asking";
      dialog.busy(t("wallet.confirm_there"));
      const hash = await send(wallet, step, address);
      item.dataset.state = "sent";
      item.append(" ", el("span.small.soft", {}, shortened(hash)));
      dialog.busy(t("wallet.on_its_way"));
      effects.push(...(await settled(hash)).effects);
      item.dataset.state = "done";
    } catch (error) {
      item.dataset.state = "failed";
      throw error;
    }
  }
  return effects;
}

/** What a prepared step does, in words; its function where this page is older than the server. */
function saysOf({ says, function: called }) {
  const key = `wallet.says_${says.key}`;
  if (!hasWords(key)) return called;
  return t(key, Object.fromEntries(Object.entries(says.values).map(([name, given]) => [name, READABLE[name]?.(given) ?? given])));
}

const READABLE = {
  grams: (grams) => plain(carbon(grams)),
  minor: (minor) => plain(money(minor)),
  asset_id: (id) => plantName({ asset_id: id }),
  project_id: projectName,
};

async function settled(hash) {
  let found = null;
  await until(async () => {
    found = await client.get(`/v1/transactions/${hash}`);
    return found.state === "done" || found.state === "refused";
  });
  if (found.state === "refused") throw new client.Problem(409, { detail: found.detail });
  return found;
}

async function until(holds) {
  const end = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new client.Problem(504, { detail: t("wallet.too_long") });
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  }
}
