// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset, IAssetRegistry} from "./IAssetRegistry.sol";
import {IRevenueShare} from "./IRevenueShare.sol";
import {LocalTime} from "./LocalTime.sol";
import {SettledToken} from "./SettledToken.sol";
import {Statement} from "./Statement.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// Receivables: one unit is 1 minor unit of revenue attested for an asset's month. Id = assetId | month (yyyy * 100 + mm).
contract RevenueShare is IRevenueShare, SettledToken, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// A holder's account on one id.
    struct Account {
        /// Deposits up to here are in `accrued`.
        uint128 fundedSeen;
        uint128 claimedMinor;
        /// Sum of units held x deposits that came while they were held: exact, since it is divided by the supply only
        /// when paid, and the supply of a closed month is fixed. So no remainder is lost and no order matters.
        uint256 accrued;
    }

    mapping(uint256 id => uint256) public fundedMinor;
    mapping(bytes32 assetId => uint32) public lastClosedMonth;
    mapping(uint256 id => mapping(address holder => Account)) internal _accounts;

    constructor(address authority, IAssetRegistry registry_) SettledToken(authority, registry_) {}

    /// @inheritdoc IRevenueShare
    function deposit(bytes32 assetId, uint32 month, uint256 depositMinor) external nonReentrant {
        uint256 id = idOf(assetId, month);
        if (totalSupply[id] == 0) revert NothingAttested(assetId, month);
        Asset memory asset = registry.asset(assetId);
        uint256 arrived = _pull(_currencyOf(asset), depositMinor);
        if (arrived == 0) revert NothingDeposited();
        // Read after the call into the currency, so that nothing it does in between goes unseen.
        uint256 supply = totalSupply[id];
        uint256 funded = fundedMinor[id];
        bool first = funded == 0;
        funded += arrived;
        if (funded > supply) revert MoreThanAttested(supply, funded);
        if (first && funded < supply) {
            int256 endsAt = LocalTime.monthStart(LocalTime.monthAfter(month), asset.utcOffset);
            // A month with units has begun after 1970, so its end is not negative.
            if (int256(block.timestamp) < endsAt) revert MonthNotEnded(month, uint256(endsAt));
        }

        fundedMinor[id] = funded;
        if (first) {
            if (month > lastClosedMonth[assetId]) lastClosedMonth[assetId] = month;
            emit MonthClosed(assetId, month, supply);
        }
        emit Deposited(assetId, month, msg.sender, arrived, funded);
    }

    /// @inheritdoc IRevenueShare
    function claim(uint256[] calldata ids, address to) external nonReentrant {
        if (to == address(0)) revert RecipientMissing();
        for (uint256 i = 0; i < ids.length; ++i) {
            uint256 id = ids[i];
            uint256 due = owed(msg.sender, id);
            if (due == 0) continue;
            _accounts[id][msg.sender].claimedMinor += uint128(due);
            emit Claimed(msg.sender, id, to, due);
            _currencyOf(registry.asset(_assetIdOf(id))).safeTransfer(to, due);
        }
    }

    /// @inheritdoc IRevenueShare
    function owed(address holder, uint256 id) public view returns (uint256) {
        return _entitledMinorDown(holder, id) - _accounts[id][holder].claimedMinor;
    }

    /// @inheritdoc IRevenueShare
    function idOf(bytes32 assetId, uint32 month) public pure returns (uint256) {
        return uint256(assetId) | month;
    }

    /// What came in while a holder held units stays with that holder when the units move on.
    function _update(address from, address to, uint256[] memory ids, uint256[] memory units) internal override {
        for (uint256 i = 0; i < ids.length; ++i) {
            _accrue(from, ids[i]);
            _accrue(to, ids[i]);
        }
        super._update(from, to, ids, units);
    }

    function _accrue(address holder, uint256 id) internal {
        uint256 funded = fundedMinor[id];
        if (funded == 0 || holder == address(0)) return;
        Account storage account = _accounts[id][holder];
        if (funded == account.fundedSeen) return;
        account.accrued = _accruedOf(holder, id);
        account.fundedSeen = uint128(funded);
    }

    /// Units held x deposits, summed up to now.
    function _accruedOf(address holder, uint256 id) internal view returns (uint256) {
        Account storage account = _accounts[id][holder];
        return account.accrued + balanceOf(holder, id) * (fundedMinor[id] - account.fundedSeen);
    }

    function _entitledMinorDown(address holder, uint256 id) internal view returns (uint256) {
        uint256 supply = totalSupply[id];
        return supply == 0 ? 0 : _accruedOf(holder, id) / supply;
    }

    /// Take currency from the caller and count what arrived.
    function _pull(IERC20 currency, uint256 minor) internal returns (uint256) {
        uint256 before = currency.balanceOf(address(this));
        currency.safeTransferFrom(msg.sender, address(this), minor);
        return currency.balanceOf(address(this)) - before;
    }

    function _currencyOf(Asset memory asset) internal view returns (IERC20) {
        return IERC20(registry.project(asset.projectId).currency);
    }

    function _assetIdOf(uint256 id) internal pure returns (bytes32) {
        return bytes32(id & ~uint256(type(uint32).max));
    }

    function _countersOf(Statement calldata statement) internal pure override returns (uint256, uint256) {
        return (statement.revenueIssuedMinor, statement.revenueReversedMinor);
    }

    function _unitsPerMwhCeiling(Asset memory asset) internal pure override returns (uint64) {
        return asset.tariffCeiling;
    }

    /// Revenue is a matter of the contract of sale, not of an environmental claim.
    function _hasRight(Asset memory) internal pure override returns (bool) {
        return true;
    }

    /// The local month that the cutoff closes, unless a deposit has closed it.
    function _idOf(Statement calldata statement, Asset memory asset) internal view override returns (uint256) {
        uint32 month = LocalTime.monthOf(statement.cutoff - 1, asset.utcOffset);
        uint256 id = idOf(statement.assetId, month);
        if (fundedMinor[id] == 0) return id;
        return idOf(statement.assetId, LocalTime.monthAfter(lastClosedMonth[statement.assetId]));
    }
}
