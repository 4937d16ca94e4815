// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger, MonthSpan} from "../ledger/IMarkLedger.sol";
import {Entitlement, IAssetShare, ShareAccount} from "./IAssetShare.sol";
import {IERC7943Fungible} from "./IERC7943.sol";
import {IIdentityRegistry} from "./IIdentityRegistry.sol";
import {IShareOffice} from "./IShareOffice.sol";
import {ShareAccounts} from "./ShareAccounts.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC165, IERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// Shares of one asset, made by the office. Balances stand beside the revenue account, so that a transfer that accounts for
/// both parties writes two slots; OpenZeppelin's ERC20 gives the rest.
contract AssetShare is IAssetShare, ERC20, ERC20Permit, ERC165 {
    using ShareAccounts for ShareAccount;
    using ShareAccounts for uint256;

    /// Some of the account's shares are frozen: `_frozen` says how many.
    uint8 internal constant FROZEN = 1;
    /// Another account has taken over: `replacementOf` says which.
    uint8 internal constant LOST = 2;

    IMarkLedger public immutable ledger;
    IIdentityRegistry public immutable identities;
    IShareOffice public immutable office;
    bytes32 public immutable assetId;
    uint8 public immutable minimumClass;
    uint48 internal immutable _supply;

    /// Each a packed `ShareAccount`.
    mapping(address holder => uint256) internal _accounts;
    mapping(uint32 month => mapping(address holder => Entitlement)) internal _entitlements;
    mapping(address holder => uint256 units) internal _frozen;
    mapping(address lost => address) public replacementOf;
    bool public transfersPaused;

    modifier onlyOffice() {
        if (msg.sender != address(office)) revert NotOffice(msg.sender);
        _;
    }

    /// Made by the office, which has checked asset, supply and holder. The holder's account begins with the asset's first
    /// month, also if that is past.
    constructor(
        IMarkLedger ledger_,
        IIdentityRegistry identities_,
        bytes32 assetId_,
        string memory name_,
        string memory symbol_,
        uint48 supply_,
        address holder,
        uint8 minimumClass_
    ) ERC20(name_, symbol_) ERC20Permit(name_) {
        ledger = ledger_;
        identities = identities_;
        office = IShareOffice(msg.sender);
        assetId = assetId_;
        minimumClass = minimumClass_;
        _supply = supply_;
        // slither-disable-next-line uninitialized-local: memory begins as zeros, and so does the account
        ShareAccount memory account;
        account.units = supply_;
        _accounts[holder] = account.pack();
        emit Transfer(address(0), holder, supply_);
    }

    /// @inheritdoc IAssetShare
    function accrue(address holder, uint256 maxMonths) external returns (uint32) {
        (uint64 revenueMinor, uint24 month) = _revenueNow();
        ShareAccount memory account = accountOf(holder);
        _accrue(holder, account, revenueMinor, month, maxMonths);
        _accounts[holder] = account.pack();
        return account.month;
    }

    /// @inheritdoc IAssetShare
    function take(uint32 month, address holder) external returns (uint256 unitsMinor) {
        if (msg.sender != office.revenueShare()) revert NotRevenueShare(msg.sender);

        uint256 earned = _earnedMinorDown(month, holder);
        Entitlement storage entitlement = _entitlements[month][holder];
        unitsMinor = earned - entitlement.takenMinor;
        if (unitsMinor == 0) return 0;
        // Below the revenue of the month, which has 64 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        entitlement.takenMinor = uint64(earned);
        emit Taken(holder, month, unitsMinor);
    }

    /// @inheritdoc IERC7943Fungible
    function forcedTransfer(address from, address to, uint256 units) external onlyOffice returns (bool) {
        if (from == to) revert SameAccount(from);
        _requireEligible(to);

        uint256 held = balanceOf(from);
        uint256 frozen = _frozen[from];
        uint256 unfrozen = Math.saturatingSub(held, frozen);
        // More than the account has reverts below.
        if (units > unfrozen && units <= held) _setFrozen(from, frozen - (units - unfrozen));
        _move(from, to, units, true);
        emit ForcedTransfer(from, to, units);
        return true;
    }

    /// @inheritdoc IERC7943Fungible
    function setFrozenTokens(address account, uint256 units) external onlyOffice returns (bool) {
        _setFrozen(account, units);
        return true;
    }

    /// @inheritdoc IAssetShare
    function recover(address lost, address replacement, uint32[] calldata months)
        external
        onlyOffice
        returns (uint256 units)
    {
        if (lost == replacement) revert SameAccount(lost);
        _requireEligible(replacement);

        units = balanceOf(lost);
        uint256 frozen = _frozen[lost];
        if (frozen != 0) {
            _setFrozen(lost, 0);
            _setFrozen(replacement, Math.saturatingAdd(_frozen[replacement], frozen));
        }
        // Brings both to the running month, so that its sums can be added.
        uint32 running = _move(lost, replacement, units, true);
        ShareAccount memory left = accountOf(lost);
        ShareAccount memory right = accountOf(replacement);
        right.product += left.product;
        left.product = 0;
        left.flags |= LOST;
        _accounts[lost] = left.pack();
        _accounts[replacement] = right.pack();
        replacementOf[lost] = replacement;
        // What was taken of the running month goes with its sum.
        _passOn(running, lost, replacement);
        for (uint256 i = 0; i < months.length; ++i) {
            _passOn(months[i], lost, replacement);
        }
        emit ForcedTransfer(lost, replacement, units);
        emit Recovered(lost, replacement, units);
    }

    /// @inheritdoc IAssetShare
    function setTransfersPaused(bool paused) external onlyOffice {
        transfersPaused = paused;
        emit TransfersPaused(paused);
    }

    /// @inheritdoc IAssetShare
    function entitlementOf(uint32 month, address holder)
        external
        view
        returns (uint256 earnedMinorDown, uint256 takenMinor)
    {
        return (_earnedMinorDown(month, holder), _entitlements[month][holder].takenMinor);
    }

    /// @inheritdoc IAssetShare
    function mayClaim(address account) external view returns (bool) {
        return accountOf(account).flags == 0;
    }

    /// @inheritdoc IERC7943Fungible
    function canTransfer(address from, address to, uint256 units) external view returns (bool) {
        if (transfersPaused || !canSend(from) || !canReceive(to)) return false;
        uint256 frozen = _frozen[from];
        return frozen == 0 || units <= Math.saturatingSub(balanceOf(from), frozen);
    }

    /// @inheritdoc IERC7943Fungible
    function getFrozenTokens(address account) external view returns (uint256) {
        return _frozen[account];
    }

    /// @inheritdoc IERC7943Fungible
    /// @dev An identity that has run out may still sell: only receiving asks for one.
    function canSend(address account) public view returns (bool) {
        return accountOf(account).flags & LOST == 0;
    }

    /// @inheritdoc IERC7943Fungible
    function canReceive(address account) public view returns (bool) {
        return identities.isEligible(account, minimumClass) && accountOf(account).flags & LOST == 0;
    }

    /// @inheritdoc IAssetShare
    function accountOf(address holder) public view returns (ShareAccount memory) {
        return _accounts[holder].unpack();
    }

    /// @inheritdoc IERC20
    function balanceOf(address account) public view override(ERC20, IERC20) returns (uint256) {
        return accountOf(account).units;
    }

    /// @inheritdoc IERC20
    function totalSupply() public view override(ERC20, IERC20) returns (uint256) {
        return _supply;
    }

    /// Shares are whole.
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC165, IERC165) returns (bool) {
        return interfaceId == type(IERC7943Fungible).interfaceId || interfaceId == type(IERC20).interfaceId
            || super.supportsInterface(interfaceId);
    }

    /// A transfer by the holder, or by one whom the holder allowed. There is no minting and no burning: `from` and `to` are
    /// accounts.
    function _update(address from, address to, uint256 units) internal override {
        if (transfersPaused) revert TransfersArePaused();
        _requireEligible(to);
        _move(from, to, units, false);
    }

    /// Move shares, each party's revenue up to now accounted for before. Returns the running month.
    function _move(address from, address to, uint256 units, bool forced) internal returns (uint24 month) {
        uint64 revenueMinor;
        (revenueMinor, month) = _revenueNow();
        ShareAccount memory account = accountOf(from);
        if (units > account.units) revert ERC20InsufficientBalance(from, account.units, units);
        if (!forced && account.flags != 0) _requireMovable(from, account, units);
        _accrue(from, account, revenueMinor, month, type(uint256).max);
        // At most what the account holds.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint48 moved = uint48(units);
        account.units -= moved;
        _accounts[from] = account.pack();

        // Read after the sender is written, since both may be the same.
        account = accountOf(to);
        if (account.flags & LOST != 0) revert ERC7943CannotReceive(to);
        _accrue(to, account, revenueMinor, month, type(uint256).max);
        account.units += moved;
        _accounts[to] = account.pack();
        emit Transfer(from, to, units);
    }

    /// Bring an account from where it was seen last to the asset's revenue now, a month at a time.
    function _accrue(
        address holder,
        ShareAccount memory account,
        uint64 revenueMinor,
        uint24 running,
        uint256 maxMonths
    ) internal {
        if (account.month != running) {
            if (account.units == 0) {
                if (account.product != 0) _entitlements[account.month][holder].product += account.product;
                account.product = 0;
            } else {
                uint24 month = account.month == 0 ? _monthBits(ledger.firstMonth(assetId)) : account.month;
                for (; month != running; --maxMonths) {
                    account.month = month;
                    if (maxMonths == 0) return;
                    // The ledger is ours; `accrue` brings up a few months at a time whom too many would stop.
                    // slither-disable-next-line calls-loop
                    MonthSpan memory span = ledger.monthSpan(assetId, month);
                    _entitlements[month][holder].product += account.product + uint112(account.units)
                    * (span.toMinor - account.seenMinor);
                    account.product = 0;
                    account.seenMinor = span.toMinor;
                    month = _monthBits(span.next);
                }
            }
            account.month = running;
        }
        account.product += uint112(account.units) * (revenueMinor - account.seenMinor);
        account.seenMinor = revenueMinor;
    }

    function _passOn(uint32 month, address lost, address replacement) internal {
        Entitlement memory entitlement = _entitlements[month][lost];
        delete _entitlements[month][lost];
        _entitlements[month][replacement].product += entitlement.product;
        _entitlements[month][replacement].takenMinor += entitlement.takenMinor;
    }

    function _setFrozen(address account, uint256 units) internal {
        _frozen[account] = units;
        ShareAccount memory holder = accountOf(account);
        holder.flags = units == 0 ? holder.flags & ~FROZEN : holder.flags | FROZEN;
        _accounts[account] = holder.pack();
        emit Frozen(account, units);
    }

    /// What a holder has earned in a month, whether or not its account has been brought up to it.
    function _earnedMinorDown(uint32 month, address holder) internal view returns (uint256) {
        ShareAccount memory account = accountOf(holder);
        uint256 product = _entitlements[month][holder].product;
        uint32 reached = account.month == 0 ? ledger.firstMonth(assetId) : account.month;
        if (month >= reached) {
            MonthSpan memory span = ledger.monthSpan(assetId, month);
            if (month == reached) {
                product += account.product + uint256(account.units) * (span.toMinor - account.seenMinor);
            } else {
                product += uint256(account.units) * (span.toMinor - span.fromMinor);
            }
        }
        return product / _supply;
    }

    /// The asset's revenue so far, and the running month.
    function _revenueNow() internal view returns (uint64 revenueMinor, uint24 month) {
        uint32 running;
        (revenueMinor, running) = ledger.entitlingRevenue(assetId);
        return (revenueMinor, _monthBits(running));
    }

    function _requireEligible(address to) internal view {
        if (!identities.isEligible(to, minimumClass)) revert ERC7943CannotReceive(to);
    }

    /// A month, yyyy * 100 + mm, has 20 bits until the year 10485.
    function _monthBits(uint32 month) internal pure returns (uint24) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint24(month);
    }

    function _requireMovable(address from, ShareAccount memory account, uint256 units) internal view {
        if (account.flags & LOST != 0) revert ERC7943CannotSend(from);
        uint256 unfrozen = Math.saturatingSub(account.units, _frozen[from]);
        if (units > unfrozen) revert ERC7943InsufficientUnfrozenBalance(from, units, unfrozen);
    }
}
