// How charts look: axes, grid and type from the tokens of the theme.

import { color } from "./theme.js";

const FAMILY = () => getComputedStyle(document.body).fontFamily;

/** Where the drawing area begins, equal in all charts so that those under one another line up. */
export const GRID = { left: 44, right: 14 };

/** What all charts have in common. */
export function base({ top = 10, bottom = 24 } = {}) {
  return {
    animation: false,
    textStyle: { fontFamily: FAMILY(), fontSize: 11.5, color: color("soft") },
    grid: { ...GRID, top, bottom },
  };
}

/** The hours of a day along the bottom: 00, 04 … 24. */
export function hourAxis() {
  return {
    type: "value", min: 0, max: 24, interval: 4,
    axisLabel: { color: color("soft"), fontSize: 11.5, formatter: (hour) => String(hour).padStart(2, "0") },
    axisLine: { show: true, lineStyle: { color: color("line") } },
    axisTick: { show: false },
    splitLine: { show: false },
  };
}

/** A quantity upwards from zero, with few quiet lines. */
export function upwards(formatter, interval, max) {
  return {
    type: "value", min: 0, max, interval, splitNumber: 4,
    axisLabel: { color: color("soft"), fontSize: 11.5, formatter },
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: color("line") } },
  };
}
