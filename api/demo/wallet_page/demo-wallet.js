// The demo's wallet, announced to the page as any browser wallet is (EIP-6963). It asks the demo's server, which has the keys.
(() => {
  "use strict";
  const ENDPOINT = "/demo/wallet";
  const listeners = new Map();
  let number = 0;

  const provider = {
    async request({ method, params = [] }) {
      number += 1;
      const answer = await fetch(ENDPOINT, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Heliograph": "1" },
        body: JSON.stringify({ jsonrpc: "2.0", id: number, method, params }),
      });
      if (!answer.ok) {
        const problem = await answer.json().catch(() => ({}));
        throw Object.assign(new Error(problem.detail ?? `HTTP ${answer.status}`), { code: -32603 });
      }
      const { result, error } = await answer.json();
      if (error) throw Object.assign(new Error(error.message), { code: error.code, data: error.data });
      return result;
    },
    on(event, listener) {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event).add(listener);
      return provider;
    },
    removeListener(event, listener) {
      listeners.get(event)?.delete(listener);
      return provider;
    },
  };

  const icon =
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Ccircle cx='16' cy='16' r='9' " +
    "fill='%23e39a17'/%3E%3Cpath d='M16 1v4M16 27v4M1 16h4M27 16h4M5.4 5.4l2.8 2.8M23.8 23.8l2.8 2.8M5.4 26.6l2.8-2.8M23.8 " +
    "8.2l2.8-2.8' stroke='%23e39a17' stroke-width='2.5'/%3E%3C/svg%3E";
  const info = Object.freeze({
    uuid: crypto.randomUUID(),
    name: "Demo wallet",
    icon,
    rdns: "demo.heliograph.local",
  });
  const detail = Object.freeze({ info, provider: Object.freeze(provider) });
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));

  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
