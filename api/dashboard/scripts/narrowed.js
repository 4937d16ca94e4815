// The strip, narrowed to the plants behind a certificate or a token.

import { get, Problem } from "./client.js";

/**
 * Return options of the strip for some plants. Their counts are their owner's to see: everybody else is shown the whole network's.
 * @param {string[]} assets ids
 */
export function narrowed(assets) {
  if (assets.length === 0) return {};
  let query = `?${assets.map((asset) => `asset_id=${encodeURIComponent(asset)}`).join("&")}`;
  const load = async () => {
    if (query !== "") {
      try {
        return await get(`/v1/status${query}`);
      } catch (error) {
        if (!(error instanceof Problem) || ![401, 403, 404].includes(error.status)) throw error;
        query = "";
      }
    }
    return { ...(await get("/v1/status")), scope: "network" };
  };
  return { load };
}
