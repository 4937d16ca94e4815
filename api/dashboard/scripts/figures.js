// Figures as people read them. All come in as whole base units (Wh, W, g, millionths of a dollar, ms); what is shown is rounded
// toward zero, so that no page shows more than there is. The exact figure is the title.

import { el } from "./elements.js";
import { language, t } from "./words.js";

const THIN = "\u202f"; // narrow no-break space between thousands
const ROOMY = "\u2009"; // thin space, a little wider, but lines may break at it: only where they cannot
const MINUS = "\u2212";

/**
 * A quantity ready to be shown: `figure` is text with thin-space thousands, `unit` its unit, `exact` the whole figure.
 * @typedef {{figure: string, unit: string, exact: string, before?: boolean}} Quantity
 */

/** Return a whole number with thin-space thousands. Accepts a number, a bigint or a decimal string. */
export function integer(whole) {
  const text = String(whole);
  const digits = text.replace(/^-/, "").replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
  return text.startsWith("-") ? MINUS + digits : digits;
}

/**
 * Return whole / 10^shift with `decimals` decimals, rounded toward zero, by whole numbers alone.
 * @param {number|string|bigint} whole the base units
 * @param {number} shift how many decimal places the unit is above the base unit
 * @param {number} decimals how many decimals are shown
 */
export function scaledDown(whole, shift, decimals) {
  const negative = BigInt(whole) < 0n;
  const cut = (negative ? -BigInt(whole) : BigInt(whole)) / 10n ** BigInt(shift - decimals);
  const unit = 10n ** BigInt(decimals);
  const fraction = decimals ? `.${String(cut % unit).padStart(decimals, "0")}` : "";
  return `${negative && cut > 0n ? MINUS : ""}${integer(cut / unit)}${fraction}`;
}

function magnitude(whole) {
  return String(whole).replace(/^-/, "").length;
}

/** Energy from Wh: Wh below 1 kWh, kWh with one decimal, MWh with three from 100 MWh on. */
export function energy(wh) {
  const exact = `${integer(wh)}${THIN}Wh`;
  if (magnitude(wh) <= 3) return { figure: integer(wh), unit: "Wh", exact };
  if (magnitude(wh) <= 8) return { figure: scaledDown(wh, 3, 1), unit: "kWh", exact };
  return { figure: scaledDown(wh, 6, 3), unit: "MWh", exact };
}

/** Energy from Wh, always in kWh with one decimal: for columns. */
export function kilowattHours(wh) {
  return { figure: scaledDown(wh, 3, 1), unit: "kWh", exact: `${integer(wh)}${THIN}Wh` };
}

/** Power from W, always in kW with one decimal. */
export function power(w) {
  return { figure: scaledDown(Math.trunc(w), 3, 1), unit: "kW", exact: `${integer(Math.trunc(w))}${THIN}W` };
}

/** Size of a plant from W: kWp with as few decimals as it needs. */
export function nameplate(w) {
  const decimals = w % 1000 === 0 ? 0 : 1;
  return { figure: scaledDown(w, 3, decimals), unit: "kWp", exact: `${integer(w)}${THIN}W` };
}

/** Mass of CO2e from g: g below 1 kg, kg with one decimal, t with three from 1 t on. */
export function carbon(grams) {
  const exact = `${integer(grams)}${THIN}g`;
  if (magnitude(grams) <= 3) return { figure: integer(grams), unit: "g CO₂e", exact };
  if (magnitude(grams) <= 6) return { figure: scaledDown(grams, 3, 1), unit: "kg CO₂e", exact };
  return { figure: scaledDown(grams, 6, 3), unit: "t CO₂e", exact };
}

/** Mass of CO2e from g, in t to the gram: for certificates. */
export function tonnes(grams) {
  return { figure: scaledDown(grams, 6, 6), unit: "t CO₂e", exact: `${integer(grams)}${THIN}g` };
}

