// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssetShare} from "./IAssetShare.sol";

/// Issues the shares of each asset, once, and is the only one that enforces on them: always with a reason, in public.
interface IShareOffice {
    event Issued(
        bytes32 indexed assetId,
        IAssetShare indexed share,
        address indexed holder,
        uint48 supply,
        uint8 minimumClass,
        string name,
        string symbol
    );
    /// So many shares of an account are frozen now; none when it was unfrozen.
    event FreezeOrdered(bytes32 indexed assetId, address indexed account, uint256 units, string reason);
    event TransferOrdered(
        bytes32 indexed assetId, address indexed from, address indexed to, uint256 units, string reason
    );
    event RecoveryOrdered(
        bytes32 indexed assetId, address indexed lost, address indexed replacement, uint256 units, string reason
    );
    event RevenueShareSet(address indexed revenueShare);

    error UnknownAsset(bytes32 assetId);
    /// One share an asset, for good.
    error AlreadyIssued(bytes32 assetId, IAssetShare share);
    error NotIssued(bytes32 assetId);
    error SupplyMissing();
    error NotEligible(address holder, uint8 minimumClass);
    error ReasonMissing();
    /// To freeze nothing is to unfreeze.
    error NothingToFreeze();
    error RevenueShareAlreadySet(address revenueShare);
    /// What takes units of revenue must have been made for this office.
    error NotOfThisOffice(address revenueShare);

    /// Name the contract that turns what holders have earned into receivables. Once, for good.
    function setRevenueShare(address revenueShare_) external;

    /// Make the share of an asset and give all of it to its first holder, who must be eligible. Revenue settled before is the
    /// first holder's. `name` has at most 31 bytes.
    function issue(
        bytes32 assetId,
        string calldata name,
        string calldata symbol,
        uint48 supply,
        address holder,
        uint8 minimumClass
    ) external returns (IAssetShare);

    /// Freeze so many shares of an account in all, in place of what was frozen; may be more than it holds. As long as any is
    /// frozen, the account claims nothing of this asset.
    function freeze(bytes32 assetId, address account, uint256 units, string calldata reason) external;
    function unfreeze(bytes32 assetId, address account, string calldata reason) external;

    /// Take shares from one account and give them to an eligible one. What has accrued stays where it is.
    function forceTransfer(bytes32 assetId, address from, address to, uint256 units, string calldata reason) external;

    /// Move everything of a lost account to an eligible one: shares, frozen number, what has accrued in the running month and
    /// in `months`. May be called again with other months. Receivables follow with `RevenueShare.recover`.
    function recover(
        bytes32 assetId,
        address lost,
        address replacement,
        uint32[] calldata months,
        string calldata reason
    ) external;

    /// Stop transfers that holders make, of these assets. Restricted to guardians; resuming is not.
    function pauseTransfers(bytes32[] calldata assetIds) external;
    function resumeTransfers(bytes32[] calldata assetIds) external;

    /// The share of an asset; zero when there is none.
    function shareOf(bytes32 assetId) external view returns (IAssetShare);

    /// What may call `AssetShare.take`; zero before it was named.
    function revenueShare() external view returns (address);
}
