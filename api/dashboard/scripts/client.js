// The HTTP API as pages use it: problems become errors with plain words, lists are followed by their cursors, reads that have not
// changed cost a 304, writes carry an idempotency key.

/** What the server answered instead (RFC 9457). `message` is the detail, which says what is wrong and what to do. */
export class Problem extends Error {
  constructor(status, document, retryAfterS) {
    super(document.detail ?? document.title ?? String(status));
    this.status = status;
    this.type = document.type ?? "about:blank";
    this.title = document.title ?? "";
    this.retryAfterS = retryAfterS;
  }
}

const kept = new Map();

/**
 * Read a resource. The answer before is kept and used again when the server says that it still holds.
 * @param {string} path "/v1/assets"
 * @param {object} query parameters; null and undefined are left out
 * @returns {Promise<any>} the JSON document
 * @throws {Problem} any answer of 400 and above; status 0 if the server cannot be reached
 */
export async function get(path, query = {}) {
  const address = addressOf(path, query);
  const before = kept.get(address);
  const answer = await send(address, { headers: before ? { "If-None-Match": before.tag } : {} });
  if (answer.status === 304 && before) return before.document;
  const document = await answer.json();
  const tag = answer.headers.get("etag");
  if (tag) kept.set(address, { tag, document });
  return document;
}

/** Forget kept answers: after signing in or out. */
export function forget() {
  kept.clear();
}

/**
 * Read a whole list, page by page.
 * @param {string} path of a resource that answers {items, next}
 * @param {object} query as for get
 * @param {number} most stop after so many items
 */
export async function getAll(path, query = {}, most = 10000) {
  const items = [];
  let after = null;
  do {
    const page = await get(path, { limit: 1000, ...query, after });
    items.push(...page.items);
    after = page.next;
  } while (after && items.length < most);
  return items;
}

/**
 * Write. Called again with the same key after a lost answer, it gets the first answer and nothing happens twice.
 * @param {"POST"|"PUT"|"DELETE"} method which
 * @param {string} path of the resource
 * @param {object|null} body sent as JSON
 * @param {string} key idempotency key; a fresh one by default
 * @returns {Promise<any>} the JSON document, or null if there is none
 */
export async function write(method, path, body = null, key = crypto.randomUUID()) {
  const headers = { "X-Heliograph": "1", "Idempotency-Key": key };
  if (body !== null) headers["Content-Type"] = "application/json";
  const answer = await send(path, { method, headers, body: body === null ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

export const post = (path, body = {}, key) => write("POST", path, body, key);
export const put = (path, body = {}, key) => write("PUT", path, body, key);
export const remove = (path, key) => write("DELETE", path, null, key);

/** Who is signed in: {role, address, ...}, or null. */
export async function session() {
  try {
    return await get("/v1/sessions/current");
  } catch (error) {
    if (error instanceof Problem && [401, 404].includes(error.status)) return null;
    throw error;
  }
}

/**
 * Listen to live events; the browser reconnects by itself and asks for what it missed (Last-Event-ID).
 * @param {object} query {asset_id}
 * @param {(event: {kind: string, asset_id: string|null, at: string, document: object}|null) => void} heard called for each
 *   event, and with null where all that is shown should be read anew
 * @returns {() => void} stops listening
 */
export function listen(query, heard) {
  const source = new EventSource(addressOf("/v1/events", query));
  const take = (message) => heard(JSON.parse(message.data));
  for (const kind of EVENT_KINDS) source.addEventListener(kind, take);
  source.addEventListener("message", take);
  source.addEventListener("resync", () => heard(null)); // more was missed than can be told
  return () => source.close();
}

const EVENT_KINDS = [
  "reading", "report", "report_active", "report_disabled", "mint", "reversal", "withheld", "meter_stale", "meter_back",
  "deposit", "claim", "retirement",
];

/**
 * Do something now and again and again while the page is looked at; never twice at once. A failure waits longer.
 * @param {() => Promise<void>} what done each time
 * @param {number} everyMs pause between the end of one and the next [ms]
 * @returns {{now: () => void, stop: () => void}} `now` hurries the next one
 */
export function repeatedly(what, everyMs) {
  let timer = 0;
  let busy = false;
  let stopped = false;
  let hurried = false;
  const turn = async () => {
    clearTimeout(timer);
    hurried ||= busy;
    if (busy || stopped) return;
    busy = true;
    hurried = false;
    let pause = everyMs;
    try {
      if (!document.hidden) await what();
    } catch (error) {
      pause = Math.max(everyMs, (error.retryAfterS ?? 10) * 1000);
      document.dispatchEvent(new CustomEvent("heliograph:problem", { detail: error }));
    }
    busy = false;
    if (!stopped) timer = setTimeout(turn, hurried ? 0 : pause);
  };
  document.addEventListener("visibilitychange", turn);
  void turn();
  return { now: () => void turn(), stop: () => { stopped = true; clearTimeout(timer); } };
}

function addressOf(path, query) {
  const parameters = new URLSearchParams();
  for (const [key, given] of Object.entries(query)) {
    if (given !== null && given !== undefined) parameters.append(key, given);
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

async function send(address, options) {
  let answer;
  try {
    answer = await fetch(address, { credentials: "same-origin", ...options });
  } catch {
    throw new Problem(0, { title: "unreachable" }, null);
  }
  if (answer.status < 400) return answer;
  const text = await answer.text();
  let document = {};
  try {
    document = JSON.parse(text);
  } catch {
    document = { title: answer.statusText };
  }
  throw new Problem(answer.status, document, Number(answer.headers.get("retry-after")) || null);
}
