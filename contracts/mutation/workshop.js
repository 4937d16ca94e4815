"use strict";
// A copy of the contracts folder in which things may be broken.
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { Compiler } = require("./compiler.js");

const COPIED = {
  src: "src", test: "test", peer: "peer", "foundry.toml": "foundry.toml", forge: "forge",
  solc: "solc-asked", "mutation/remembering-solc": "solc",
};
const TEST_TIMEOUT_MS = 600_000;
const CODE = ["evm.bytecode.object", "evm.deployedBytecode.object"];

class Workshop {
  /// A copy of `source` in `folder`/contracts; what tests read beside it is linked.
  constructor(source, folder) {
    this.root = path.join(folder, "contracts");
    if (source === null) return;
    fs.mkdirSync(this.root, { recursive: true });
    for (const [each, name] of Object.entries(COPIED)) {
      fs.cpSync(path.join(source, each), path.join(this.root, name), { recursive: true });
    }
    fs.symlinkSync(path.join(source, "node_modules"), path.join(this.root, "node_modules"));
    fs.symlinkSync(path.join(source, "..", "tests"), path.join(folder, "tests"));
  }

  /// Another copy, built already.
  copy(folder) {
    if (path.dirname(this.root) !== folder) fs.cpSync(path.dirname(this.root), folder, { recursive: true, verbatimSymlinks: true });
    return folder;
  }

  /// Compile everything with forge and run the tests once: nothing may fail before anything is broken.
  build() {
    const run = this.test([]);
    if (run.failed) throw new Error(`the tests must pass before anything is mutated:\n${run.output}`);
    this.open();
  }

  /// What forge built: settings, syntax trees, imports.
  open() {
    const artifact = JSON.parse(fs.readFileSync(this.artifactOf("src/oracle/ProductionOracle.sol", "ProductionOracle"), "utf8"));
    const { compilationTarget, libraries, outputSelection, ...settings } = artifact.metadata.settings;
    this.compiler = new Compiler(this.root, settings);
    const files = ["src", "test"].flatMap((folder) => fs.readdirSync(path.join(this.root, folder), { recursive: true })
      .filter((name) => name.endsWith(".sol")).map((name) => `${folder}/${name}`));
    const output = this.compiler.compile(files, new Map(), { "*": { "": ["ast"] } });
    this.trees = Object.fromEntries(Object.entries(output.sources).map(([file, { ast }]) => [file, ast]));
    this.files = files;
  }

  importsOf(file) {
    return this.trees[file].nodes.filter((node) => node.nodeType === "ImportDirective").map((node) => node.absolutePath);
  }

  contractsOf(file) {
    return this.trees[file].nodes.filter((node) => node.nodeType === "ContractDefinition");
  }

  isDeployed(file) {
    return this.contractsOf(file).some((each) => each.contractKind === "contract" && !each.abstract);
  }

  fileOf(contract) {
    return this.files.find((each) => each.startsWith("src/") && path.basename(each) === `${contract}.sol`);
  }

  /// The files in src/ that hold a contract's logic: its own, its bases and libraries; not other contracts that it calls.
  logicOf(contract) {
    const found = new Set();
    const visit = (file) => {
      found.add(file);
      for (const each of this.importsOf(file)) {
        if (each.startsWith("src/") && !found.has(each) && !this.isDeployed(each)) visit(each);
      }
    };
    visit(this.fileOf(contract));
    return found;
  }

  /// Contracts in src/ that hold a file's code, so that a change in it changes them.
  deployedFrom(file) {
    const reaches = (from, seen = new Set()) => from === file || (!seen.has(from) && seen.add(from) &&
      this.importsOf(from).some((each) => each.startsWith("src/") && reaches(each, seen)));
    return this.files.filter((each) => each.startsWith("src/") && this.isDeployed(each) && reaches(each));
  }

  /// Test files that hold a file's code themselves: those that import it and those built on them. Other tests deploy the
  /// contracts from their artifacts.
  testsHolding(file) {
    if (this.isDeployed(file)) return [];
    const found = new Set(this.files.filter((each) => each.startsWith("test/") && this.importsOf(each).includes(file)));
    for (const holder of found) {
      for (const each of this.files) if (each.startsWith("test/") && this.importsOf(each).includes(holder)) found.add(each);
    }
    return [...found].filter((each) => each.endsWith(".t.sol"));
  }

  artifactOf(file, contract) {
    return path.join(this.root, "out", path.basename(file), `${contract}.json`);
  }

  /// Codes of all contracts in some files, with one file's text replaced: { artifact: [creation, runtime] }; null if it does not compile.
  codesOf(files, file, text) {
    const selection = Object.fromEntries(files.map((each) => [each, { "*": CODE }]));
    const output = this.compiler.compile(files, new Map([[file, text]]), selection);
    if (output === null) return null;
    const codes = new Map();
    for (const each of files) {
      for (const [contract, { evm }] of Object.entries(output.contracts[each] ?? {})) {
        codes.set(this.artifactOf(each, contract), [evm.bytecode.object, evm.deployedBytecode.object]);
      }
    }
    return codes;
  }

  /// Put other codes into forge's artifacts, from which tests deploy.
  install(codes) {
    for (const [file, [creation, runtime]] of codes) {
      const artifact = JSON.parse(fs.readFileSync(file, "utf8"));
      artifact.bytecode.object = `0x${creation}`;
      artifact.deployedBytecode.object = `0x${runtime}`;
      fs.writeFileSync(file, JSON.stringify(artifact));
    }
  }

  /// Artifacts as they are, for `restore`.
  keep(artifacts) {
    return new Map([...artifacts].map((file) => [file, fs.readFileSync(file)]));
  }

  restore(kept) {
    for (const [file, content] of kept) fs.writeFileSync(file, content);
  }

  /// Run tests until one fails. Returns { failed, by, output }.
  test(options) {
    // forge keeps what failed once and fails again by it: a mutant must not answer for the one before.
    for (const kept of ["invariant", "fuzz"]) fs.rmSync(path.join(this.root, "cache", kept), { recursive: true, force: true });
    const run = spawnSync(path.join(this.root, "forge"), ["test", "--fail-fast", "--json", ...options], {
      env: { ...process.env, FOUNDRY_PROFILE: "mutate" }, encoding: "utf8", timeout: TEST_TIMEOUT_MS, maxBuffer: 1 << 28,
    });
    if (run.error?.code === "ETIMEDOUT") return { failed: true, by: "time", output: "" };
    if (run.error) throw run.error;
    const output = run.stdout + run.stderr;
    let suites;
    try {
      suites = JSON.parse(run.stdout);
    } catch {
      throw new Error(`forge test said no JSON:\n${output}`);
    }
    for (const [suite, { test_results: results }] of Object.entries(suites)) {
      for (const [name, { status }] of Object.entries(results)) {
        if (status === "Failure") return { failed: true, by: `${suite}.${name}`, output };
      }
    }
    if (run.status !== 0) throw new Error(`forge test ended with ${run.status} and no failed test:\n${output}`);
    return { failed: false, by: null, output };
  }
}

module.exports = { Workshop };
