// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProductionOracle, Report, Totals} from "./IProductionOracle.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// Accepts at most one report an epoch, signed by the quorum, each building on the last; keeps the roots.
contract ProductionOracle is IProductionOracle, EIP712, AccessManaged {
    bytes32 internal constant TOTALS_TYPEHASH =
        keccak256("Totals(uint128 energyWh,uint128 creditsG,uint128 revenueMinor)");
    bytes32 internal constant REPORT_TYPEHASH = keccak256(
        "Report(uint64 epoch,bytes32 prev,uint64 cutoff,bytes32 configDigest,bytes32 rulesDigest,uint64 registryBlock,"
        "bytes32 registryHash,bytes32 root,Totals totals,uint32 leafCount,bytes32 dataHash)"
        "Totals(uint128 energyWh,uint128 creditsG,uint128 revenueMinor)"
    );
    uint256 internal constant SIGNATURE_BYTES = 65;

    uint64 public lastEpoch;
    uint64 public lastCutoff;
    uint64 public configCount;
    uint64 internal _threshold;
    bytes32 public configDigest;
    mapping(uint64 epoch => bytes32) public rootAt;
    mapping(uint64 epoch => bytes32) public digestAt;

    address[] internal _signers;
    /// The last signer set an account was part of: it signs now if that is the present one.
    mapping(address account => uint64 configCount) internal _memberOf;

    constructor(address authority, address[] memory signers_, uint256 threshold_)
        EIP712("Heliograph", "1")
        AccessManaged(authority)
    {
        _setSigners(signers_, threshold_);
    }

    /// @inheritdoc IProductionOracle
    function publish(Report calldata report, bytes calldata signatures) external {
        uint64 last = lastEpoch;
        bytes32 prev = digestAt[last];
        if (report.epoch <= last) revert EpochNotBeyond(last, report.epoch);
        if (report.prev != prev) revert WrongPrev(prev, report.prev);
        if (report.configDigest != configDigest) revert WrongConfig(configDigest, report.configDigest);
        if (report.cutoff > block.timestamp) revert CutoffInFuture(report.cutoff, block.timestamp);
        if (report.cutoff < lastCutoff) revert CutoffFell(lastCutoff, report.cutoff);
        if (report.root == bytes32(0)) revert RootMissing();

        bytes32 digest = reportDigest(report);
        _verifyQuorum(digest, signatures);

        lastEpoch = report.epoch;
        lastCutoff = report.cutoff;
        rootAt[report.epoch] = report.root;
        digestAt[report.epoch] = digest;
        emit Published(report.epoch, digest, msg.sender, report);
    }

    /// @inheritdoc IProductionOracle
    function setSigners(address[] calldata signers_, uint256 threshold_) external restricted {
        _setSigners(signers_, threshold_);
    }

    /// @inheritdoc IProductionOracle
    function reportDigest(Report calldata report) public view returns (bytes32) {
        Totals calldata totals = report.totals;
        bytes32 totalsHash =
            keccak256(abi.encode(TOTALS_TYPEHASH, totals.energyWh, totals.creditsG, totals.revenueMinor));
        // Two halves, since one call would take more variables than the stack holds.
        bytes memory head = abi.encode(
            REPORT_TYPEHASH, report.epoch, report.prev, report.cutoff, report.configDigest, report.rulesDigest
        );
        bytes memory tail = abi.encode(
            report.registryBlock, report.registryHash, report.root, totalsHash, report.leafCount, report.dataHash
        );
        return _hashTypedDataV4(keccak256(bytes.concat(head, tail)));
    }

    /// @inheritdoc IProductionOracle
    function lastDigest() external view returns (bytes32) {
        return digestAt[lastEpoch];
    }

    /// @inheritdoc IProductionOracle
    function signers() external view returns (address[] memory) {
        return _signers;
    }

    /// @inheritdoc IProductionOracle
    function threshold() external view returns (uint256) {
        return _threshold;
    }

    function _verifyQuorum(bytes32 digest, bytes calldata signatures) internal view {
        uint256 needed = _threshold;
        if (signatures.length != needed * SIGNATURE_BYTES) {
            revert WrongSignatureLength(needed * SIGNATURE_BYTES, signatures.length);
        }
        uint64 current = configCount;
        address before = address(0);
        for (uint256 i = 0; i < needed; ++i) {
            bytes calldata signature = signatures[i * SIGNATURE_BYTES:(i + 1) * SIGNATURE_BYTES];
            // Refuses a high s and any v but 27 and 28.
            (address signer, ECDSA.RecoverError flaw,) =
                ECDSA.tryRecover(digest, uint8(signature[64]), bytes32(signature[0:32]), bytes32(signature[32:64]));
            if (flaw != ECDSA.RecoverError.NoError) revert InvalidSignature(i);
            if (_memberOf[signer] != current) revert UnknownSigner(i, signer);
            if (signer <= before) revert SignersNotAscending(before, signer);
            before = signer;
        }
    }

    function _setSigners(address[] memory signers_, uint256 threshold_) internal {
        // ceil(2n/3): any two quorums share an honest signer while fewer than a third lie.
        if (threshold_ == 0 || threshold_ * 3 < signers_.length * 2 || threshold_ > signers_.length) {
            revert ThresholdOutOfRange(threshold_, signers_.length);
        }
        uint64 count = configCount + 1;
        address before = address(0);
        for (uint256 i = 0; i < signers_.length; ++i) {
            if (signers_[i] <= before) revert SignersNotAscending(before, signers_[i]);
            before = signers_[i];
            _memberOf[before] = count;
        }
        configCount = count;
        _threshold = uint64(threshold_);
        _signers = signers_;
        configDigest = keccak256(abi.encode(block.chainid, address(this), signers_, threshold_, count));
        emit SignersSet(count, configDigest, signers_, threshold_);
    }
}
