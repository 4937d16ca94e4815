// What every page begins with: words, language, theme, session, strip, notices.
//
// A page is pages/<name>.html (what stands in <main>), scripts/<name>.js (a module that calls mountPage first),
// words/<name>.<language>.json (keys begin with "<name>.", "<name>.title" is the page's title) and, if it needs one,
// styles/<name>.css. Elements marked data-t="key" and data-t-label="key" come with their words from the server.

import * as client from "./client.js";
import { el, fill, shortened } from "./elements.js";
import { clock } from "./figures.js";
import { mountStrip } from "./strip.js";
import { onTheme, switchTheme, theme } from "./theme.js";
import { applyWords, chooseLanguage, language, loadWords, t } from "./words.js";

/**
 * Set a page up. Await it before anything else.
 * @param {string} name the page's name, for its words
 * @param {object} options
 * @param {string|null} options.asset narrow the strip to one asset
 * @param {object} options.strip options of mountStrip (load, links, heard); null leaves the strip out
 * @param {string[]} options.words further word files
 * @returns {Promise<{session: object|null, status: object|null, strip: {now: () => void}|null}>} who is signed in, and the strip
 */
export async function mountPage(name, { asset = null, strip = {}, words = [] } = {}) {
  await loadWords(name, ...words);
  applyWords();
  mountLanguages();
  mountTheme();
  let known = null;
  try {
    known = await client.session();
  } catch (error) {
    showProblem(error);
  }
  mountSession(known);
  document.addEventListener("heliograph:problem", (event) => showProblem(event.detail));
  const page = { session: known, status: null, strip: null };
  const place = document.getElementById("strip");
  if (strip === null) {
    place.closest(".strip-band").remove();
  } else {
    const heard = (status) => {
      page.status = status;
      clearProblem();
      showStale(status);
      strip.heard?.(status);
    };
    page.strip = mountStrip(place, { asset, ...strip, heard });
  }
  document.documentElement.dataset.ready = "";
  return page;
}

function mountLanguages() {
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language()));
    button.addEventListener("click", () => chooseLanguage(button.dataset.language));
  }
}

function mountTheme() {
  const button = document.getElementById("theme-switch");
  const show = () => button.setAttribute("aria-pressed", String(theme() === "dark"));
  button.addEventListener("click", switchTheme);
  onTheme(show);
  show();
}

/** Show who is signed in. Signing in and out is the wallet's: scripts/wallet.js, loaded when it is asked for. */
function mountSession(known) {
  const place = document.getElementById("session");
  if (known) {
    const who = known.address ? shortened(known.address) : t(`page.role_${known.role}`);
    const leave = el("button.quiet", { type: "button", onclick: async () => {
      await client.remove("/v1/sessions/current");
      location.reload();
    } }, t("page.sign_out"));
    fill(place, el("span.session-who", {}, who), leave);
  } else {
    fill(place, el("button.quiet", { type: "button", "data-sign-in": "", onclick: openSignIn }, t("page.sign_in")));
  }
}

/** Let the user choose a wallet and sign in; the page is loaded anew once that is done. For any "sign in" button. */
export async function openSignIn() {
  const wallet = await import("./wallet.js");
  await wallet.openSignIn();
}

/**
 * Show in `place` that this part needs a sign-in, with a button for it.
 * @param {Element} place filled anew
 * @param {string} why key of the sentence that says what is seen after signing in
 */
export function askToSignIn(place, why) {
  fill(place, el("div.invitation", {},
    el("p", {}, t(why)),
    el("button.primary", { type: "button", "data-sign-in": "", onclick: openSignIn }, t("page.sign_in_wallet")),
    document.documentElement.hasAttribute("data-demo") ? el("p.soft", {}, t("page.sign_in_demo")) : null));
}

/** Show an error on top of the page: what is wrong and what to do. */
export function showProblem(error) {
  const unreachable = error.status === 0;
  const text = unreachable ? t("page.unreachable") : error.status ? error.message : t("page.failed");
  if (!(error instanceof client.Problem)) console.error(error);
  place("problem", el("p.notice.notice-bad", {}, text));
}

/** Take the error away. */
export function clearProblem() {
  place("problem", null);
}

function showStale(status) {
  for (const [name, source] of Object.entries(status.sources ?? {})) {
    const since = source?.stale_since ?? null; // a node that is not watched has none
    place(name, since ? el("p.notice", {}, t(`page.stale_${name}`, { since: clock(since) })) : null);
  }
}

function place(key, notice) {
  const notices = document.getElementById("notices");
  const before = notices.querySelector(`[data-notice="${key}"]`);
  if (notice === null) {
    before?.remove();
    return;
  }
  notice.dataset.notice = key;
  if (before?.textContent === notice.textContent) return;
  if (before) before.replaceWith(notice);
  else notices.append(notice);
}
