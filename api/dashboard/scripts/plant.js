// One plant: its day against the clear sky, what is held back and why, its meters, what the registry says, its proof.

import { Problem, get, getAll, listen, repeatedly } from "./client.js";
import { datum, el, fill } from "./elements.js";
import { energyCard } from "./energy_card.js";
import { day, dayStart, isoDay, nameplate, plain, plantName } from "./figures.js";
import { narrowed } from "./narrowed.js";
import { askToSignIn, mountPage } from "./page.js";
import { accountsCard, daysCard, figuresCard, metersCard, registryCard } from "./plant_cards.js";
import { proofCard } from "./plant_proof.js";
import { t } from "./words.js";

const EVERY_MS = 10_000;
const SOON_MS = 400;
const DAYS_SHOWN = 30;
const DAY_MS = 86_400_000;

const assetId = decodeURIComponent(location.pathname.split("/")[2]);
const path = `/v1/assets/${encodeURIComponent(assetId)}`;
const page = await mountPage("plant", { asset: assetId, words: ["proof"], strip: narrowed([assetId]) });
const place = (id) => document.getElementById(id);

place("name").textContent = assetId;
if (page.session === null) absent((home) => askToSignIn(home, "plant.sign_in"));
else await follow();

function absent(show) {
  place("absent").hidden = false;
  show(place("absent"));
}

async function follow() {
  let asset;
  try {
    asset = await get(path);
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error;
    absent((home) => fill(home, el("p", {}, t("plant.not_yours")), el("p", {}, el("a", { href: "/" }, t("plant.back")))));
    return;
  }
  for (const part of document.querySelectorAll("[data-part]")) part.hidden = false;
  const chosen = dayChooser(asset);
  const cards = {
    figures: figuresCard(place("figures")),
    accounts: accountsCard(place("accounts"), asset),
    days: daysCard(place("days"), asset, chosen.go),
    meters: metersCard(place("meters")),
  };
  registryCard(place("registry"), asset);
  proofCard(place("proof"), asset, path, page.session.assets ?? []);
  let card = null;
  const refresh = repeatedly(async () => {
    asset = await get(path);
    showHead(asset);
    const now = page.status?.at ?? new Date().toISOString();
    cards.figures(asset);
    cards.meters(asset, now);
    chosen.reach(now);
    const [power, days, held] = await Promise.all([get(`${path}/power`, { day: chosen.day() }), lastDays(asset, now), heldBack(asset)]);
    const title = t("plant.power_of", { day: day(`${power.day}T00:00:00Z`, 0) });
    if (card === null || card.day !== power.day) {
      const made = energyCard(place("energy"), power, { offsetS: asset.utc_offset_s, assets: () => [asset], title, end: chosen.element });
      card = { made, day: power.day };
    } else {
      card.made.update(power, title);
    }
    cards.days(days);
    cards.accounts(held);
  }, EVERY_MS);
  chosen.changed = refresh.now;
  let soon = 0;
  listen({ asset_id: assetId }, () => {
    clearTimeout(soon);
    soon = setTimeout(() => { refresh.now(); page.strip?.now(); }, SOON_MS);
  });
  if (location.hash) place(location.hash.slice(1))?.scrollIntoView();
}

function showHead(asset) {
  place("name").textContent = plantName(asset);
  fill(place("about"), datum(asset.project_id), " · ", plain(nameplate(asset.nameplate_w)), " · ", t(`plant.status_${asset.status}`));
  document.title = `${plantName(asset)} · Heliograph`;
}

async function lastDays(asset, now) {
  const today = dayStart(isoDay(now, asset.utc_offset_s), asset.utc_offset_s);
  const from = new Date(Date.parse(today) - (DAYS_SHOWN - 1) * DAY_MS).toISOString();
  return getAll(`${path}/production`, { per: "day", from });
}

async function heldBack() {
  const of = (standing) => getAll(`${path}/accounts`, { standing });
  return (await Promise.all([of("withheld"), of("disputed")])).flat().map((account) => ({ ...account, asset_id: assetId }));
}

/** The day that is shown: today until another is chosen. */
function dayChooser(asset) {
  const offsetS = asset.utc_offset_s;
  const first = isoDay(asset.commissioned, offsetS);
  const input = el("input.day-input", { type: "date", "aria-label": t("plant.choose_day"), min: first });
  const step = (by, key) => el("button.quiet.day-step", { type: "button", "aria-label": t(key), onclick: () => {
    go(isoDay(Date.parse(`${shown()}T00:00:00Z`) + by * DAY_MS, 0));
  } }, by < 0 ? "‹" : "›");
  const [back, forth] = [step(-1, "plant.day_before"), step(1, "plant.day_after")];
  let latest = null;
  let picked = null;
  const shown = () => picked ?? latest;
  const show = () => {
    input.value = shown() ?? "";
    input.max = latest ?? "";
    forth.disabled = shown() === latest;
    back.disabled = shown() <= first;
  };
  const go = (iso) => {
    picked = iso >= latest ? null : iso < first ? first : iso;
    show();
    chooser.changed();
  };
  input.addEventListener("change", () => { if (input.value) go(input.value); });
  const chooser = {
    element: el("div.day-chooser", {}, back, input, forth),
    day: shown,
    go,
    reach: (now) => { latest = isoDay(now, offsetS); show(); },
    changed: () => {},
  };
  return chooser;
}
