// Charts with ECharts in SVG, each with a table of the same figures. They follow the theme and the width.
// Colour is never alone: attested is solid, waiting dashed and empty, disputed hatched on top. A real zero is a thin line, no data
// is dotted, not yet is absent.

import { chartFrame, figureTable } from "./chart_frame.js";
import { base, hourAxis, upwards } from "./chart_style.js";
import { el, fill } from "./elements.js";
import { clock, dayStart, plain, power, shown } from "./figures.js";
import { color } from "./theme.js";
import { t } from "./words.js";

export { barLegend, barsChart, hoursChart, periodChart } from "./bars_chart.js";

const HOUR_MS = 3_600_000;

/**
 * Power over a local day against the clear sky.
 * @param {Element} place filled with chart and table
 * @param {object} view PowerView of the API: {day, step_s, points: [{at, power_w|null}], clear_sky: [...]|null}
 * @param {object} options {offsetS: local time minus UTC [s], readout: element that says what is under the pointer}
 * @returns {{update: (view: object) => void}}
 */
export function powerChart(place, view, { offsetS = undefined, readout = null } = {}) {
  const frame = chartFrame(place, "power", t("charts.power_as_table"));
  let current = view;
  const hourOf = (at) => (Date.parse(at) - Date.parse(dayStart(current.day, offsetS))) / HOUR_MS;
  const say = (hour) => {
    if (readout === null) return;
    const near = hour === null ? null : nearest(current, hour, hourOf);
    fill(readout, near === null ? "" : readoutText(near, offsetS));
  };
  frame.ready.then(() => {
    const renderer = frame.chart()?.getZr();
    renderer?.on("mousemove", (event) => {
      const [hour] = frame.chart().convertFromPixel({ gridIndex: 0 }, [event.offsetX, event.offsetY]);
      say(hour >= 0 && hour <= 24 ? hour : null);
    });
    renderer?.on("globalout", () => say(null));
  });
  const show = (given) => {
    current = given;
    frame.show(() => powerOptions(given, hourOf), powerTable(given, offsetS), t("charts.power_table"));
  };
  show(view);
  return { details: frame.details, update: show };
}

function powerOptions(view, hourOf) {
  const points = view.points.map(({ at, power_w: w }) => [hourOf(at), w === null ? null : w / 1000]);
  const sky = (view.clear_sky ?? []).map(({ at, power_w: w }) => [hourOf(at), w === null ? null : w / 1000]);
  const last = points.findLast(([, kw]) => kw !== null);
  const stepH = view.step_s / 3600;
  return {
    ...base(),
    xAxis: hourAxis(),
    yAxis: upwards((kw) => String(kw)),
    axisPointer: {
      show: true, type: "line", label: { show: false }, triggerTooltip: false, snap: false,
      lineStyle: { color: color("edge"), width: 1 }, link: [{ xAxisIndex: "all" }],
    },
    series: [
      {
        type: "line", data: sky, silent: true, showSymbol: false, z: 3,
        lineStyle: { color: color("soft"), width: 1.25, type: [3, 4] },
      },
      {
        type: "line", data: points, silent: true, showSymbol: false, connectNulls: false, z: 2,
        lineStyle: { color: color("sun-line"), width: 1.75 }, areaStyle: { color: color("sun-fill"), opacity: 0.85 },
      },
      {
        type: "line", data: last ? [last] : [], silent: true, symbol: "circle", symbolSize: 8, showSymbol: true, z: 4,
        itemStyle: { color: color("sun-line"), borderColor: color("card"), borderWidth: 1.5 },
      },
      { type: "custom", silent: true, clip: true, z: 1, data: gaps(points, stepH), renderItem: drawGap },
    ],
  };
}

