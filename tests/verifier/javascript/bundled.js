// node bundled.js BUNDLE [--trust ANCHOR.json] FILE...
//
// What `verify.js` prints, said by the bundle that pages load: in a context that has what a Web Worker has, and nothing of Node.
"use strict";
const { readFileSync } = require("node:fs");
const vm = require("node:vm");

function worker(source) {
  const said = [];
  let hear = null;
  const self = { addEventListener: (_, listener) => (hear = listener), postMessage: (event) => said.push(event) };
  vm.runInNewContext(source, { self, TextDecoder, TextEncoder, console, queueMicrotask });
  return (message) => {
    said.length = 0;
    hear({ data: message });
    return [...said];
  };
}

function main([bundle, ...given]) {
  const ask = worker(readFileSync(bundle, "utf8"));
  let anchor = null;
  while (given.length) {
    const file = given.shift();
    if (file === "--trust") {
      const trusted = readFileSync(given.shift());
      anchor = trusted.equals(Buffer.from("null")) ? null : new Uint8Array(trusted);
    } else {
      const said = ask({ proof: new Uint8Array(readFileSync(file)), anchor });
      const verdict = said.at(-1);
      const passed = said.flatMap((event) => event.passed ?? []);
      if (verdict.held && passed.join() !== [...verdict.held].join()) throw new Error(`said ${passed} step by step`);
      if (verdict.refused) process.exitCode = 1;
      process.stdout.write(`${JSON.stringify(verdict)}\n`);
    }
  }
}

main(process.argv.slice(2));
