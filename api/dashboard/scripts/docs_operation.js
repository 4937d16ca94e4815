// One operation of the API: what it takes, what it answers, and a form that tries it where it only reads.

import { el, fill } from "./elements.js";
import { inline, prose } from "./docs_prose.js";
import { t } from "./words.js";

const DEEPEST = 6;

/** Return an operation as a details element. */
export function operationPart(api, operation) {
  const { method, path, operationId: id } = operation;
  const home = el("div.operation-body");
  const root = el("details.operation", { id: id ?? `${method}${path}` },
    el("summary", {}, el(`span.method.method-${method}`, {}, method.toUpperCase()), el("code.path", {}, path), el("span.soft", {}, firstSentence(operation))),
    home);
  root.addEventListener("toggle", () => {
    if (root.open && !home.hasChildNodes()) fill(home, parts(api, operation));
  });
  return root;
}

/** What it does, in a sentence: the summary says no more than its name. */
function firstSentence({ description, summary }) {
  const [sentence] = (description ?? "").split(/(?<=\.)\s/);
  return inline(sentence || (summary ?? ""));
}

function isOpen({ security }) {
  return !security?.length || security.some((way) => Object.keys(way).length === 0);
}

function parts(api, operation) {
  const parameters = (operation.parameters ?? []).map((each) => resolved(api, each));
  return [
    operation.description ? prose(operation.description) : null,
    el("p.soft.small", {}, t(isOpen(operation) ? "docs.open" : "docs.needs")),
    parameters.length ? parameterTable(api, parameters) : null,
    operation.requestBody ? bodyPart(api, resolved(api, operation.requestBody)) : null,
    el("h3", {}, t("docs.answers")),
    Object.entries(operation.responses ?? {}).map(([status, answer]) => answerPart(api, status, resolved(api, answer))),
    operation.method === "get" ? tryPart(operation, parameters) : null,
  ];
}

function resolved(api, given) {
  if (!given?.$ref) return given;
  return given.$ref.replace(/^#\//, "").split("/").reduce((at, key) => at?.[key], api) ?? {};
}

/** The type of a schema in a few words. */
function typeOf(api, schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return [...new Set(options.map((each) => typeOf(api, each)))].join(" | ");
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `${typeOf(api, schema.items)}[]`;
  return schema.format ? `${schema.type} (${schema.format})` : String(schema.type ?? "");
}

function parameterTable(api, parameters) {
  const rows = parameters.map((each) => el("tr", {},
    el("th", { scope: "row" }, el("code", {}, each.name), each.required ? el("span.soft.small", {}, ` ${t("docs.required")}`) : null),
    el("td", {}, each.in),
    el("td", {}, el("code", {}, typeOf(api, each.schema))),
    el("td", {}, inline(each.description ?? each.schema?.description ?? ""))));
  const heads = ["name", "place", "type", "says"].map((key) => el("th", { scope: "col" }, t(`docs.${key}`)));
  return [el("h3", {}, t("docs.parameters")), framed(t("docs.parameters"), el("table.dense", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows)))];
}

function framed(label, content) {
  return el("div.table-frame", { tabindex: "0", role: "region", "aria-label": label }, content);
}

/** What is sent. */
export function bodyPart(api, body) {
  return [el("h3", {}, t("docs.body")), Object.entries(body.content ?? {}).map(([type, media]) => mediaPart(api, type, media))];
}

function answerPart(api, status, answer) {
  const media = Object.entries(answer.content ?? {});
  const head = el("p", {}, el("strong", {}, status), " ", inline(answer.description ?? ""));
  if (media.length === 0) return el("div.answer", {}, head);
  return el("details.more.answer", {}, el("summary", {}, head), media.map(([type, content]) => mediaPart(api, type, content)));
}

function mediaPart(api, type, media) {
  const given = media.example ?? Object.values(media.examples ?? {})[0]?.value;
  const example = given ?? exampleOf(api, media.schema ?? {}, 0);
  const text = typeof example === "string" ? example : JSON.stringify(example, null, 2);
  const fields = fieldsOf(api, media.schema ?? {});
  return el("div.media", {}, el("p.small.soft", {}, el("code", {}, type)),
    el("pre.command", { tabindex: "0", role: "region", "aria-label": t("docs.example") }, el("code", {}, text ?? "")),
    fields.length ? framed(t("docs.says"), fieldTable(api, fields)) : null);
}

/** Members with a description, of the schema itself or of the items of its list. */
function fieldsOf(api, schema) {
  const whole = resolved(api, schema);
  const items = whole.properties?.items ? resolved(api, resolved(api, whole.properties.items).items) : whole;
  return Object.entries(items?.properties ?? {});
}

function fieldTable(api, fields) {
  const rows = fields.map(([name, schema]) => el("tr", {},
    el("th", { scope: "row" }, el("code", {}, name)), el("td", {}, el("code", {}, typeOf(api, schema))), el("td", {}, inline(schema.description ?? ""))));
  const heads = ["name", "type", "says"].map((key) => el("th", { scope: "col" }, t(`docs.${key}`)));
  return el("table.dense", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows));
}

/** An example made of a schema: its own examples and defaults, else its types. */
function exampleOf(api, given, depth) {
  const schema = resolved(api, given);
  if (!schema || depth > DEEPEST) return null;
  if (schema.example !== undefined) return schema.example;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const options = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (options) return exampleOf(api, options[0], depth + 1);
  switch (schema.type) {
    case "object": return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, each]) => [name, exampleOf(api, each, depth + 1)]));
    case "array": return [exampleOf(api, schema.items, depth + 1)];
    case "integer": case "number": return schema.default ?? schema.minimum ?? 0;
    case "boolean": return schema.default ?? false;
    case "string": return schema.default ?? (schema.format === "date-time" ? "2026-11-21T04:00:00Z" : "…");
    default: return null;
  }
}

function tryPart(operation, parameters) {
  const inputs = parameters.filter(({ in: place }) => place === "path" || place === "query").map((each) => {
    const input = el("input", { type: "text", name: each.name, autocomplete: "off", spellcheck: "false", required: each.required });
    return { each, input, field: el("label.field", {}, el("span", {}, each.name), input) };
  });
  const home = el("div", { role: "status" });
  const form = el("form.try", { onsubmit: async (event) => {
    event.preventDefault();
    let path = operation.path;
    const query = new URLSearchParams();
    for (const { each, input } of inputs) {
      if (each.in === "path") path = path.replace(`{${each.name}}`, encodeURIComponent(input.value));
      else if (input.value !== "") query.append(each.name, input.value);
    }
    await tried(home, query.size ? `${path}?${query}` : path);
  } }, inputs.map(({ field }) => field), el("button.secondary", { type: "submit" }, t("docs.send")));
  return [el("h3", {}, t("docs.try")), form, home];
}

const MOST_SHOWN = 20_000;

async function tried(home, address) {
  const started = performance.now();
  const stop = new AbortController();
  const answer = await fetch(address, { signal: stop.signal, headers: { Accept: "application/json" } });
  const line = el("p.small", {}, t("docs.status_line", { status: answer.status, ms: Math.round(performance.now() - started) }), " ", el("code", {}, `GET ${address}`));
  if (answer.headers.get("content-type")?.startsWith("text/event-stream")) {
    stop.abort(); // it would never end
    return void fill(home, line);
  }
  const text = await answer.text();
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch { /* not JSON: as it is */ }
  fill(home, line, el("pre.command", { tabindex: "0", role: "region", "aria-label": t("docs.answer") }, el("code", {}, shown.slice(0, MOST_SHOWN))));
}
