// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {ERC1155Supply} from "@openzeppelin/contracts/token/ERC1155/extensions/ERC1155Supply.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// What one asset produced in one interval, as the operator's server signs it.
struct Interval {
    bytes32 assetId;
    /// [s UTC]
    uint64 start;
    /// Month that its revenue belongs to: yyyy * 100 + mm, local. Its year is the vintage of its credits.
    uint32 month;
    uint64 energyWh;
    uint64 creditsG;
    uint64 revenueMinor;
}

/// The contract that `heliograph bench chain` compares with, and no part of Heliograph: tokens of solar plants as they are
/// usually written. One trusted server signs each interval of each asset, and each is a transaction, which records the
/// interval, mints its credits and adds its revenue to what the holders of the asset's shares are owed.
/// Holders get what they get from Heliograph: permissioned shares of fixed supply, a receivable for each month, shared by
/// who held when the revenue was attested and paid in a stablecoin, each unit alike; credits, and their retirement.
/// It has less besides, so it is cheaper than it would be with the same: no quorum, no ceilings, no correction, no buffer,
/// no freeze, no recovery, no certificate, and receivables that cannot be sold.
contract NaiveEnergyToken is ERC1155Supply, AccessControl, EIP712 {
    using SafeERC20 for IERC20;

    struct Asset {
        /// Receives the credits.
        address owner;
        /// The newest month with revenue; zero before the first.
        uint32 month;
        uint32 firstMonth;
        bytes32 projectId;
    }

    struct Posted {
        uint64 energyWh;
        uint64 creditsG;
        uint64 revenueMinor;
        /// [s UTC]
        uint64 postedAt;
    }

    struct Month {
        uint128 attestedMinor;
        uint128 depositedMinor;
    }

    /// How far a holder's revenue has been counted.
    struct Account {
        uint32 month;
        uint128 seenMinor;
    }

    event IntervalPosted(
        bytes32 indexed assetId, uint64 indexed start, uint64 energyWh, uint64 creditsG, uint64 revenueMinor
    );
    event Deposited(bytes32 indexed assetId, uint32 indexed month, address indexed from, uint256 minor);
    event Claimed(bytes32 indexed assetId, uint32 indexed month, address indexed holder, uint256 minor);
    event Retired(
        uint256 indexed retirementId, uint256 indexed id, address indexed beneficiary, uint256 grams, string purpose
    );

    error UnknownAsset(bytes32 assetId);
    error AssetKnown(bytes32 assetId);
    error AlreadyPosted(bytes32 assetId, uint64 start);
    error MonthIsOver(uint32 newest, uint32 given);
    error MonthIsRunning(uint32 month);
    error MoreThanAttested(uint256 attestedMinor, uint256 depositedMinor);
    error NotVerified(address account);
    error NotACredit(uint256 id);

    bytes32 public constant ORACLE = keccak256("ORACLE");
    bytes32 internal constant INTERVAL_TYPEHASH = keccak256(
        "Interval(bytes32 assetId,uint64 start,uint32 month,uint64 energyWh,uint64 creditsG,uint64 revenueMinor)"
    );

    /// What revenue is counted and paid in.
    IERC20 public immutable currency;
    mapping(bytes32 assetId => Asset) public assets;
    mapping(bytes32 assetId => mapping(uint64 start => Posted)) public intervals;
    mapping(bytes32 assetId => mapping(uint32 month => Month)) public months;
    mapping(address account => bool) public verified;
    uint256 public retirementCount;
    mapping(bytes32 assetId => mapping(address holder => Account)) internal _accounts;
    /// Shares held x revenue attested meanwhile.
    mapping(bytes32 assetId => mapping(uint32 month => mapping(address holder => uint256))) internal _products;
    mapping(bytes32 assetId => mapping(uint32 month => mapping(address holder => uint256))) internal _claimedMinor;

    constructor(address admin, IERC20 currency_) ERC1155("") EIP712("NaiveEnergyToken", "1") {
        currency = currency_;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// Say whether an account may hold shares.
    function setVerified(address account, bool verified_) external onlyRole(DEFAULT_ADMIN_ROLE) {
        verified[account] = verified_;
    }

    /// List an asset and give all its shares to `holder`.
    function addAsset(bytes32 assetId, bytes32 projectId, address owner, address holder, uint256 shares)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        if (assets[assetId].owner != address(0)) revert AssetKnown(assetId);

        assets[assetId] = Asset({owner: owner, month: 0, firstMonth: 0, projectId: projectId});
        _mint(holder, uint256(assetId), shares, "");
    }

    /// Take in one interval, signed by the server. Anyone may send it.
    function post(Interval calldata interval, bytes calldata signature) external {
        Asset memory asset = assets[interval.assetId];
        if (asset.owner == address(0)) revert UnknownAsset(interval.assetId);
        Posted storage posted = intervals[interval.assetId][interval.start];
        if (posted.postedAt != 0) revert AlreadyPosted(interval.assetId, interval.start);
        if (interval.month < asset.month) revert MonthIsOver(asset.month, interval.month);

        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(INTERVAL_TYPEHASH, interval)));
        _checkRole(ORACLE, ECDSA.recoverCalldata(digest, signature));

        intervals[interval.assetId][interval.start] = Posted({
            energyWh: interval.energyWh,
            creditsG: interval.creditsG,
            revenueMinor: interval.revenueMinor,
            postedAt: uint64(block.timestamp)
        });
        months[interval.assetId][interval.month].attestedMinor += interval.revenueMinor;
        if (interval.month != asset.month) {
            assets[interval.assetId].month = interval.month;
            if (asset.firstMonth == 0) assets[interval.assetId].firstMonth = interval.month;
        }
        _mint(asset.owner, creditId(asset.projectId, interval.month / 100), interval.creditsG, "");
        emit IntervalPosted(
            interval.assetId, interval.start, interval.energyWh, interval.creditsG, interval.revenueMinor
        );
    }

    /// Pay for a month.
    function deposit(bytes32 assetId, uint32 month, uint256 minor) external {
        Month storage receivable = months[assetId][month];
        uint256 deposited = receivable.depositedMinor + minor;
        if (deposited > receivable.attestedMinor) revert MoreThanAttested(receivable.attestedMinor, deposited);

        receivable.depositedMinor = uint128(deposited);
        emit Deposited(assetId, month, msg.sender, minor);
        currency.safeTransferFrom(msg.sender, address(this), minor);
    }

    /// Pay the caller its part of what was deposited for a month that is over.
    function claim(bytes32 assetId, uint32 month) external {
        if (!verified[msg.sender]) revert NotVerified(msg.sender);
        if (month >= assets[assetId].month) revert MonthIsRunning(month);

        _accrue(assetId, msg.sender);
        uint256 minor = owed(assetId, month, msg.sender);
        _claimedMinor[assetId][month][msg.sender] += minor;
        emit Claimed(assetId, month, msg.sender, minor);
        currency.safeTransfer(msg.sender, minor);
    }

    /// Take credits out of circulation for good.
    function retire(uint256 id, uint256 grams, address beneficiary, string calldata purpose)
        external
        returns (uint256 retirementId)
    {
        if (_isShare(id)) revert NotACredit(id);
        _burn(msg.sender, id, grams);
        retirementId = ++retirementCount;
        emit Retired(retirementId, id, beneficiary, grams, purpose);
    }

    /// What a holder may claim of a month that is over, as far as its revenue has been counted [minor unit], rounded down.
    function owed(bytes32 assetId, uint32 month, address holder) public view returns (uint256) {
        Month memory receivable = months[assetId][month];
        if (receivable.attestedMinor == 0) return 0;
        uint256 whole = totalSupply(uint256(assetId)) * receivable.attestedMinor;
        uint256 entitledMinor = _products[assetId][month][holder] * receivable.depositedMinor / whole;
        return entitledMinor - _claimedMinor[assetId][month][holder];
    }

    function creditId(bytes32 projectId, uint32 vintage) public pure returns (uint256) {
        return uint256(projectId) | vintage;
    }

    function supportsInterface(bytes4 interfaceId) public view override(ERC1155, AccessControl) returns (bool) {
        return super.supportsInterface(interfaceId);
    }

    /// Shares go to verified accounts only, and what was attested before a transfer stays with the holder.
    function _update(address from, address to, uint256[] memory ids, uint256[] memory units) internal override {
        for (uint256 i = 0; i < ids.length; ++i) {
            if (!_isShare(ids[i])) continue;
            if (!verified[to]) revert NotVerified(to);
            if (from != address(0)) _accrue(bytes32(ids[i]), from);
            _accrue(bytes32(ids[i]), to);
        }
        super._update(from, to, ids, units);
    }

    /// Count a holder's revenue up to now, month by month.
    function _accrue(bytes32 assetId, address holder) internal {
        uint32 newest = assets[assetId].month;
        if (newest == 0) return;
        Account memory account = _accounts[assetId][holder];
        if (account.month == 0) account.month = assets[assetId].firstMonth;
        uint256 shares = balanceOf(holder, uint256(assetId));
        while (true) {
            uint128 attested = months[assetId][account.month].attestedMinor;
            if (shares != 0) _products[assetId][account.month][holder] += shares * (attested - account.seenMinor);
            account.seenMinor = attested;
            if (account.month == newest) break;
            account.month = account.month % 100 == 12 ? account.month + 89 : account.month + 1;
            account.seenMinor = 0;
        }
        _accounts[assetId][holder] = account;
    }

    /// A credit's id ends in its vintage, a share's in zeros.
    function _isShare(uint256 id) internal pure returns (bool) {
        return uint32(id) == 0;
    }
}
