// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger, Lifetime} from "../ledger/IMarkLedger.sol";
import {IProductionOracle, RootStatus, Round} from "../oracle/IProductionOracle.sol";
import {Asset, AssetStatus, IAssetRegistry} from "../registry/IAssetRegistry.sol";
import {IdentifierText} from "../registry/IdentifierText.sol";
import {Statement, StatementLeaf} from "../settlement/Statement.sol";
import {AggregatorV3Interface} from "./AggregatorV3Interface.sol";
import {IAssetFeed, Metric, Phase} from "./IAssetFeed.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// One figure of one asset, or of the fleet. Holds nothing: which figure is part of the clone's code.
contract AssetFeed is IAssetFeed {
    using StatementLeaf for Statement;

    bytes32 internal constant FLEET = bytes32(0);
    uint8 internal constant REVENUE_DECIMALS = 6;

    /// A figure as it stands; epoch zero when there is none.
    struct Reading {
        int256 answer;
        uint64 epoch;
        uint64 cutoff;
    }

    IProductionOracle public immutable oracle;
    IMarkLedger public immutable ledger;
    IAssetRegistry public immutable registry;
    // slither-disable-next-line naming-convention: a constant to all clones, since it is in their code
    address internal immutable IMPLEMENTATION = address(this);

    constructor(IProductionOracle oracle_, IMarkLedger ledger_, IAssetRegistry registry_) {
        oracle = oracle_;
        ledger = ledger_;
        registry = registry_;
    }

    /// @inheritdoc AggregatorV3Interface
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        (bytes32 subject, Metric counted) = _which();
        Reading memory reading = _newest(subject, counted);
        if (reading.epoch == 0) revert NeverStarted();
        return _roundData(reading);
    }

    /// @inheritdoc AggregatorV3Interface
    function getRoundData(uint80 roundId) external view returns (uint80, int256, uint256, uint256, uint80) {
        (bytes32 subject, Metric counted) = _which();
        if (roundId == 0 || roundId > type(uint64).max) revert NoDataPresent(roundId);
        // Checked on the line before.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint64 epoch = uint64(roundId);
        Reading memory reading = subject == FLEET ? _round(epoch, counted) : _settled(subject, counted);
        if (reading.epoch != epoch) revert NoDataPresent(roundId);
        return _roundData(reading);
    }

    /// @inheritdoc IAssetFeed
    // slither-disable-next-line timestamp: a block's time may be off by seconds; what is asked here is hours
    function readWithProof(uint64 epoch, Statement calldata statement, bytes32[] calldata proof, uint256 maxAgeS)
        external
        view
        returns (int256 answer, uint64 cutoff)
    {
        (bytes32 subject, Metric counted) = _which();
        if (subject == FLEET || statement.assetId != subject) revert OtherAsset(subject, statement.assetId);
        bytes32 root = oracle.activeRoot(epoch);
        if (root == bytes32(0)) revert RootNotActive(epoch);
        cutoff = statement.cutoff;
        // A block's time may be off by seconds; what is asked here is hours.
        // forge-lint: disable-next-line(block-timestamp)
        if (cutoff > block.timestamp) revert CutoffInFuture(cutoff, block.timestamp);
        if (_ageS(cutoff) > maxAgeS) revert TooOld(cutoff, maxAgeS);

        if (!MerkleProof.verifyCalldata(proof, root, statement.leaf())) revert BadProof();

        answer = _pick(
            counted,
            _net(statement.energyIssuedWh, statement.energyReversedWh),
            _net(statement.creditsIssuedG, statement.creditsReversedG),
            _net(statement.revenueIssuedMinor, statement.revenueReversedMinor)
        );
    }

    /// @inheritdoc IAssetFeed
    function phase(uint256 maxAgeS) external view returns (Phase) {
        (bytes32 subject, Metric counted) = _which();
        Reading memory reading = _newest(subject, counted);
        if (reading.epoch == 0) return Phase.NeverStarted;
        if (subject != FLEET && _isSealed(subject)) return Phase.Sealed;
        // slither-disable-next-line timestamp: seconds do not matter to an age in hours
        return _ageS(reading.cutoff) > maxAgeS ? Phase.Stale : Phase.Live;
    }

    /// @inheritdoc AggregatorV3Interface
    function decimals() external view returns (uint8) {
        (, Metric counted) = _which();
        return counted == Metric.Revenue ? REVENUE_DECIMALS : 0;
    }

    /// @inheritdoc AggregatorV3Interface
    function description() external view returns (string memory) {
        (bytes32 subject, Metric counted) = _which();
        // No identifier has a space in it, so no asset can pass for the fleet.
        string memory name = subject == FLEET ? "whole fleet" : IdentifierText.toText(subject);
        if (counted == Metric.Energy) return string.concat(name, " energy");
        return string.concat(name, counted == Metric.Credits ? " credits" : " revenue");
    }

    /// @inheritdoc AggregatorV3Interface
    function version() external pure returns (uint256) {
        return 1;
    }

    /// @inheritdoc IAssetFeed
    function assetId() external view returns (bytes32 subject) {
        (subject,) = _which();
    }

    /// @inheritdoc IAssetFeed
    function metric() external view returns (Metric counted) {
        (, counted) = _which();
    }

    /// What the clone was made for: the arguments in its code.
    function _which() internal view returns (bytes32 subject, Metric counted) {
        if (address(this) == IMPLEMENTATION) revert NotAFeed();
        return abi.decode(Clones.fetchCloneArgs(address(this)), (bytes32, Metric));
    }

    function _newest(bytes32 subject, Metric counted) internal view returns (Reading memory) {
        return subject == FLEET ? _round(oracle.lastActiveEpoch(), counted) : _settled(subject, counted);
    }

    /// What has been settled of an asset.
    function _settled(bytes32 subject, Metric counted) internal view returns (Reading memory) {
        Lifetime memory sum = ledger.lifetimeOf(subject);
        int256 answer = _pick(counted, int256(sum.energyWh), int256(sum.creditsG), int256(sum.revenueMinor));
        return Reading(answer, sum.epoch, sum.cutoff);
    }

    /// The signed totals of an epoch; none unless its report is active.
    function _round(uint64 epoch, Metric counted) internal view returns (Reading memory reading) {
        if (oracle.statusOf(epoch) != RootStatus.Active) return reading;
        // slither-disable-next-line unused-return: the root is not asked for
        (, Round memory round) = oracle.roundOf(epoch);
        int256 answer = _pick(
            counted,
            int256(uint256(round.energyWh)),
            int256(uint256(round.creditsG)),
            int256(uint256(round.revenueMinor))
        );
        return Reading(answer, epoch, round.cutoff);
    }

    function _isSealed(bytes32 subject) internal view returns (bool) {
        Asset memory asset = registry.asset(subject);
        if (asset.status == AssetStatus.Retired) return true;
        return ledger.isSealed(asset.projectId, ledger.lifetimeOf(subject).vintage);
    }

    /// No cutoff that the oracle or the ledger takes lies ahead of this block.
    function _ageS(uint64 cutoff) internal view returns (uint256) {
        return block.timestamp - cutoff;
    }

    function _roundData(Reading memory reading) internal pure returns (uint80, int256, uint256, uint256, uint80) {
        return (reading.epoch, reading.answer, reading.cutoff, reading.cutoff, reading.epoch);
    }

    function _pick(Metric counted, int256 energyWh, int256 creditsG, int256 revenueMinor)
        internal
        pure
        returns (int256)
    {
        if (counted == Metric.Energy) return energyWh;
        return counted == Metric.Credits ? creditsG : revenueMinor;
    }

    function _net(uint128 issued, uint128 reversed) internal pure returns (int256) {
        return int256(uint256(issued)) - int256(uint256(reversed));
    }
}
