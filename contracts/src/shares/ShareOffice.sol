// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger} from "../ledger/IMarkLedger.sol";
import {AssetStatus, IAssetRegistry} from "../registry/IAssetRegistry.sol";
import {IRevenueShare} from "../revenue/IRevenueShare.sol";
import {AssetShare} from "./AssetShare.sol";
import {IAssetShare} from "./IAssetShare.sol";
import {IIdentityRegistry} from "./IIdentityRegistry.sol";
import {IShareOffice} from "./IShareOffice.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// Issues the shares of each asset and enforces on them. Holds no shares itself.
contract ShareOffice is IShareOffice, AccessManaged {
    IAssetRegistry public immutable registry;
    IIdentityRegistry public immutable identities;
    IMarkLedger public immutable ledger;

    mapping(bytes32 assetId => IAssetShare) public shareOf;
    address public revenueShare;

    modifier withReason(string calldata reason) {
        if (bytes(reason).length == 0) revert ReasonMissing();
        _;
    }

    constructor(address authority, IAssetRegistry registry_, IIdentityRegistry identities_, IMarkLedger ledger_)
        AccessManaged(authority)
    {
        registry = registry_;
        identities = identities_;
        ledger = ledger_;
    }

    /// @inheritdoc IShareOffice
    function setRevenueShare(address revenueShare_) external restricted {
        if (revenueShare != address(0)) revert RevenueShareAlreadySet(revenueShare);
        if (address(IRevenueShare(revenueShare_).office()) != address(this)) revert NotOfThisOffice(revenueShare_);

        revenueShare = revenueShare_;
        emit RevenueShareSet(revenueShare_);
    }

    /// @inheritdoc IShareOffice
    function issue(
        bytes32 assetId,
        string calldata name,
        string calldata symbol,
        uint48 supply,
        address holder,
        uint8 minimumClass
    ) external restricted returns (IAssetShare share) {
        if (registry.asset(assetId).status == AssetStatus.Unregistered) revert UnknownAsset(assetId);
        if (address(shareOf[assetId]) != address(0)) revert AlreadyIssued(assetId, shareOf[assetId]);
        if (supply == 0) revert SupplyMissing();
        if (!identities.isEligible(holder, minimumClass)) revert NotEligible(holder, minimumClass);

        share = new AssetShare(ledger, identities, assetId, name, symbol, supply, holder, minimumClass);
        shareOf[assetId] = share;
        emit Issued(assetId, share, holder, supply, minimumClass, name, symbol);
    }

    /// @inheritdoc IShareOffice
    function freeze(bytes32 assetId, address account, uint256 units, string calldata reason)
        external
        restricted
        withReason(reason)
    {
        if (units == 0) revert NothingToFreeze();
        _setFrozen(assetId, account, units, reason);
    }

    /// @inheritdoc IShareOffice
    function unfreeze(bytes32 assetId, address account, string calldata reason) external restricted withReason(reason) {
        _setFrozen(assetId, account, 0, reason);
    }

    /// @inheritdoc IShareOffice
    function forceTransfer(bytes32 assetId, address from, address to, uint256 units, string calldata reason)
        external
        restricted
        withReason(reason)
    {
        // slither-disable-next-line unused-return: it returns true or reverts
        _shareOf(assetId).forcedTransfer(from, to, units);
        emit TransferOrdered(assetId, from, to, units, reason);
    }

    /// @inheritdoc IShareOffice
    function recover(
        bytes32 assetId,
        address lost,
        address replacement,
        uint32[] calldata months,
        string calldata reason
    ) external restricted withReason(reason) {
        uint256 units = _shareOf(assetId).recover(lost, replacement, months);
        emit RecoveryOrdered(assetId, lost, replacement, units, reason);
    }

    /// @inheritdoc IShareOffice
    function pauseTransfers(bytes32[] calldata assetIds) external restricted {
        _setPaused(assetIds, true);
    }

    /// @inheritdoc IShareOffice
    function resumeTransfers(bytes32[] calldata assetIds) external restricted {
        _setPaused(assetIds, false);
    }

    // The share is ours: it calls nobody back, and returns true or reverts.
    // slither-disable-next-line reentrancy-events,unused-return
    function _setFrozen(bytes32 assetId, address account, uint256 units, string calldata reason) internal {
        _shareOf(assetId).setFrozenTokens(account, units);
        emit FreezeOrdered(assetId, account, units, reason);
    }

    function _setPaused(bytes32[] calldata assetIds, bool paused) internal {
        for (uint256 i = 0; i < assetIds.length; ++i) {
            // slither-disable-next-line calls-loop: the shares are ours; the caller says which
            _shareOf(assetIds[i]).setTransfersPaused(paused);
        }
    }

    function _shareOf(bytes32 assetId) internal view returns (IAssetShare share) {
        share = shareOf[assetId];
        if (address(share) == address(0)) revert NotIssued(assetId);
    }
}
