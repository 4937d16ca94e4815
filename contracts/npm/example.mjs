// Reads a figure of a plant from its feed, with nothing but fetch.
//   node example.mjs RPC_URL ASSET [energy|credits|revenue] [address-book.json]
// Without an address book it looks the chain up among the deployments that this package knows. ASSET "fleet" is all plants.
import { readFileSync } from "node:fs";
import heliograph from "./index.js";

const METRICS = ["energy", "credits", "revenue"];
const STATES = ["never started", "live", "stale", "sealed"];
const MAX_AGE_S = 2 * 86400;

const [rpcUrl, asset, metric = "energy", bookPath] = process.argv.slice(2);
if (!rpcUrl || !asset || !METRICS.includes(metric)) {
  console.error("node example.mjs RPC_URL ASSET [energy|credits|revenue] [address-book.json]");
  process.exit(2);
}

async function ask(method, ...params) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetch(rpcUrl, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = await answer.json();
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}

// A word is 32 bytes in hex: of a number, or of a name (ASCII, left-aligned).
const numberWord = (number) => BigInt(number).toString(16).padStart(64, "0");
const nameWord = (name) => Buffer.from(name, "ascii").toString("hex").padEnd(64, "0");

// Calls a view and gives the words that it returns.
async function view(contract, address, signature, ...words) {
  const data = heliograph.selectors[contract][signature] + words.join("");
  const answer = await ask("eth_call", { to: address, data }, "latest");
  return answer.slice(2).match(/.{64}/g).map((word) => BigInt("0x" + word));
}

const book = bookPath
  ? JSON.parse(readFileSync(bookPath, "utf8"))
  : heliograph.addresses[String(BigInt(await ask("eth_chainId")))];
if (!book) throw new Error("this package knows no deployment on that chain: name an address book");

const factory = book.addresses.FeedFactory;
const which = [asset === "fleet" ? numberWord(0) : nameWord(asset), numberWord(METRICS.indexOf(metric))];
const [isCreated] = await view("FeedFactory", factory, "isCreated(bytes32,uint8)", ...which);
if (!isCreated) throw new Error(`nobody has made this feed yet: call create on FeedFactory at ${factory}`);
const [place] = await view("FeedFactory", factory, "addressOf(bytes32,uint8)", ...which);
const feed = "0x" + numberWord(place).slice(24);

const [phase] = await view("AssetFeed", feed, "phase(uint256)", numberWord(MAX_AGE_S));
const [decimals] = await view("AssetFeed", feed, "decimals()");
const reading = { feed, phase: STATES[Number(phase)], decimals: Number(decimals) };
if (phase !== 0n) {
  const [roundId, answer, , updatedAt] = await view("AssetFeed", feed, "latestRoundData()");
  Object.assign(reading, { epoch: Number(roundId), answer: BigInt.asIntN(256, answer).toString(), cutoff: Number(updatedAt) });
}
console.log(JSON.stringify(reading));
