// Bars of energy by hour or day: attested solid, waiting dashed and empty, disputed hatched on top. One of them can be chosen, by
// pointer, finger or keyboard: a range input lies over the drawing, so that all three come from the browser.

import { chartFrame, figureTable } from "./chart_frame.js";
import { base, upwards } from "./chart_style.js";
import { el } from "./elements.js";
import { clock, day, dayStart, kilowattHours, plain, shown } from "./figures.js";
import { color } from "./theme.js";
import { t } from "./words.js";

const HOUR_MS = 3_600_000;
const GAP = 2;
const WIDEST = 34;

/**
 * Every watt-hour of a local day by hour.
 * @param {Element} place filled with chart and table
 * @param {object} view PowerView of the API: {day, hours: [{start, end, attested_wh|null, withheld_wh, disputed_wh, reasons}]}
 * @param {object} options {offsetS: local time minus UTC [s], opened: (hour|null, label) => void, told the hour that was chosen; null
 *     is one that no report has reached yet}
 * @returns {{update: (view: object) => void}}
 */
export function hoursChart(place, view, { offsetS = undefined, opened = () => {} } = {}) {
  const slotsOf = ({ day: date, hours }) => {
    const start = Date.parse(dayStart(date, offsetS));
    const byHour = new Map(hours.map((hour) => [Math.floor((Date.parse(hour.start) - start) / HOUR_MS), hour]));
    return Array.from({ length: 24 }, (_, hour) => {
      const [from, to] = [start + hour * HOUR_MS, start + (hour + 1) * HOUR_MS];
      return {
        tick: String(hour).padStart(2, "0"),
        label: `${clock(from, offsetS)}–${hour === 23 ? "24:00" : clock(to, offsetS)}`,
        item: byHour.get(hour) ?? null,
      };
    });
  };
  const chart = barsChart(place, slotsOf(view), {
    every: 4, opened, picks: t("charts.hour_of_day"), caption: t("charts.hours_caption"), first: t("charts.hour"), edge: "24",
  });
  return { details: chart.details, update: (given) => chart.update(slotsOf(given)) };
}

/**
 * The same by day (or any other period).
 * @param {Element} place filled with chart and table
 * @param {object[]} bars ProductionViews in order: {start, end, attested_wh, withheld_wh, disputed_wh}
 * @param {object} options {offsetS, opened: (bar|null, label) => void, label: (bar) => string}
 */
export function periodChart(place, bars, { offsetS = undefined, opened = () => {}, label = (bar) => day(bar.start, offsetS) } = {}) {
  const slotsOf = (given) => given.map((bar) => ({ tick: tickOf(bar, offsetS), label: label(bar), item: bar }));
  const chart = barsChart(place, slotsOf(bars), {
    every: Math.ceil(bars.length / 10), opened, picks: t("charts.day"), caption: t("charts.days_caption"), first: t("charts.day"),
  });
  return { details: chart.details, update: (given) => chart.update(slotsOf(given)) };
}

function tickOf(bar, offsetS) {
  return String(new Date(Date.parse(bar.start) + (offsetS ?? 28800) * 1000).getUTCDate());
}

/** Bars over any slots: {tick, label, item|null}. See hoursChart. */
export function barsChart(place, slots, { every, opened, picks, caption, first, edge = null }) {
  const frame = chartFrame(place, "bars", t("charts.energy_as_table"));
  let current = slots;
  let chosen = -1;
  const picker = el("input.bar-picker", { type: "range", min: 0, max: slots.length - 1, step: 1, "aria-label": picks });
  const size = () => picker.style.setProperty("--slots", current.length);
  const choose = () => {
    chosen = Number(picker.value);
    picker.setAttribute("aria-valuetext", spoken(current[chosen]));
    opened(current[chosen].item, current[chosen].label);
    draw();
  };
  const draw = () => frame.show(
    () => barOptions(current, chosen, every, edge), barTable(current, caption, first), caption,
  );
  picker.addEventListener("input", choose);
  picker.addEventListener("click", () => { if (Number(picker.value) !== chosen) choose(); });
  picker.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") choose(); });
  picker.value = String(lastWithItem(slots));
  picker.setAttribute("aria-valuetext", spoken(slots[Number(picker.value)] ?? { label: "", item: null }));
  size();
  frame.drawing.append(picker);
  draw();
  return {
    details: frame.details,
    update(given) {
      current = given;
      picker.max = String(given.length - 1);
      size();
      draw();
      if (chosen >= 0) opened(current[chosen].item, current[chosen].label);
    },
  };
}

function lastWithItem(slots) {
  return Math.max(0, slots.findLastIndex((slot) => slot.item !== null));
}

function spoken({ label, item }) {
  if (item === null) return `${label}: ${t("page.not_yet")}`;
  if (item.attested_wh === null) return `${label}: ${t("page.no_data")}`;
  const parts = [[t("charts.attested"), item.attested_wh], [t("charts.waits"), item.withheld_wh], [t("charts.disputed"), item.disputed_wh]];
  return `${label}: ${parts.filter(([, wh], index) => index === 0 || wh > 0).map(([word, wh]) => `${word} ${plain(kilowattHours(wh))}`).join(", ")}`;
}

