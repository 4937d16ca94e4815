// The words of the page in its language. Every visible string is a key here; what has no words shows its key.

const SHARED = ["page", "strip", "charts", "reasons", "wallet"];
const texts = new Map();
let plurals = new Intl.PluralRules("en");

/** The language of the page: "en", "zh-Hant" or "zh-Hans". The server chose it, by cookie or by what the browser accepts. */
export function language() {
  return document.documentElement.lang || "en";
}

/**
 * Load the words of pages; those that every page needs come with them. Call it before t(); mountPage does.
 * @param {...string} pages names of word files: words/<page>.<language>.json
 */
export async function loadWords(...pages) {
  plurals = new Intl.PluralRules(language());
  const names = [...new Set([...SHARED, ...pages])];
  await Promise.all(names.map(async (name) => {
    const answer = await fetch(new URL(`../words/${name}.${language()}.json`, import.meta.url));
    if (answer.ok) for (const [key, text] of Object.entries(await answer.json())) texts.set(key, text);
  }));
}

/** Whether there are words for `key`: for codes that a newer server may send. */
export function hasWords(key) {
  return texts.has(key);
}

/**
 * Return the text for a key.
 * @param {string} key "portfolio.title"
 * @param {object} values what stands in {braces}; `n` also chooses the plural form
 */
export function t(key, values = {}) {
  let text = texts.get(key) ?? key;
  if (typeof text !== "string") text = text[plurals.select(Number(values.n))] ?? text.other;
  return text.replace(/\{([a-z_]+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * Return the text for a key as nodes, so that elements can stand in its {braces}: figures with soft units, links.
 * @param {string} key as for t
 * @param {object} values strings or nodes
 */
export function tNodes(key, values = {}) {
  let text = texts.get(key) ?? key;
  if (typeof text !== "string") text = text[plurals.select(Number(values.n))] ?? text.other;
  return text.split(/(\{[a-z_]+\})/).filter((part) => part !== "").map((part) => {
    const name = /^\{([a-z_]+)\}$/.exec(part)?.[1];
    if (name === undefined || !(name in values)) return document.createTextNode(part);
    return values[name] instanceof Node ? values[name] : document.createTextNode(String(values[name]));
  });
}

/** Fill every element below `root` that is marked with data-t (its text) or data-t-label (its accessible name). */
export function applyWords(root = document) {
  for (const place of root.querySelectorAll("[data-t]")) place.textContent = t(place.dataset.t);
  for (const place of root.querySelectorAll("[data-t-label]")) place.setAttribute("aria-label", t(place.dataset.tLabel));
}

/** Ask for the page in another language: the choice is kept in a cookie, so that the server sends the words with the page. */
export function chooseLanguage(chosen) {
  document.cookie = `heliograph_language=${chosen}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
}
