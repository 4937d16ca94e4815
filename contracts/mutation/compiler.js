"use strict";
// The compiler, kept loaded: what forge calls anew for every build takes seconds to start, and longer until it is warm.
const fs = require("node:fs");
const path = require("node:path");

class Compiler {
  /// `settings` are those of forge's build, so that the same sources give the same bytes.
  constructor(root, settings) {
    this.root = root;
    this.settings = settings;
    this.solc = require(path.join(root, "node_modules", "solc"));
  }

  read(file) {
    return fs.readFileSync(path.join(this.root, file), "utf8");
  }

  /// Compile files with some texts replaced. `outputSelection` is solc's. Returns its output, or null if it does not compile.
  compile(files, replaced, outputSelection) {
    const text = (file) => replaced.get(file) ?? this.read(file);
    const input = {
      language: "Solidity",
      sources: Object.fromEntries(files.map((file) => [file, { content: text(file) }])),
      settings: { ...this.settings, outputSelection },
    };
    const options = { import: (file) => ({ contents: text(file) }) };
    const output = JSON.parse(this.solc.compile(JSON.stringify(input), options));
    return (output.errors ?? []).some((each) => each.severity === "error") ? null : output;
  }
}

module.exports = { Compiler };
