// Rebuilds the trees of merkle.json (its path is the argument) with @openzeppelin/merkle-tree, found in contracts/node_modules,
// and prints for each case what that package makes of it.
"use strict";
const { readFileSync } = require("fs");
const { StandardMerkleTree } = require("@openzeppelin/merkle-tree");

const vectors = JSON.parse(readFileSync(process.argv[2], "utf8"));
const results = vectors.cases.map(({ root, leaves, multiproofs }) => {
  const tree = StandardMerkleTree.of(leaves.map(({ statement }) => Object.values(statement)), vectors.types);
  const together = multiproofs.map(({ shown }) => {
    const { leaves: fields, proof, proofFlags: flags } = tree.getMultiProof(shown.map(Number));
    return { shown, leaves: fields.map((statement) => tree.leafHash(statement)), proof, flags };
  });
  return {
    root: tree.root,
    leaves: leaves.map(({ statement }) => tree.leafHash(Object.values(statement))),
    proofs: leaves.map(({ statement }) => tree.getProof(Object.values(statement))),
    ours: leaves.map(({ statement, proof }) =>
      StandardMerkleTree.verify(root, vectors.types, Object.values(statement), proof)),
    multiproofs: together,
    altered: leaves.map(({ statement, proof }) =>
      StandardMerkleTree.verify(root, vectors.types, Object.values({ ...statement, vintage: "1" }), proof)),
  };
});
process.stdout.write(JSON.stringify(results));