/** Spans without any data between the first and the last point: [from hour, to hour]. */
function gaps(points, stepH) {
  const found = [];
  let from = null;
  for (const [hour, kw] of points) {
    if (kw === null && from === null) from = hour;
    if (kw !== null && from !== null) {
      found.push([from, hour]);
      from = null;
    }
  }
  if (from !== null) found.push([from, points.at(-1)[0] + stepH]);
  return found;
}

/** No data: a dotted frame over the height of the chart, with the words where they fit. */
function drawGap(_, api) {
  const [left, top] = [api.coord([api.value(0), 0])[0], 10];
  const [right, bottom] = api.coord([api.value(1), 0]);
  const width = Math.max(right - left, 2);
  const frame = {
    type: "rect", shape: { x: left, y: top, width, height: bottom - top },
    style: { fill: "none", stroke: color("edge"), lineWidth: 1, lineDash: [1, 4] },
  };
  const label = {
    type: "text", x: left + width / 2, y: bottom - 12,
    style: { text: t("page.no_data"), fill: color("soft"), font: "11px sans-serif", textAlign: "center", textVerticalAlign: "middle" },
  };
  return { type: "group", children: width > 52 ? [frame, label] : [frame] };
}

function nearest(view, hour, hourOf) {
  let best = null;
  view.points.forEach((point, index) => {
    const away = Math.abs(hourOf(point.at) - hour);
    if (best === null || away < best.away) best = { away, at: point.at, w: point.power_w, sky: view.clear_sky?.[index] };
  });
  const sky = view.clear_sky?.reduce((a, b) => (Math.abs(hourOf(b.at) - hour) < Math.abs(hourOf(a.at) - hour) ? b : a));
  if (best === null || best.away > 0.5) return sky ? { at: sky.at, w: undefined, skyW: sky.power_w } : null;
  return { at: best.at, w: best.w, skyW: sky?.power_w };
}

function readoutText({ at, w, skyW }, offsetS) {
  const now = w === undefined ? t("page.not_yet") : w === null ? t("page.no_data") : plain(power(w));
  const sky = skyW === undefined || skyW === null ? "" : ` · ${t("charts.clear_sky_at", { power: plain(power(skyW)) })}`;
  return el("span", {}, el("span.soft", {}, `${clock(at, offsetS)} `), el("strong", {}, now), el("span.soft", {}, sky));
}

function powerTable(view, offsetS) {
  const full = (at) => Date.parse(at) % HOUR_MS === 0;
  const sky = new Map((view.clear_sky ?? []).map(({ at, power_w: w }) => [Date.parse(at), w]));
  const rows = view.points.filter(({ at }, index) => full(at) || index === view.points.length - 1).map(({ at, power_w: w }) => {
    const clear = sky.get(Date.parse(at));
    return [
      clock(at, offsetS),
      w === null ? t("page.no_data") : shown(power(w)),
      clear === undefined || clear === null ? "–" : shown(power(clear)),
    ];
  });
  return figureTable(t("charts.power_caption"), [t("charts.time"), t("charts.power"), t("charts.clear_sky")], rows);
}

/**
 * A small line without axes, for a table's row.
 * @param {Array<number|null>} points values in order; null is a gap
 * @param {number} slots how many there will be by the end of the day: what is not yet stays empty
 * @returns {Element}
 */
export function sparkline(points, slots = points.length) {
  const [width, height, most] = [92, 26, Math.max(1, ...points.map((point) => point ?? 0))];
  const runs = [[]];
  points.forEach((point, index) => {
    if (point === null) runs.push([]);
    else runs.at(-1).push(`${((index / Math.max(slots - 1, 1)) * width).toFixed(1)},${(height - 2 - (point / most) * (height - 4)).toFixed(1)}`);
  });
  const lines = runs.filter((run) => run.length > 1).map((run) => el("polyline", { points: run.join(" ") }));
  const ground = el("line", { x1: 0, x2: width, y1: height - 1, y2: height - 1 });
  return el("svg.sparkline", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true", focusable: "false" }, ground, lines);
}

