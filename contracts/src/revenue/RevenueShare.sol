// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger, MonthSpan} from "../ledger/IMarkLedger.sol";
import {IAssetRegistry} from "../registry/IAssetRegistry.sol";
import {IAssetShare} from "../shares/IAssetShare.sol";
import {IIdentityRegistry} from "../shares/IIdentityRegistry.sol";
import {IShareOffice} from "../shares/IShareOffice.sol";
import {IRevenueShare, Receivable, ReceivableAccount} from "./IRevenueShare.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// Receivables: one unit is 1 minor unit of revenue attested for an asset's month. Id = assetId | month (yyyy * 100 + mm).
contract RevenueShare is IRevenueShare, ERC1155, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// What is known of an id's cash.
    struct Fund {
        uint256 depositedMinor;
        uint128 writtenDownMinor;
        uint128 paidMinor;
        /// Units collected.
        uint256 units;
    }

    IAssetRegistry public immutable registry;
    IMarkLedger public immutable ledger;
    IShareOffice public immutable office;
    IIdentityRegistry public immutable identities;

    mapping(address currency => uint256) public heldMinor;
    bool public transfersPaused;
    mapping(uint256 id => Fund) internal _funds;
    mapping(uint256 id => mapping(address holder => ReceivableAccount)) internal _accounts;

    constructor(
        address authority,
        IAssetRegistry registry_,
        IMarkLedger ledger_,
        IShareOffice office_,
        IIdentityRegistry identities_
    ) ERC1155("") AccessManaged(authority) {
        registry = registry_;
        ledger = ledger_;
        office = office_;
        identities = identities_;
    }

    /// @inheritdoc IRevenueShare
    // The share is ours; the caller says which months.
    // slither-disable-next-line calls-loop
    function collect(bytes32 assetId, uint32[] calldata months, address holder) external {
        IAssetShare share = _shareOf(assetId);
        _requireVerified(holder);
        for (uint256 i = 0; i < months.length; ++i) {
            uint256 units = share.take(months[i], holder);
            if (units != 0) _mintLate(idOf(assetId, months[i]), holder, units);
        }
    }

    /// @inheritdoc IRevenueShare
    function deposit(bytes32 assetId, uint32 month, uint256 minor) external nonReentrant {
        if (month == 0 || !_hasBegun(assetId, month)) revert UnknownMonth(assetId, month);
        IERC20 currency = _currencyOf(assetId);
        uint256 before = _balanceCovering(currency);
        currency.safeTransferFrom(msg.sender, address(this), minor);
        uint256 arrived = Math.saturatingSub(currency.balanceOf(address(this)), before);
        // Money that a stranger sends along cannot make this true.
        // slither-disable-next-line incorrect-equality
        if (arrived == 0) revert NothingDeposited();

        Fund storage fund = _funds[idOf(assetId, month)];
        fund.depositedMinor += arrived;
        heldMinor[address(currency)] += arrived;
        emit Deposited(assetId, month, msg.sender, arrived, fund.depositedMinor);
    }

    /// @inheritdoc IRevenueShare
    function carryExcess(bytes32 assetId, uint32 month) external {
        MonthSpan memory span = _finalSpan(assetId, month);
        Fund storage fund = _funds[idOf(assetId, month)];
        uint256 usable = span.toMinor - span.fromMinor - fund.writtenDownMinor;
        if (fund.depositedMinor <= usable) revert NothingToCarry();
        uint256 excess = fund.depositedMinor - usable;

        fund.depositedMinor = usable;
        _funds[idOf(assetId, span.next)].depositedMinor += excess;
        emit ExcessCarried(assetId, month, span.next, excess);
    }

    /// @inheritdoc IRevenueShare
    function writeDown(bytes32 assetId, uint32 month, uint256 minor, string calldata reason) external restricted {
        if (bytes(reason).length == 0) revert ReasonMissing();
        MonthSpan memory span = _finalSpan(assetId, month);
        Fund storage fund = _funds[idOf(assetId, month)];
        uint256 outstanding = span.toMinor - span.fromMinor - fund.writtenDownMinor - _distributable(span, fund);
        if (minor > outstanding) revert MoreThanOutstanding(outstanding, minor);

        // At most what was attested, which has 64 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        fund.writtenDownMinor += uint128(minor);
        emit WrittenDown(assetId, month, minor, reason);
    }

    /// @inheritdoc IRevenueShare
    function claim(uint256[] calldata ids, address to) external nonReentrant {
        _requireVerified(msg.sender);
        if (to != msg.sender) _requireVerified(to);
        for (uint256 i = 0; i < ids.length; ++i) {
            uint256 id = ids[i];
            _requireMayClaim(id, msg.sender);
            uint256 due = owed(msg.sender, id);
            if (due == 0) continue;
            IERC20 currency = _currencyOf(_assetIdOf(id));
            // At most what was attested, which has 64 bits.
            // forge-lint: disable-next-line(unsafe-typecast)
            uint64 dueMinor = uint64(due);
            _accounts[id][msg.sender].claimedMinor += dueMinor;
            _funds[id].paidMinor += dueMinor;
            heldMinor[address(currency)] -= due;
            emit Claimed(msg.sender, id, to, due);
            currency.safeTransfer(to, due);
            // What is left still covers everybody else.
            _balanceCovering(currency);
        }
    }

    /// @inheritdoc IRevenueShare
    // Office and share are ours; the enforcer says which ids.
    // slither-disable-next-line calls-loop
    function recover(address lost, address replacement, uint256[] calldata ids, string calldata reason)
        external
        restricted
    {
        if (bytes(reason).length == 0) revert ReasonMissing();
        _requireVerified(replacement);
        for (uint256 i = 0; i < ids.length; ++i) {
            uint256 id = ids[i];
            bytes32 assetId = _assetIdOf(id);
            if (_shareOf(assetId).replacementOf(lost) != replacement) revert NotReplaced(assetId, lost, replacement);
            _accrue(id, lost);
            _accrue(id, replacement);
            ReceivableAccount storage account = _accounts[id][replacement];
            account.product += _accounts[id][lost].product;
            account.claimedMinor += _accounts[id][lost].claimedMinor;
            delete _accounts[id][lost];
            uint256 units = balanceOf(lost, id);
            _moveUnchecked(lost, replacement, id, units);
            emit ReceivableRecovered(id, lost, replacement, units, reason);
        }
    }

    /// @inheritdoc IRevenueShare
    function pauseTransfers() external restricted {
        transfersPaused = true;
        emit TransfersPaused(true);
    }

    /// @inheritdoc IRevenueShare
    function resumeTransfers() external restricted {
        transfersPaused = false;
        emit TransfersPaused(false);
    }

    /// @inheritdoc IRevenueShare
    function receivable(bytes32 assetId, uint32 month) external view returns (Receivable memory) {
        MonthSpan memory span = ledger.monthSpan(assetId, month);
        Fund storage fund = _funds[idOf(assetId, month)];
        return Receivable({
            attestedMinor: span.toMinor - span.fromMinor,
            writtenDownMinor: fund.writtenDownMinor,
            depositedMinor: fund.depositedMinor,
            distributableMinor: _distributable(span, fund),
            paidMinor: fund.paidMinor,
            isFinal: span.next != 0
        });
    }

    /// @inheritdoc IRevenueShare
    function accountOf(address holder, uint256 id) external view returns (ReceivableAccount memory) {
        return _accounts[id][holder];
    }

    /// @inheritdoc IRevenueShare
    function totalSupply(uint256 id) external view returns (uint256) {
        return _funds[id].units;
    }

    /// @inheritdoc IRevenueShare
    // The ledger is ours; the caller of `claim` says which ids.
    // slither-disable-next-line calls-loop
    function owed(address holder, uint256 id) public view returns (uint256 minorDown) {
        MonthSpan memory span = ledger.monthSpan(_assetIdOf(id), _monthOf(id));
        uint256 distributable = _distributable(span, _funds[id]);
        if (distributable == 0) return 0;
        ReceivableAccount storage account = _accounts[id][holder];
        uint256 product = account.product + balanceOf(holder, id) * (distributable - account.seenMinor);
        return product / (span.toMinor - span.fromMinor) - account.claimedMinor;
    }

    /// @inheritdoc IRevenueShare
    function idOf(bytes32 assetId, uint32 month) public pure returns (uint256) {
        return uint256(assetId) | month;
    }

    /// A transfer by the holder, or by one whom the holder allowed. The cash that came while a holder held units stays with
    /// that holder. Who may not claim may not transfer either: else units would be claimed elsewhere.
    function _update(address from, address to, uint256[] memory ids, uint256[] memory units) internal override {
        if (transfersPaused) revert TransfersArePaused();
        _requireVerified(from);
        _requireVerified(to);
        for (uint256 i = 0; i < ids.length; ++i) {
            _requireMayClaim(ids[i], from);
            _accrue(ids[i], from);
            _accrue(ids[i], to);
        }
        super._update(from, to, ids, units);
    }

    /// Units that are collected late get what came before like all others.
    function _mintLate(uint256 id, address holder, uint256 units) internal {
        uint256 distributable = _accrue(id, holder);
        // Units and distributable have 64 bits each, and all products together stay below attested squared.
        // forge-lint: disable-next-line(unsafe-typecast)
        _accounts[id][holder].product += uint128(units * distributable);
        _funds[id].units += units;
        _moveUnchecked(address(0), holder, id, units);
        emit Collected(_assetIdOf(id), _monthOf(id), holder, units);
    }

    /// Past the rules for transfers, and without asking the receiver.
    function _moveUnchecked(address from, address to, uint256 id, uint256 units) internal {
        uint256[] memory ids = new uint256[](1);
        uint256[] memory counts = new uint256[](1);
        ids[0] = id;
        counts[0] = units;
        super._update(from, to, ids, counts);
    }

    /// Count what has become distributable since an account was touched last. Returns what is distributable now.
    // The ledger is ours; the caller says which ids.
    // slither-disable-next-line calls-loop
    function _accrue(uint256 id, address holder) internal returns (uint256 distributable) {
        distributable = _distributable(ledger.monthSpan(_assetIdOf(id), _monthOf(id)), _funds[id]);
        ReceivableAccount storage account = _accounts[id][holder];
        // forge-lint: disable-start(unsafe-typecast)
        account.product += uint128(balanceOf(holder, id) * (distributable - account.seenMinor));
        account.seenMinor = uint64(distributable);
        // forge-lint: disable-end(unsafe-typecast)
    }

    /// Cash that pays units. Never falls: a month stays final, deposits beyond its needs are all that leaves it, and
    /// `writeDown` stops here.
    function _distributable(MonthSpan memory span, Fund storage fund) internal view returns (uint256) {
        if (span.next == 0) return 0;
        return Math.min(fund.depositedMinor, span.toMinor - span.fromMinor - fund.writtenDownMinor);
    }

    function _finalSpan(bytes32 assetId, uint32 month) internal view returns (MonthSpan memory span) {
        span = ledger.monthSpan(assetId, month);
        if (span.next == 0) revert NotFinal(assetId, month);
    }

    function _hasBegun(bytes32 assetId, uint32 month) internal view returns (bool) {
        // slither-disable-next-line unused-return: only the running month is asked for
        (, uint32 running) = ledger.entitlingRevenue(assetId);
        return month == running || ledger.monthSpan(assetId, month).next != 0;
    }

    /// This contract's balance, which covers what came in and has not gone out.
    // A currency that fails stops only claims that ask for it: the caller says which ids.
    // slither-disable-next-line calls-loop
    function _balanceCovering(IERC20 currency) internal view returns (uint256 balance) {
        balance = currency.balanceOf(address(this));
        uint256 held = heldMinor[address(currency)];
        if (balance < held) revert CurrencyShrank(address(currency), held, balance);
    }

    function _requireVerified(address account) internal view {
        if (!identities.isVerified(account)) revert NotVerified(account);
    }

    // Office and share are ours; the caller says which ids.
    // slither-disable-next-line calls-loop
    function _requireMayClaim(uint256 id, address holder) internal view {
        bytes32 assetId = _assetIdOf(id);
        if (!_shareOf(assetId).mayClaim(holder)) revert HolderFrozen(assetId, holder);
    }

    // The office is ours; the caller says which ids.
    // slither-disable-next-line calls-loop
    function _shareOf(bytes32 assetId) internal view returns (IAssetShare share) {
        share = office.shareOf(assetId);
        if (address(share) == address(0)) revert NoShare(assetId);
    }

    // The registry is ours; the caller says which ids. Of an asset's terms only the project is asked for.
    // slither-disable-next-line calls-loop,unused-return
    function _currencyOf(bytes32 assetId) internal view returns (IERC20) {
        (, bytes32 projectId) = registry.terms(assetId);
        return IERC20(registry.project(projectId).currency);
    }

    function _assetIdOf(uint256 id) internal pure returns (bytes32) {
        return bytes32(id & ~uint256(type(uint32).max));
    }

    function _monthOf(uint256 id) internal pure returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(id);
    }
}
