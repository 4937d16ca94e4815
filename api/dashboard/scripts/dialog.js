// A dialog that stays until it is closed: a title, a body, and one line that says how it goes.

import { el, fill } from "./elements.js";
import { t } from "./words.js";

/**
 * Open a dialog.
 * @param {string} title key of its title
 * @param {() => void} closed called once it is closed
 * @returns {Promise<{body: Element, says: Element, busy: (text: string) => void, failed: (text: string) => void, quiet: () => void, title: (key: string) => void,
 *     close: () => void}>} what to fill: `body`, and `says` to be placed in it
 */
export async function openDialog(title, closed = () => {}) {
  await style();
  const body = el("div.dialog-body");
  const says = el("p.dialog-says", { role: "status" });
  const close = el("button.dialog-close", { type: "button", "aria-label": t("wallet.close"), onclick: () => dialog.close() }, "×");
  const heading = el("h2", { id: "dialog-title" }, t(title));
  const dialog = el("dialog", { "aria-labelledby": "dialog-title" }, el("div.dialog-head", {}, heading, close), body);
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
  const say = (state, text) => {
    says.dataset.state = state;
    fill(says, text);
  };
  return {
    body,
    says,
    title: (key) => fill(heading, t(key)),
    busy: (text) => say("busy", text),
    failed: (text) => say("failed", text),
    quiet: () => say("", ""),
    close: () => dialog.close(),
  };
}

let loaded = null;

function style() {
  loaded ??= new Promise((resolve) => {
    const sheet = el("link", { rel: "stylesheet", href: new URL("../styles/dialog.css", import.meta.url).href });
    sheet.addEventListener("load", resolve);
    sheet.addEventListener("error", resolve);
    document.head.append(sheet);
  });
  return loaded;
}
