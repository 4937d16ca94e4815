// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProductionOracle, Report, RootStatus, Round} from "./IProductionOracle.sol";
import {Quorum} from "./Quorum.sol";
import {ReportWords} from "./ReportWords.sol";
import {RoundWord, RoundWords} from "./RoundWord.sol";
import {SignerCode} from "./SignerCode.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// Accepts at most one report an epoch, signed by the quorum, each building on the last one not disabled; keeps a ring of
/// roots. Publishing writes four slots, all of which were written before: head, digest, root, round.
contract ProductionOracle is IProductionOracle, EIP712, AccessManaged {
    /// What publishing reads and writes, in one slot.
    struct Head {
        /// Whose code is the signer set: see `SignerCode`.
        address signers;
        uint32 lastEpoch;
        uint32 lastCutoff;
        uint8 threshold;
        bool publishingPaused;
    }

    /// A place of the ring: two slots.
    struct Place {
        bytes32 root;
        RoundWord round;
    }

    uint64 internal constant RING_PLACES = 256;
    /// One number beyond the last that a round's `lap` can tell.
    uint64 internal constant EPOCH_LIMIT = RING_PLACES << 16;
    uint64 internal constant LONGEST_STEP = 65_535;
    uint256 internal constant MAX_SIGNERS = 255;

    /// @inheritdoc IProductionOracle
    uint256 public immutable activationDelay;
    /// @inheritdoc IProductionOracle
    bytes32 public lastDigest;
    /// @inheritdoc IProductionOracle
    uint64 public configCount;
    Head internal _head;
    Place[RING_PLACES] internal _ring;

    constructor(address authority, address[] memory signers_, uint256 threshold_, uint256 activationDelay_)
        EIP712("Heliograph", "1")
        AccessManaged(authority)
    {
        activationDelay = activationDelay_;
        _setSigners(signers_, threshold_);
    }

    /// @inheritdoc IProductionOracle
    // slither-disable-next-line timestamp: a few seconds more or less do not matter to a cutoff or a delay
    function publish(Report calldata report, bytes calldata signatures) external {
        Head memory head = _head;
        if (head.publishingPaused) revert PublishingIsPaused();
        (uint64 epoch, uint64 cutoff) = (report.epoch, report.cutoff);
        if (epoch <= head.lastEpoch) revert EpochNotBeyond(head.lastEpoch, epoch);
        unchecked {
            // It is beyond the last, as was just checked.
            uint64 step = epoch - head.lastEpoch;
            if (step > LONGEST_STEP || epoch >= EPOCH_LIMIT) revert EpochTooFar(head.lastEpoch, epoch);
        }
        if (report.prev != lastDigest) revert WrongPrev(lastDigest, report.prev);
        (bytes32 config, bytes memory packedSigners) = SignerCode.read(head.signers);
        if (report.configDigest != config) revert WrongConfig(config, report.configDigest);
        // A few seconds more or less do not matter.
        // forge-lint: disable-next-line(block-timestamp)
        if (cutoff > block.timestamp) revert CutoffInFuture(cutoff, block.timestamp);
        if (cutoff < head.lastCutoff) revert CutoffFell(head.lastCutoff, cutoff);
        if (report.root == bytes32(0)) revert RootMissing();
        Place storage place = _ring[epoch % RING_PLACES];
        // Overwritten, it could no longer be disabled.
        if (_statusIn(place.round) == RootStatus.Pending) revert PlaceHoldsPending(epoch, place.round.lap());
        // forge-lint: disable-next-line(unsafe-typecast)
        RoundWord round = RoundWords.roundNow(report.totals, cutoff, uint16(epoch / RING_PLACES)); // below EPOCH_LIMIT

        bytes32 digest = reportDigest(report);
        Quorum.verify(digest, signatures, packedSigners, head.threshold);

        // forge-lint: disable-next-line(unsafe-typecast)
        _advance(uint32(epoch), uint32(cutoff)); // below EPOCH_LIMIT; no later than now, which roundNow has found to fit
        lastDigest = digest;
        place.root = report.root;
        place.round = round;
        ReportWords.emitPublished(report, digest);
    }

    /// @inheritdoc IProductionOracle
    function disable(Report[] calldata newestFirst) external restricted {
        if (newestFirst.length == 0) revert NothingToDisable();
        bytes32 newest = lastDigest;
        for (uint256 i = 0; i < newestFirst.length; ++i) {
            Report calldata report = newestFirst[i];
            bytes32 digest = reportDigest(report);
            if (digest != newest) revert NotTheNewest(newest, digest);
            RootStatus status = statusOf(report.epoch);
            if (status != RootStatus.Pending) revert NotPending(report.epoch, status);

            Place storage place = _ring[report.epoch % RING_PLACES];
            place.round = place.round.disabled();
            newest = report.prev;
            emit Disabled(report.epoch, digest, newest);
        }
        lastDigest = newest;
    }

    /// @inheritdoc IProductionOracle
    function setSigners(address[] calldata signers_, uint256 threshold_) external restricted {
        _setSigners(signers_, threshold_);
    }

    /// @inheritdoc IProductionOracle
    function pausePublishing() external restricted {
        _pausePublishing(true);
    }

    /// @inheritdoc IProductionOracle
    function resumePublishing() external restricted {
        _pausePublishing(false);
    }

    /// @inheritdoc IProductionOracle
    function activeRoot(uint64 epoch) external view returns (bytes32) {
        return statusOf(epoch) == RootStatus.Active ? _ring[epoch % RING_PLACES].root : bytes32(0);
    }

    /// @inheritdoc IProductionOracle
    function roundOf(uint64 epoch) external view returns (bytes32 root, Round memory round) {
        if (statusOf(epoch) != RootStatus.Unknown) {
            Place storage place = _ring[epoch % RING_PLACES];
            (root, round) = (place.root, place.round.unpack());
        }
    }

    /// @inheritdoc IProductionOracle
    function lastActiveEpoch() external view returns (uint64) {
        uint64 last = _head.lastEpoch;
        for (uint64 back = 0; back < RING_PLACES && back < last; ++back) {
            if (statusOf(last - back) == RootStatus.Active) return last - back;
        }
        return 0;
    }

    /// @inheritdoc IProductionOracle
    function lastEpoch() external view returns (uint64) {
        return _head.lastEpoch;
    }

    /// @inheritdoc IProductionOracle
    function lastCutoff() external view returns (uint64) {
        return _head.lastCutoff;
    }

    /// @inheritdoc IProductionOracle
    function publishingPaused() external view returns (bool) {
        return _head.publishingPaused;
    }

    /// @inheritdoc IProductionOracle
    function threshold() external view returns (uint256) {
        return _head.threshold;
    }

    /// @inheritdoc IProductionOracle
    function signers() external view returns (address[] memory) {
        // slither-disable-next-line unused-return: the digest is not asked for
        (, bytes memory packedSigners) = SignerCode.read(_head.signers);
        return SignerCode.unpack(packedSigners);
    }

    /// @inheritdoc IProductionOracle
    function configDigest() external view returns (bytes32 digest) {
        // slither-disable-next-line unused-return: the signers are not asked for
        (digest,) = SignerCode.read(_head.signers);
    }

    /// @inheritdoc IProductionOracle
    function reportDigest(Report calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(ReportWords.hashStruct(report));
    }

    /// @inheritdoc IProductionOracle
    function statusOf(uint64 epoch) public view returns (RootStatus) {
        RoundWord round = _ring[epoch % RING_PLACES].round;
        return round.lap() == epoch / RING_PLACES ? _statusIn(round) : RootStatus.Unknown;
    }

    function _advance(uint32 epoch, uint32 cutoff) internal {
        _head.lastEpoch = epoch;
        _head.lastCutoff = cutoff;
    }

    /// Of the report that a place holds, whichever that is.
    // slither-disable-next-line timestamp: a few seconds more or less do not matter to a delay
    function _statusIn(RoundWord round) internal view returns (RootStatus) {
        uint256 publishedAt = round.publishedAt();
        if (publishedAt == 0) return RootStatus.Unknown;
        if (publishedAt == RoundWords.DISABLED) return RootStatus.Disabled;
        // A few seconds more or less do not matter.
        // forge-lint: disable-next-line(block-timestamp)
        return block.timestamp - publishedAt < activationDelay ? RootStatus.Pending : RootStatus.Active;
    }

    function _pausePublishing(bool paused) internal {
        _head.publishingPaused = paused;
        emit PublishingPaused(paused);
    }

    function _setSigners(address[] memory signers_, uint256 threshold_) internal {
        uint256 count = signers_.length;
        // ceil(2n/3): any two quorums share an honest signer while fewer than a third lie.
        if (threshold_ == 0 || threshold_ > count || threshold_ * 3 < count * 2 || count > MAX_SIGNERS) {
            revert ThresholdOutOfRange(threshold_, count);
        }
        address before = address(0);
        for (uint256 i = 0; i < count; ++i) {
            if (signers_[i] <= before) revert SignersNotAscending(before, signers_[i]);
            before = signers_[i];
        }

        bytes32 digest = keccak256(abi.encode(block.chainid, address(this), signers_, threshold_, ++configCount));
        _head.signers = SignerCode.write(digest, signers_);
        // forge-lint: disable-next-line(unsafe-typecast)
        _head.threshold = uint8(threshold_); // at most MAX_SIGNERS
        emit SignersSet(configCount, digest, signers_, threshold_);
    }
}
