// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Metric} from "./IAssetFeed.sol";

/// Makes feeds, one for each asset and metric, each at an address known beforehand. Asset zero is the fleet.
interface IFeedFactory {
    event FeedCreated(bytes32 indexed assetId, Metric indexed metric, address feed);

    /// The asset is not registered.
    error UnknownAsset(bytes32 assetId);

    /// Make the feed, or give the one there is. Anyone may call.
    function create(bytes32 assetId, Metric metric) external returns (address feed);

    /// Where the feed is, or will be.
    function addressOf(bytes32 assetId, Metric metric) external view returns (address feed);

    /// Whether it has been made.
    function isCreated(bytes32 assetId, Metric metric) external view returns (bool);

    /// The code that feeds are clones of.
    function implementation() external view returns (address);
}
