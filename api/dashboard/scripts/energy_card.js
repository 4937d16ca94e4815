// Power of a day over the energy of its hours, one above the other on the same hours, and what is said about a chosen hour.

import { hourPanel } from "./account_panel.js";
import { barLegend, hoursChart, powerChart } from "./charts.js";
import { el, fill } from "./elements.js";
import { t } from "./words.js";

/**
 * Fill a card with a day.
 * @param {Element} place the card
 * @param {object} view PowerView
 * @param {object} options {offsetS: local time minus UTC [s], assets: () => AssetView[] whose day it is, title: its heading,
 *     end: what stands at the right of the heading}
 * @returns {{update: (view: object, title?: string) => void}}
 */
export function energyCard(place, view, { offsetS, assets, title, end = null }) {
  const heading = el("h2", {}, title);
  const readout = el("p.chart-readout.end", { "aria-hidden": "true" });
  const [powerPlace, hoursPlace, legend] = [el("div"), el("div"), el("div")];
  const panel = hourPanel(assets, offsetS);
  const tables = el("div.chart-tables");
  fill(
    place,
    el("div.card-head", {}, heading, el("p.legend", {}, el("span.key.key-power", {}, t("charts.power_key")),
      el("span.key.key-sky", {}, t("charts.sky_key"))), readout, end),
    powerPlace,
    el("div.card-head.second-head", {}, el("h2", {}, t("charts.accounted")), el("p.soft.small", {}, t("charts.per_hour")), el("div.end", {}, legend)),
    hoursPlace,
    panel.root,
    tables,
  );
  const drawn = {
    power: powerChart(powerPlace, view, { offsetS, readout }),
    hours: hoursChart(hoursPlace, view, { offsetS, opened: panel.show }),
  };
  fill(tables, drawn.power.details, drawn.hours.details); // both side by side, under what they show
  const showLegend = (given) => fill(legend, barLegend({ noData: given.hours.some((hour) => hour.attested_wh === null) }));
  showLegend(view);
  return {
    update(given, said = title) {
      heading.textContent = said;
      drawn.power.update(given);
      drawn.hours.update(given);
      showLegend(given);
    },
    forget: panel.clear,
  };
}
