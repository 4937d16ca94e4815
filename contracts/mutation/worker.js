"use strict";
// Tests mutants one by one in a workshop of its own. forge builds the tests once; they deploy contracts from the artifacts
// (dynamic_test_linking), so a mutant needs only its contract compiled and put into the artifact: no test is built again.
const { Workshop } = require("./workshop.js");

const workshop = new Workshop(null, process.argv[2]);
workshop.open();
const originals = new Map(); // codes by mutated file
const FAVOURITES = 3;
const checked = new Set(); // killers that pass on the code as it is
const sound = new Set(); // files whose tests pass on the code as it is when they are compiled whole
const killers = new Map(); // test contracts by mutated file, the last one to kill first: likely to kill the next

const same = (left, right) => [...left].every(([artifact, codes]) => String(codes) === String(right.get(artifact)));
const contractOf = (test) => test.split(":")[1].split(".")[0];

/// The first failed test: of those that killed lately, of all others, of the invariants, which take longest.
function killedBy(file, { invariants = true } = {}) {
  const favourites = invariants ? killers.get(file) ?? [] : [];
  const pattern = `^(${favourites.join("|")})$`;
  const stages = [["--no-match-test", "^invariant_"]];
  if (invariants) stages.push(["--match-test", "^invariant_"]);
  if (favourites.length > 0) {
    stages[0].push("--no-match-contract", pattern);
    stages.unshift(["--match-contract", pattern]);
  }
  for (const stage of stages) {
    const run = workshop.test(stage);
    if (!run.failed) continue;
    if (!run.by.includes(":")) return run.by;
    const contract = contractOf(run.by);
    killers.set(file, [contract, ...favourites.filter((each) => each !== contract)].slice(0, FAVOURITES));
    return run.by;
  }
  return null;
}

/// A killer must pass on the code as it is, or it would kill whatever is changed.
function checkKiller(file, by) {
  const [suite, name] = by.split(":").pop().split(/\.(.*)/);
  const test = name.split("(")[0];
  const own = test === "setUp" ? [] : ["--match-test", `^${test}(\\(|$)`];
  if (!checked.has(by) && workshop.test(["--match-contract", `^${suite}$`, ...own]).failed) {
    throw new Error(`${by} fails without any change, and was said to kill a mutant of ${file}`);
  }
  checked.add(by);
}

/// The same with the tests that hold the file's code themselves. They are compiled whole, not linked to artifacts as forge
/// links them, so what forge built is put back after it; and forge does not find an invariant's handler in them.
function killedInTests(file, holders, mutated) {
  const codes = workshop.codesOf(holders, file, mutated);
  const kept = workshop.keep(codes.keys());
  try {
    if (!sound.has(file)) {
      workshop.install(workshop.codesOf(holders, file, workshop.compiler.read(file)));
      const by = killedBy(file, { invariants: false });
      if (by !== null) throw new Error(`${by} fails without any change when compiled whole, to mutate ${file}`);
      sound.add(file);
    }
    workshop.install(codes);
    return killedBy(file, { invariants: false });
  } finally {
    workshop.restore(kept);
  }
}

function tested({ file, start, end, text }) {
  const source = Buffer.from(workshop.compiler.read(file));
  const mutated = Buffer.concat([source.subarray(0, start), Buffer.from(text), source.subarray(end)]).toString("utf8");
  const contracts = workshop.deployedFrom(file);
  const holders = workshop.testsHolding(file);
  if (!originals.has(file)) originals.set(file, workshop.codesOf(contracts, file, source.toString("utf8")));
  const codes = workshop.codesOf(contracts, file, mutated);
  if (codes === null) return { outcome: "invalid" };
  if (same(originals.get(file), codes)) return { outcome: "identical" };
  workshop.install(codes);
  let by = null;
  try {
    by = killedBy(file);
  } finally {
    workshop.install(originals.get(file));
  }
  if (by === null && holders.length > 0) by = killedInTests(file, holders, mutated);
  if (by === null) return { outcome: "survived" };
  if (by.includes(":")) checkKiller(file, by);
  return { outcome: "killed", by };
}

process.on("message", (mutant) => {
  const began = Date.now();
  const result = tested(mutant);
  process.send({ ...result, ms: Date.now() - began });
});
