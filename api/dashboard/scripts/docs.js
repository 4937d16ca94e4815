// The description of the HTTP API, from /openapi.json: found by words, tried where it only reads.

import { get } from "./client.js";
import { el, fill } from "./elements.js";
import { operationPart } from "./docs_operation.js";
import { prose } from "./docs_prose.js";
import { mountPage, showProblem } from "./page.js";
import { language, t } from "./words.js";

const METHODS = ["get", "post", "put", "delete", "patch"];

await mountPage("docs");
try {
  show(await get("/openapi.json"));
} catch (error) {
  showProblem(error);
}

function show(api) {
  const intro = document.getElementById("intro");
  intro.hidden = !api.info.description;
  fill(intro, language() === "en" ? null : el("p.soft.small", {}, t("docs.english")), el("div", { lang: "en" }, prose(api.info.description ?? "")));
  const operations = [];
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((each) => each in item)) operations.push({ path, method, ...item[method] });
  }
  const home = document.getElementById("operations");
  const names = [...new Set([...(api.tags ?? []).map(({ name }) => name), ...operations.map(tagOf)])];
  const sections = names.map((name) => section(api, name, operations.filter((operation) => tagOf(operation) === name))).filter(Boolean);
  fill(home, sections.map(({ root }) => root));
  const all = sections.flatMap(({ parts }) => parts);
  const find = document.getElementById("find");
  const narrow = () => {
    const wanted = find.value.trim().toLowerCase();
    for (const { root, text } of all) root.hidden = !text.includes(wanted);
    for (const { root, parts } of sections) root.hidden = parts.every((part) => part.root.hidden);
    document.getElementById("found").textContent = t("docs.found", { n: all.filter(({ root }) => !root.hidden).length });
  };
  find.addEventListener("input", narrow);
  narrow();
  openNamed();
  window.addEventListener("hashchange", openNamed);
}

function tagOf(operation) {
  return operation.tags?.[0] ?? "";
}

function section(api, name, operations) {
  if (operations.length === 0) return null;
  const about = (api.tags ?? []).find((tag) => tag.name === name)?.description;
  const parts = operations.map((operation) => ({
    root: operationPart(api, operation),
    text: `${operation.method} ${operation.path} ${operation.operationId ?? ""} ${operation.summary ?? ""} ${operation.description ?? ""}`.toLowerCase(),
  }));
  const root = el("section.card", { lang: "en" },
    el("div.card-head", {}, el("h2.tag-name", {}, name), about ? el("p.soft.small", {}, about) : null),
    parts.map((part) => part.root));
  return { root, parts };
}

function openNamed() {
  const named = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  if (named instanceof HTMLDetailsElement) {
    named.open = true;
    named.scrollIntoView();
  }
}