/** Money from millionths of a Hong Kong dollar: cents, rounded down. The unit stands before the figure. */
export function money(minor) {
  return { figure: scaledDown(minor, 6, 2), unit: "HK$", exact: `HK$${THIN}${scaledDown(minor, 6, 6)}`, before: true };
}

/** A quantity as plain text, for sentences and labels. */
export function plain(quantity) {
  return quantity.before ? `${quantity.unit}${THIN}${quantity.figure}` : `${quantity.figure}${THIN}${quantity.unit}`;
}

/** Text with the wider thin space between thousands; for elements of the class "figure" and others that do not wrap. */
export function roomy(text) {
  return text.replaceAll(THIN, ROOMY);
}

/** A quantity as an element: the figure, and its unit small and soft beside it. The title is the exact figure. */
export function shown(quantity, attributes = {}) {
  const unit = el("span.unit", {}, quantity.unit);
  const figure = el("span.number", {}, roomy(quantity.figure));
  const parts = quantity.before ? [unit, ROOMY, figure] : [figure, ROOMY, unit];
  return el("span.figure", { title: quantity.exact, ...attributes }, ...parts);
}

// Instants. An asset's own local time is UTC plus a fixed offset the whole year; without one Hong Kong's holds.

const DEFAULT_OFFSET_S = 8 * 3600;

function inOffset(instant, offsetS, options) {
  const shifted = new Date(new Date(instant).getTime() + (offsetS ?? DEFAULT_OFFSET_S) * 1000);
  return new Intl.DateTimeFormat(LOCALES[language()] ?? "en-GB", { timeZone: "UTC", ...options }).format(shifted);
}

const LOCALES = { en: "en-GB", "zh-Hant": "zh-Hant-HK", "zh-Hans": "zh-Hans-CN" };

/** "14:30" at the asset's offset. */
export function clock(instant, offsetS) {
  return inOffset(instant, offsetS, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** "22 November 2026", "2026年11月22日". */
export function day(instant, offsetS) {
  return inOffset(instant, offsetS, { day: "numeric", month: "long", year: "numeric" });
}

/** "22 Nov, 14:30": an instant within reach. */
export function moment(instant, offsetS) {
  return inOffset(instant, offsetS, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** "November 2026" of a month written 202611. */
export function month(yyyymm) {
  const first = new Date(Date.UTC(Math.trunc(yyyymm / 100), (yyyymm % 100) - 1, 1));
  return inOffset(first, 0, { month: "long", year: "numeric" });
}

/** The calendar day of an instant at the offset, as "2026-11-22": for addresses and inputs. */
export function isoDay(instant, offsetS) {
  return new Date(new Date(instant).getTime() + (offsetS ?? DEFAULT_OFFSET_S) * 1000).toISOString().slice(0, 10);
}

/** First instant of a calendar day at the offset, RFC 3339 in UTC. */
export function dayStart(iso, offsetS) {
  return new Date(Date.parse(`${iso}T00:00:00Z`) - (offsetS ?? DEFAULT_OFFSET_S) * 1000).toISOString();
}

/** How long ago: "4 s ago", "12 min ago", "3 h ago", then the instant. Null says that there was none. */
export function ago(instant, now, offsetS) {
  if (instant === null || instant === undefined) return t("page.never");
  const seconds = Math.floor((new Date(now).getTime() - new Date(instant).getTime()) / 1000);
  if (seconds < 2) return t("page.just_now");
  if (seconds < 100) return t("page.seconds_ago", { n: seconds });
  if (seconds < 6000) return t("page.minutes_ago", { n: Math.floor(seconds / 60) });
  if (seconds < 172800) return t("page.hours_ago", { n: Math.floor(seconds / 3600) });
  return moment(instant, offsetS);
}

/** A plant's name as people say it; its id, made readable, where the server knows none. */
export function plantName(asset) {
  if (asset.name) return asset.name;
  const words = asset.asset_id.replace(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
