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

/// What became of an epoch's report.
enum RootStatus {
    /// None was published, or its place in the ring has gone to a later one (256 numbers on, or a multiple).
    Unknown,
    /// Published, and not yet old enough to be settled: a guardian may disable it. Its place goes to nobody meanwhile.
    Pending,
    Active,
    /// Disabled while it was pending, for good.
    Disabled
}

/// One report as the ring keeps it, in two slots.
struct Round {
    uint56 energyWh;
    uint56 creditsG;
    uint64 revenueMinor;
    /// [s UTC]
    uint32 cutoff;
    /// [s UTC]; type(uint32).max when disabled.
    uint32 publishedAt;
    /// epoch / 256, which tells the epochs apart that share a place.
    uint16 lap;
}

/// Accepts at most one report an epoch, signed by the quorum, each building on the last one not disabled; keeps the last
/// 256 epochs' roots and totals. A root can be settled once it is older than the activation delay.
interface IProductionOracle {
    /// A report was accepted. `publisher` paid for it and has no other part in it.
    event Published(uint64 indexed epoch, bytes32 indexed digest, address indexed publisher, Report report);

    /// A guardian disabled a pending report: its root never settles, and `prev` is what it was before.
    event Disabled(uint64 indexed epoch, bytes32 indexed digest, bytes32 prev);

    /// A signer set took over: the `configCount`-th.
    event SignersSet(uint64 indexed configCount, bytes32 indexed configDigest, address[] signers, uint256 threshold);

    event PublishingPaused(bool paused);

    error PublishingIsPaused();
    /// The epoch is not beyond the last: a second report of an epoch, or one for an epoch that was skipped or disabled.
    error EpochNotBeyond(uint64 last, uint64 given);
    /// The epoch is more than 65 535 beyond the last, or 2^24 and more.
    error EpochTooFar(uint64 last, uint64 given);
    /// The report does not build on the last one that was not disabled.
    error WrongPrev(bytes32 expected, bytes32 given);
    /// The report was made for another signer set, or one that has been rotated out.
    error WrongConfig(bytes32 expected, bytes32 given);
    /// The report claims knowledge of a time that this chain has not reached.
    error CutoffInFuture(uint64 cutoff, uint256 blockTime);
    /// The report ends before the last one did.
    error CutoffFell(uint64 last, uint64 given);
    /// The epoch's place in the ring still holds a pending report, that of an earlier lap: overwritten, it could no longer be
    /// disabled.
    error PlaceHoldsPending(uint64 epoch, uint16 lap);
    error RootMissing();
    /// A total that no fleet on Earth reaches: more than a round holds.
    error TotalTooLarge(uint256 total);
    /// Exactly threshold x 65 bytes are taken, no more and no fewer.
    error WrongSignatureLength(uint256 expected, uint256 given);
    /// Not a signature in canonical form (low s, v 27 or 28).
    error InvalidSignature(uint256 index);
    /// The signature recovers to an account outside the signer set (another report, chain, contract or key), to one that
    /// has been counted already, or out of ascending order.
    error UnknownSigner(uint256 index, address recovered);
    /// Signers come in strictly ascending order, and none is zero.
    error SignersNotAscending(address before, address given);
    /// A quorum is at least two thirds of the signers, and at most all of them; at most 255 sign.
    error ThresholdOutOfRange(uint256 threshold, uint256 signers);
    /// The report is not the newest of those that stand.
    error NotTheNewest(bytes32 newest, bytes32 given);
    /// Only a pending report can be disabled.
    error NotPending(uint64 epoch, RootStatus status);
    error NothingToDisable();

    /// Accept the next report. Anyone may call. Its epoch need not be the one after the last: a node signs one report an
    /// epoch ever, so when signatures split over two proposals that epoch is left out and the next number is used.
    /// `signatures`: threshold x 65 bytes r || s || v, signers strictly ascending by address.
    function publish(Report calldata report, bytes calldata signatures) external;

    /// Disable pending reports, the newest first, each the one that the report before it builds on: a report falls with all
    /// its successors. Restricted to guardians. `lastDigest` becomes the `prev` of the last one given; epoch and cutoff stay.
    function disable(Report[] calldata newestFirst) external;

    /// Replace the signer set. Reports signed for the old one are refused from here on.
    /// `signers_` strictly ascending, `threshold_` at least two thirds of them.
    function setSigners(address[] calldata signers_, uint256 threshold_) external;

    /// Stop accepting reports. Restricted to guardians; resuming is not.
    function pausePublishing() external;
    function resumePublishing() external;

    /// The EIP-712 digest of a report on this chain and this contract.
    function reportDigest(Report calldata report) external view returns (bytes32);

    /// Root of an epoch's statements if it is active, else zero.
    function activeRoot(uint64 epoch) external view returns (bytes32);

    function statusOf(uint64 epoch) external view returns (RootStatus);

    /// Root and totals of an epoch, whatever its status; all zero when unknown.
    function roundOf(uint64 epoch) external view returns (bytes32 root, Round memory);

    /// Number of the newest active report; zero before the first, or when the last 256 numbers hold none.
    function lastActiveEpoch() external view returns (uint64);

    /// Highest number of a report ever published; zero before the first. Never falls.
    function lastEpoch() external view returns (uint64);

    /// Digest of the last report that was not disabled, the next one's `prev`; zero before the first.
    function lastDigest() external view returns (bytes32);

    /// Highest cutoff ever published [s UTC]. Never falls.
    function lastCutoff() external view returns (uint64);

    /// keccak256(abi.encode(chain id, this contract, signers, threshold, configCount)).
    function configDigest() external view returns (bytes32);

    /// How many signer sets there have been; the constructor's is 1. Never resets.
    function configCount() external view returns (uint64);

    /// The signer set, ascending.
    function signers() external view returns (address[] memory);

    /// How many signatures a report needs.
    function threshold() external view returns (uint256);

    /// How long a report is pending [s].
    function activationDelay() external view returns (uint256);

    function publishingPaused() external view returns (bool);
}
