// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Net figures over all leaves of a report: issued minus reversed.
struct Totals {
    uint128 energyWh;
    uint128 creditsG;
    uint128 revenueMinor;
}

/// What the quorum signs (EIP-712, domain "Heliograph" version "1" on this chain and this oracle).
struct Report {
    /// The report's number, higher than any published before: mostly the next, but numbers may be skipped. Never a time.
    uint64 epoch;
    /// EIP-712 digest of the last report published; zero for the first.
    bytes32 prev;
    /// Energy up to this instant is in the report [s UTC].
    uint64 cutoff;
    /// The signer set that signs it: see `IProductionOracle.configDigest`.
    bytes32 configDigest;
    /// Factors, tariffs, methodologies and validation rules that were applied.
    bytes32 rulesDigest;
    /// The block whose registry was used, and the hash of what was read there.
    uint64 registryBlock;
    bytes32 registryHash;
    /// OpenZeppelin StandardMerkleTree root over the statements.
    bytes32 root;
    Totals totals;
    uint32 leafCount;
    /// Hash of the report's published working: what an auditor needs to repeat it.
    bytes32 dataHash;
}

/// Accepts at most one report an epoch, signed by the quorum, each building on the last; keeps the roots.
interface IProductionOracle {
    /// A report was accepted. `publisher` paid for it and has no other part in it.
    event Published(uint64 indexed epoch, bytes32 indexed digest, address indexed publisher, Report report);

    /// A signer set took over: the `configCount`-th.
    event SignersSet(uint64 indexed configCount, bytes32 indexed configDigest, address[] signers, uint256 threshold);

    /// The epoch is not beyond the last: a second report of an epoch, or one for an epoch that was skipped.
    error EpochNotBeyond(uint64 last, uint64 given);
    /// The report does not build on the last one accepted.
    error WrongPrev(bytes32 expected, bytes32 given);
    /// The report was made for another signer set, or one that has been rotated out.
    error WrongConfig(bytes32 expected, bytes32 given);
    /// The report claims knowledge of a time that this chain has not reached.
    error CutoffInFuture(uint64 cutoff, uint256 blockTime);
    /// The report ends before the last one did.
    error CutoffFell(uint64 last, uint64 given);
    error RootMissing();
    /// Exactly threshold x 65 bytes are taken, no more and no fewer.
    error WrongSignatureLength(uint256 expected, uint256 given);
    /// Not a signature in canonical form (low s, v 27 or 28).
    error InvalidSignature(uint256 index);
    /// The signature recovers to an account outside the signer set: another report, chain, contract or key.
    error UnknownSigner(uint256 index, address recovered);
    /// Signatures come in strictly ascending order of signer, so nobody counts twice.
    error SignersNotAscending(address before, address given);
    /// A quorum is at least two thirds of the signers, and at most all of them.
    error ThresholdOutOfRange(uint256 threshold, uint256 signers);

    /// Accept the next report. Anyone may call. Its epoch need not be the one after the last: a node signs one report an
    /// epoch ever, so when signatures split over two proposals that epoch is left out and the next number is used.
    /// `signatures`: threshold x 65 bytes r || s || v, signers strictly ascending by address.
    function publish(Report calldata report, bytes calldata signatures) external;

    /// Replace the signer set. Reports signed for the old one are refused from here on.
    /// `signers_` strictly ascending, `threshold_` at least two thirds of them.
    function setSigners(address[] calldata signers_, uint256 threshold_) external;

    /// The EIP-712 digest of a report on this chain and this contract.
    function reportDigest(Report calldata report) external view returns (bytes32);

    /// Root of an epoch's statements; zero when there is none, as for an epoch that was skipped.
    function rootAt(uint64 epoch) external view returns (bytes32);

    /// EIP-712 digest of an epoch's report; zero when there is none, as for an epoch that was skipped.
    function digestAt(uint64 epoch) external view returns (bytes32);

    /// Number of the last report; zero before the first.
    function lastEpoch() external view returns (uint64);

    /// Digest of the last report, the next one's `prev`; zero before the first.
    function lastDigest() external view returns (bytes32);

    /// Cutoff of the last report [s UTC].
    function lastCutoff() external view returns (uint64);

    /// keccak256(abi.encode(chain id, this contract, signers, threshold, configCount)).
    function configDigest() external view returns (bytes32);

    /// How many signer sets there have been; the constructor's is 1. Never resets.
    function configCount() external view returns (uint64);

    /// The signer set, ascending.
    function signers() external view returns (address[] memory);

    /// How many signatures a report needs.
    function threshold() external view returns (uint256);
}