function barOptions(slots, chosen, every, edge) {
  const rows = slots.map(({ item }, index) => [
    index, item?.attested_wh ?? 0, item?.withheld_wh ?? 0, item?.disputed_wh ?? 0,
    item === null ? 2 : item.attested_wh === null ? 1 : 0, index === chosen ? 1 : 0,
  ]);
  const most = Math.max(1000, ...rows.map(([, attested, withheld, disputed]) => Math.max(0, attested) + withheld + disputed));
  return {
    ...base({ top: 12 }),
    xAxis: {
      type: "value", min: 0, max: slots.length, interval: every,
      axisLabel: {
        color: color("soft"), fontSize: 11.5, align: edge === null ? "left" : "center",
        formatter: (index) => slots[index]?.tick ?? edge ?? "",
      },
      axisLine: { show: true, lineStyle: { color: color("line") } }, axisTick: { show: false }, splitLine: { show: false },
    },
    yAxis: upwards((wh) => String(wh / 1000), niceAbove(most) / 2, niceAbove(most)),
    series: [{ type: "custom", silent: true, data: rows, encode: { x: 0, y: 1 }, renderItem: drawBar }],
  };
}

function niceAbove(most) {
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * unit).find((top) => top >= most);
}

function drawBar(_, api) {
  const [index, attested, withheld, disputed, kind, chosen] = [0, 1, 2, 3, 4, 5].map((dimension) => api.value(dimension));
  const [left, ground] = api.coord([index, 0]);
  const width = api.size([1, 0])[0];
  const children = [];
  if (chosen) {
    children.push({ type: "rect", shape: { x: left, y: 4, width, height: ground - 4, r: 3 }, style: { fill: color("line"), opacity: 0.7 } });
  }
  const inset = Math.max(1, width * 0.07, (width - WIDEST) / 2);
  const [x, barWidth] = [left + inset, width - 2 * inset];
  if (kind === 1) {
    children.push({
      type: "line", shape: { x1: x, x2: x + barWidth, y1: ground - 4, y2: ground - 4 },
      style: { stroke: color("edge"), lineWidth: 2, lineDash: [2, 3.5] },
    });
  } else if (kind === 0) {
    children.push(...segments(api, { attested: Math.max(0, attested), withheld, disputed }, x, barWidth, ground));
  }
  return { type: "group", children };
}

function segments(api, wh, x, width, ground) {
  if (wh.attested + wh.withheld + wh.disputed === 0) {
    return [{ type: "rect", shape: { x, y: ground - 1, width, height: 1 }, style: { fill: color("attested"), opacity: 0.6 } }];
  }
  const made = [];
  let foot = ground;
  for (const standing of ["attested", "withheld", "disputed"]) {
    if (wh[standing] <= 0) continue;
    const height = Math.max(3, api.size([0, wh[standing]])[1] - GAP);
    const shape = { x, y: foot - height, width, height, r: 2 };
    made.push(...DRAWN[standing](shape));
    foot -= height + GAP;
  }
  return made;
}

const DRAWN = {
  attested: (shape) => [{ type: "rect", shape, style: { fill: color("attested") } }],
  withheld: ({ x, y, width, height }) => [{
    type: "rect", shape: { x: x + 0.75, y: y + 0.75, width: width - 1.5, height: Math.max(height - 1.5, 1.5), r: 2 },
    style: { fill: "none", stroke: color("waits"), lineWidth: 1.5, lineDash: [3, 2.5] },
  }],
  disputed: (shape) => [{ type: "rect", shape, style: { fill: color("disputed") } }, ...hatch(shape)],
};

/** Slanting lines, so that disputed is not told by its red alone. */
function hatch({ x, y, width, height }) {
  const lines = [];
  for (let at = x - height + 4; at < x + width; at += 6) {
    const [from, to] = [Math.max(at, x), Math.min(at + height, x + width)];
    if (to - from < 1) continue;
    lines.push({
      type: "line", shape: { x1: from, y1: y + height - (from - at), x2: to, y2: y + height - (to - at) },
      style: { stroke: color("card"), lineWidth: 1 },
    });
  }
  return lines;
}

function barTable(slots, caption, first) {
  const cell = (wh) => shown(kilowattHours(wh));
  const rows = slots.map(({ label, item }) => {
    if (item === null) return [label, el("span.soft", {}, t("page.not_yet")), "", ""];
    if (item.attested_wh === null) return [label, el("span.soft", {}, t("page.no_data")), "", ""];
    return [label, cell(item.attested_wh), cell(item.withheld_wh), cell(item.disputed_wh)];
  });
  return figureTable(caption, [first, t("charts.attested"), t("charts.waits"), t("charts.disputed")], rows);
}

/** The legend of the bars; "no data" stands in it only where there is some. */
export function barLegend({ noData = false } = {}) {
  const entry = (kind, word) => el(`span.key.key-${kind}`, {}, t(word));
  return el("p.legend", {}, entry("attested", "charts.attested"), entry("withheld", "charts.waits"), entry("disputed", "charts.disputed"),
    noData ? entry("absent", "page.no_data") : null);
}

