// The way of a watt-hour: six stations, each with a count, its freshness and a state, each opening the proof at that station.

import { get, repeatedly } from "./client.js";
import { el, fill, update } from "./elements.js";
import { ago, carbon, energy, integer, money, plain, roomy } from "./figures.js";
import { t } from "./words.js";

const NAMES = ["meters", "journal", "nodes", "report", "minted", "paid"];
const EVERY_MS = 5000;

/**
 * Show the strip and keep it fresh.
 * @param {Element} place the list
 * @param {object} options
 * @param {string|null} options.asset narrow it to one asset
 * @param {(() => Promise<object>)|null} options.load answers a Status of one's own: a certificate's, a token's;
 *   with `scope` "network" where it is the whole network's instead
 * @param {object} options.links addresses by station, instead of the usual ones
 * @param {((status: object) => void)|null} options.heard told each Status
 * @returns {{now: () => void, stop: () => void}} `now` asks again at once
 */
export function mountStrip(place, { asset = null, load = null, links = {}, heard = null } = {}) {
  const stations = new Map();
  const scope = el("p.strip-scope.small.soft", { hidden: "" }, t("strip.whole_network"));
  place.after(scope);
  for (const name of NAMES) {
    const station = makeStation(name);
    stations.set(name, station);
    place.append(station.item);
  }
  const ask = load ?? (() => get("/v1/status", { asset_id: asset }));
  return repeatedly(async () => {
    const status = await ask();
    for (const station of status.stations) {
      const made = stations.get(station.name);
      if (made) showStation(made, station, status, links[station.name] ?? linkOf(station, asset));
    }
    scope.hidden = status.scope !== "network";
    heard?.(status);
  }, EVERY_MS);
}

function makeStation(name) {
  const parts = {
    mark: el("span.station-mark", { "aria-hidden": "true" }),
    count: el("strong.station-count"),
    word: el("span.station-word"),
    note: el("span.station-note"),
  };
  const link = el(
    "a.station-link", {}, parts.mark, el("span.station-name", {}, t(`strip.${name}`)), parts.count, parts.note, parts.word,
  );
  return { ...parts, name, link, item: el("li.station", { "data-station": name, "data-state": "none" }, link) };
}

function showStation(made, station, status, address) {
  if (made.item.dataset.state !== station.state) {
    if (made.item.dataset.state !== "none") made.item.classList.add("advanced");
    made.item.dataset.state = station.state;
  }
  made.link.setAttribute("href", address);
  update(made.count, roomy(COUNTS[station.name](station)));
  fill(made.note, NOTES[station.name](station, status));
  fill(made.word, t(`strip.state_${station.state}`));
}

const COUNTS = {
  meters: (s) => t("strip.of", { n: integer(s.reporting), of: integer(s.of) }),
  journal: (s) => integer(s.readings),
  nodes: (s) => (s.agreed === null ? t("strip.none_yet") : t("strip.of", { n: integer(s.agreed), of: integer(s.of) })),
  report: (s) => (s.epoch === null ? t("strip.none_yet") : `#${integer(s.epoch)}`),
  minted: (s) => plain(energy(s.energy_wh)),
  paid: (s) => plain(money(s.paid_minor)),
};

const NOTES = {
  meters: (s, status) => ago(s.at, status.at),
  journal: () => t("strip.readings_signed"),
  nodes: () => t("strip.agree"),
  report: (s) => (s.epoch === null ? "" : t("strip.signed", { n: s.signed, of: s.of })),
  minted: (s) => plain(carbon(s.credits_g)),
  paid: (s) => (s.awaited_minor > 0 ? t("strip.awaited", { sum: plain(money(s.awaited_minor)) }) : t("strip.nothing_awaited")),
};

// Where the proof at each station is: the network page for meters and journal, the explorer for reports and tokens.
function linkOf(station, asset) {
  switch (station.name) {
    case "meters": return asset ? `/plants/${encodeURIComponent(asset)}#meters` : "/network#meters";
    case "journal": return asset ? `/plants/${encodeURIComponent(asset)}#proof` : "/network#journal";
    case "nodes": return station.epoch === undefined || station.epoch === null ? "/explorer#signers" : `/explorer?report=${station.epoch}#signers`;
    case "report": return station.epoch === null ? "/explorer#reports" : `/explorer?report=${station.epoch}#reports`;
    case "minted": return "/explorer#tokens";
    default: return "/revenue";
  }
}
