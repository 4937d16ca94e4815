// Tables whose rows become small cards on a phone, each figure beside its name; they stay tables for who listens to them.

import { el } from "./elements.js";

/**
 * Return a table.
 * @param {string} title id of its heading
 * @param {{text: string, right?: boolean}[]} columns headings; `right` for figures
 * @param {{cells: (Node|string|null)[], attributes?: object}[]} rows the first cell names the row
 */
export function tableOf(title, columns, rows) {
  const heads = columns.map(({ text, right }) => el(right ? "th.right" : "th", { scope: "col", role: "columnheader" }, text));
  const body = rows.map(({ cells, attributes = {} }) => el("tr", { role: "row", ...attributes }, cells.map((cell, i) => cellOf(cell, i, columns[i]))));
  return el("div.table-frame", { tabindex: "0", role: "group", "aria-labelledby": title },
    el("table.stacking", { role: "table", "aria-labelledby": title },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads)),
      el("tbody", { role: "rowgroup" }, body)));
}

function cellOf(cell, place, { text, right }) {
  if (place === 0) return el("th", { scope: "row", role: "rowheader" }, cell);
  return el(right ? "td.right" : "td", { role: "cell", "data-label": text }, el("span", {}, cell));
}
