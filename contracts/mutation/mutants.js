"use strict";
// The mutants of one source file, found in its syntax tree: so never in a comment, a string or a type.
//   guard deleted        if (...) revert, return, continue or break; require(...); a modifier
//   operator swapped     comparison, arithmetic, bits, logic; compound assignments, ++ and --; the same in assembly

// A comparison is moved by one and turned around.
const SWAPS = {
  "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="],
  "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["*"], "**": ["*"],
  "<<": [">>"], ">>": ["<<"], "&": ["|"], "|": ["&"], "^": ["&"], "&&": ["||"], "||": ["&&"],
  "+=": ["-="], "-=": ["+="], "*=": ["/="], "/=": ["*="], "%=": ["*="],
  "<<=": [">>="], ">>=": ["<<="], "&=": ["|="], "|=": ["&="], "^=": ["&="],
  "++": ["--"], "--": ["++"],
};
const UNARY = { "++": ["--"], "--": ["++"], "!": [""], "-": [""], "~": [""] };
const ASSEMBLY = {
  add: ["sub"], sub: ["add"], mul: ["div"], div: ["mul"], mod: ["mul"], shl: ["shr"], shr: ["shl"],
  lt: ["gt"], gt: ["lt"], slt: ["sgt"], sgt: ["slt"], eq: ["lt"], and: ["or"], or: ["and"], xor: ["and"],
};
const LEAVES = new Set(["RevertStatement", "Return", "Continue", "Break"]);

function range(node) {
  const [start, length] = (node.nativeSrc ?? node.src).split(":").map(Number);
  return { start, end: start + length };
}

/// Whether a branch does nothing but leave, at most saying why in an event.
function leaves(branch) {
  const statements = branch.nodeType === "Block" ? branch.statements : [branch];
  return statements.length > 0 && LEAVES.has(statements.at(-1).nodeType) &&
    statements.slice(0, -1).every((each) => each.nodeType === "EmitStatement");
}

function isRequirement(statement) {
  const called = statement.expression?.expression;
  return called?.nodeType === "Identifier" && (called.name === "require" || called.name === "assert");
}

const oneLine = (text) => text.replace(/\s+/g, " ").trim();

/// All mutants of a file: { file, where, line, start, end, text, was, becomes }. Offsets count bytes, as solc's do.
function mutantsOf(file, source, tree) {
  const found = [];

  function add(where, start, end, text, deleted) {
    const from = source.lastIndexOf(10, start) + 1;
    const newline = source.indexOf(10, end);
    const until = newline < 0 ? source.length : newline;
    const line = source.subarray(0, start).filter((byte) => byte === 10).length + 1;
    const was = deleted ? source.toString("utf8", start, end) : source.toString("utf8", from, until);
    const becomes = deleted ? text : source.toString("utf8", from, start) + text + source.toString("utf8", end, until);
    found.push({ file, where, line, start, end, text, was: oneLine(was), becomes: deleted && text === "{}" ? "" : oneLine(becomes) });
  }

  /// The operator stands alone between its operands, but for white space and comments.
  function swapBetween(where, left, right, operator) {
    const from = range(left).end;
    const between = source.toString("latin1", from, range(right).start)
      .replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (comment) => " ".repeat(comment.length));
    const start = from + between.indexOf(operator);
    for (const other of SWAPS[operator] ?? []) add(where, start, start + operator.length, other, false);
  }

  /// The tree leaves the semicolon out.
  const closed = (end) => (source[end] === 59 ? end + 1 : end);

  function visit(node, where) {
    if (Array.isArray(node)) return node.forEach((each) => visit(each, where));
    if (node === null || typeof node !== "object") return;
    if (node.nodeType === "ContractDefinition") where = node.name;
    if (node.nodeType === "FunctionDefinition" || node.nodeType === "ModifierDefinition") {
      where = [where, node.name || node.kind].filter(Boolean).join(".");
    }
    const { start, end } = node.src ? range(node) : {};
    switch (node.nodeType) {
      case "BinaryOperation":
        swapBetween(where, node.leftExpression, node.rightExpression, node.operator);
        break;
      case "Assignment":
        if (node.operator !== "=") swapBetween(where, node.leftHandSide, node.rightHandSide, node.operator);
        break;
      case "UnaryOperation": {
        const at = node.prefix ? start : end - node.operator.length;
        for (const other of UNARY[node.operator] ?? []) add(where, at, at + node.operator.length, other, false);
        break;
      }
      case "IfStatement":
        if (!leaves(node.trueBody)) break;
        if (!node.falseBody) add(where, start, closed(end), "{}", true);
        else add(where, start, range(node.falseBody).start, "", true);
        break;
      case "ExpressionStatement":
        if (isRequirement(node)) add(where, start, closed(end), "{}", true);
        break;
      case "ModifierInvocation":
        if (node.kind === "modifierInvocation") add(where, start, end, "", true);
        break;
      case "YulFunctionCall": {
        const name = range(node.functionName);
        for (const other of ASSEMBLY[node.functionName.name] ?? []) add(where, name.start, name.end, other, false);
        break;
      }
    }
    for (const [key, child] of Object.entries(node)) if (key !== "documentation") visit(child, where);
  }

  visit(tree, "");
  return found.sort((a, b) => a.start - b.start);
}

module.exports = { mutantsOf };
