// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger} from "../ledger/IMarkLedger.sol";
import {IProductionOracle} from "../oracle/IProductionOracle.sol";
import {AssetStatus, IAssetRegistry} from "../registry/IAssetRegistry.sol";
import {AssetFeed} from "./AssetFeed.sol";
import {Metric} from "./IAssetFeed.sol";
import {IFeedFactory} from "./IFeedFactory.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

/// Makes feeds: clones with the asset and the metric in their code, so there is nothing to initialise and nothing to change.
contract FeedFactory is IFeedFactory {
    /// What a clone is for tells the addresses apart already.
    bytes32 internal constant SALT = bytes32(0);
    bytes32 internal constant FLEET = bytes32(0);

    IAssetRegistry public immutable registry;
    address public immutable implementation;

    constructor(IProductionOracle oracle, IMarkLedger ledger, IAssetRegistry registry_) {
        registry = registry_;
        implementation = address(new AssetFeed(oracle, ledger, registry_));
    }

    /// @inheritdoc IFeedFactory
    function create(bytes32 assetId, Metric metric) external returns (address feed) {
        if (assetId != FLEET && registry.asset(assetId).status == AssetStatus.Unregistered) {
            revert UnknownAsset(assetId);
        }
        if (isCreated(assetId, metric)) return addressOf(assetId, metric);

        feed = Clones.cloneDeterministicWithImmutableArgs(implementation, _arguments(assetId, metric), SALT);
        emit FeedCreated(assetId, metric, feed);
    }

    /// @inheritdoc IFeedFactory
    function addressOf(bytes32 assetId, Metric metric) public view returns (address feed) {
        return Clones.predictDeterministicAddressWithImmutableArgs(implementation, _arguments(assetId, metric), SALT);
    }

    /// @inheritdoc IFeedFactory
    function isCreated(bytes32 assetId, Metric metric) public view returns (bool) {
        return addressOf(assetId, metric).code.length != 0;
    }

    function _arguments(bytes32 assetId, Metric metric) internal pure returns (bytes memory) {
        return abi.encode(assetId, metric);
    }
}
