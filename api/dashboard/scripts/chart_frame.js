// What every chart stands in: a drawing by ECharts that follows width and theme, and a table of the same figures.

import { el, fill } from "./elements.js";
import { onTheme } from "./theme.js";
import { t } from "./words.js";

let library = null;

/** ECharts, loaded once; null where the installation was made without it: then the tables stand alone. */
function echarts() {
  library ??= import("../vendor/echarts.js").catch(() => null);
  return library;
}

/**
 * Put an empty chart into `place`.
 * @param {Element} place filled anew
 * @param {string} kind class of the drawing, which sets its height: "power", "bars"
 * @param {string} tableName what opens the table
 * @returns {{root: Element, drawing: Element, details: Element, show: (options: () => object, table: Element, label: string) => void,
 *   chart: () => object|null}} `show` draws: options are made anew when the theme changes
 */
export function chartFrame(place, kind, tableName) {
  const canvas = el("div.chart-canvas", { "aria-hidden": "true" });
  const drawing = el(`div.chart-drawing.chart-${kind}`, {}, canvas);
  const tableHome = el("div.table-frame", { tabindex: "0", role: "region" });
  const details = el("details.chart-table", {}, el("summary", {}, tableName), tableHome);
  const root = el("div.chart", {}, drawing, details);
  fill(place, root);
  let chart = null;
  let options = null;
  const draw = () => {
    if (chart !== null && options !== null) chart.setOption(options(), { notMerge: true });
  };
  const ready = echarts().then((module) => {
    if (module === null) {
      drawing.remove();
      details.open = true;
      root.prepend(el("p.empty", {}, t("charts.missing")));
      return;
    }
    chart = module.init(canvas, null, { renderer: "svg" });
    new ResizeObserver(() => chart.resize({ animation: { duration: 0 } })).observe(canvas);
    onTheme(draw);
    draw();
  });
  const show = (made, table, label) => {
    options = made;
    tableHome.setAttribute("aria-label", label);
    fill(tableHome, table);
    draw();
  };
  return { root, drawing, details, show, ready, chart: () => chart };
}

/**
 * Return a table.
 * @param {string} caption what it shows
 * @param {string[]} heads of the columns; all but the first are figures and stand at the right
 * @param {Array<Array<Node|string>>} rows the first of each is its head
 */
export function figureTable(caption, heads, rows) {
  const head = heads.map((text, column) => el(column ? "th.right" : "th", { scope: "col" }, text));
  const body = rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), rest.map((cell) => el("td.right", {}, cell))));
  return el("table.dense", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, head)), el("tbody", {}, body));
}
