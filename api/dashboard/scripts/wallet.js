// Wallets in the browser: found by EIP-6963, asked by EIP-1193. The page holds no key: it asks, the owner decides in the wallet.

import * as client from "./client.js";
import { el, fill, shortened } from "./elements.js";
import { openDialog } from "./dialog.js";
import { t } from "./words.js";

const ANNOUNCE_MS = 300;
const CHOSEN = "heliograph.wallet";
const REJECTED = 4001; // EIP-1193

/** What went wrong with a wallet: `key` of the sentence that says what to do. */
export class WalletError extends Error {
  constructor(key, values = {}) {
    super(t(key, values));
    this.key = key;
  }
}

/**
 * Ask the browser's wallets to show themselves (EIP-6963).
 * @param {number} waitMs how long they may take [ms]
 * @returns {Promise<{info: {uuid: string, name: string, icon: string, rdns: string}, provider: object}[]>} each wallet once
 */
export async function discover(waitMs = ANNOUNCE_MS) {
  const found = new Map();
  const take = ({ detail }) => {
    if (detail?.info?.uuid && detail.provider?.request) found.set(detail.info.uuid, detail);
  };
  window.addEventListener("eip6963:announceProvider", take);
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  window.removeEventListener("eip6963:announceProvider", take);
  return [...found.values()];
}

/** Let the user choose a wallet and sign in with it; the page is loaded anew once that is done. */
export async function openSignIn() {
  const dialog = await openDialog("wallet.sign_in_title");
  fill(dialog.body, el("p.soft", {}, t("wallet.looking")));
  const wallets = await discover();
  const known = await Promise.all(wallets.map(accountsOf));
  const list = el("ul.wallets", {}, wallets.map((wallet, i) => walletItem(wallet, known[i], dialog)));
  fill(
    dialog.body,
    el("p", {}, t(wallets.length ? "wallet.sign_in_why" : "wallet.none")),
    wallets.length ? list : el("p.soft", {}, t("wallet.none_do")),
    dialog.says,
  );
  list.querySelector("button")?.focus();
}

/** Accounts that a wallet shows without asking its owner. */
const accountsOf = ({ provider }) => ask(provider, "eth_accounts").catch(() => []);

// One click signs in with the wallet's first account; where it shows several, another can be chosen before.
function walletItem(wallet, accounts, dialog) {
  const choice = accounts.length < 2 ? null : el("select", {}, accounts.map((account) => el("option", { value: account }, shortened(account).textContent)));
  const button = walletButton(wallet, () => signIn(wallet, choice?.value ?? null, dialog));
  return el("li", {}, button, choice && el("label.wallet-account", {}, el("span", {}, t("wallet.as_account")), choice));
}

function walletButton({ info }, onclick) {
  const isImage = /^data:image\/(svg\+xml|png|webp|gif|jpeg)[;,]/.test(info.icon ?? "");
  const icon = isImage ? el("img", { src: info.icon, alt: "", width: "28", height: "28" }) : el("span.wallet-blank");
  const marked = info.rdns === DEMO ? el("span.wallet-mark", {}, t("wallet.demo_mark")) : null;
  return el("button.wallet", { type: "button", "data-wallet": info.rdns, onclick }, icon, el("span", {}, nameOf(info)), marked);
}

const DEMO = "demo.heliograph.local";
const nameOf = (info) => (info.rdns === DEMO ? t("wallet.demo_name") : info.name);

async function signIn(wallet, chosen, dialog) {
  dialog.busy(t("wallet.asking", { wallet: nameOf(wallet.info) }));
  try {
    const accounts = await ask(wallet.provider, "eth_requestAccounts");
    const address = accounts.includes(chosen) ? chosen : accounts[0];
    if (!address) throw new WalletError("wallet.no_account");
    const asked = await client.post("/v1/sessions/nonce", { address });
    if (asked.domain !== location.host) throw new WalletError("wallet.other_domain", { domain: asked.domain });
    const text = asked.message;
    const signature = await ask(wallet.provider, "personal_sign", [hexOf(text), address]);
    await client.post("/v1/sessions", { message: text, signature });
    localStorage.setItem(CHOSEN, wallet.info.rdns);
    client.forget();
    location.reload();
  } catch (error) {
    dialog.failed(wordsOf(error));
  }
}

const hexOf = (text) => `0x${[...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;

/**
 * Return the wallet of the signed-in account, ready to send from it.
 * @param {string} address the account that must send
 * @throws {WalletError} no wallet has that account
 */
export async function walletOf(address) {
  const wallets = await discover();
  if (wallets.length === 0) throw new WalletError("wallet.none");
  const chosen = localStorage.getItem(CHOSEN);
  wallets.sort((one, other) => (other.info.rdns === chosen) - (one.info.rdns === chosen));
  for (const wallet of wallets) {
    if (await has(wallet, "eth_accounts", address)) return wallet;
  }
  const [likeliest] = wallets;
  if (await has(likeliest, "eth_requestAccounts", address)) return likeliest;
  throw new WalletError("wallet.other_account", { account: shortened(address).textContent });
}

async function has({ provider }, method, address) {
  const accounts = await ask(provider, method);
  return accounts.some((account) => account.toLowerCase() === address.toLowerCase());
}

/**
 * Have a prepared transaction sent.
 * @param {{provider: object}} wallet of walletOf
 * @param {object} step as the API prepared it
 * @param {string} address the account that sends
 * @returns {Promise<string>} hash of the transaction
 * @throws {WalletError} the owner or the wallet declines, or the wallet is on another chain
 */
export async function send({ provider }, step, address) {
  await ensureChain(provider, step.chain_id);
  const call = { from: address, to: step.to, data: step.data, value: `0x${BigInt(step.value).toString(16)}` };
  return ask(provider, "eth_sendTransaction", [call]);
}

async function ensureChain(provider, chainId) {
  const wanted = `0x${chainId.toString(16)}`;
  if (Number(await ask(provider, "eth_chainId")) === chainId) return;
  try {
    await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: wanted }] });
  } catch {
    throw new WalletError("wallet.other_chain", { chain: chainId });
  }
}

async function ask(provider, method, params = []) {
  try {
    return await provider.request({ method, params });
  } catch (error) {
    if (error?.code === REJECTED) throw new WalletError("wallet.rejected");
    throw new WalletError("wallet.failed", { why: String(error?.message ?? error) });
  }
}

/** What to tell the owner of an error. */
export function wordsOf(error) {
  if (error instanceof WalletError) return error.message;
  if (error instanceof client.Problem) return error.status === 0 ? t("page.unreachable") : error.message;
  console.error(error);
  return t("page.failed");
}
