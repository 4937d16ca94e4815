// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Receivable} from "../src/revenue/IRevenueShare.sol";
import {IAssetShare} from "../src/shares/IAssetShare.sol";
import {SharesFixture} from "./SharesFixture.sol";

/// Two assets in one currency and four holders, who do anything in any order; the books after each step.
/// The acts never revert, so each step counts.
/// forge-config: default.invariant.fail-on-revert = true
contract SharesInvariantsTest is SharesFixture {
    uint256 internal constant MOST_MONTHS = 5;
    uint256 internal constant HOLDERS = 4;

    IAssetShare[2] internal _shares;
    bytes32[2] internal _assetIds = [LIUYANG, HENGYANG];
    uint48[2] internal _supplies = [SUPPLY, 7];
    uint32[2] internal _running;
    address[HOLDERS] internal _holders = [ANN, BEN, CAT, DAN];
    address[] internal _lost;

    /// What each has earned, counted at each settlement: what the shares are held against.
    mapping(uint256 id => mapping(address holder => uint256)) internal _products;
    mapping(uint256 id => uint256) internal _highest;
    /// An act went where no rule lets it go; the invariant of that name says which.
    mapping(string invariant => bool) internal _broken;

    function setUp() public override {
        super.setUp();
        _shares = [share, _issue(HENGYANG, _supplies[1], BEN)];
        for (uint256 asset = 0; asset < 2; ++asset) {
            _running[asset] = MAY;
            _settleModel(asset, 1_000_003);
        }
    }

    /// What forge calls at random: the acts below, and nothing else.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(this);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(this);
        bytes4[15] memory all = [
            this.actSettle.selector,
            this.actSettle.selector,
            this.actDeposit.selector,
            this.actDeposit.selector,
            this.actCollect.selector,
            this.actCollect.selector,
            this.actClaim.selector,
            this.actSend.selector,
            this.actSendUnits.selector,
            this.actForce.selector,
            this.actFreeze.selector,
            this.actVerify.selector,
            this.actAccrue.selector,
            this.actCarryOrWriteDown.selector,
            this.actRecover.selector
        ];
        targets[0].selectors = new bytes4[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            targets[0].selectors[i] = all[i];
        }
    }

    modifier watched() {
        _;
        for (uint256 asset = 0; asset < 2; ++asset) {
            for (uint32 month = MAY; month <= _running[asset]; month = _later(month, 1)) {
                uint256 id = revenue.idOf(_assetIds[asset], month);
                uint256 now_ = revenue.receivable(_assetIds[asset], month).distributableMinor;
                if (now_ < _highest[id]) _broken["distributableNeverFalls"] = true;
                _highest[id] = now_;
            }
        }
    }

    function actSettle(uint256 seed) external watched {
        uint256 asset = seed % 2;
        if (draw(seed, 1, 0, 1) == 0) _turnMonth(asset, draw(seed, 2, 1, 2));
        _settleModel(asset, draw(seed, 3, 0, 1e9));
    }

    function actDeposit(uint256 seed) external watched {
        (uint256 asset, uint32 month) = _someMonth(seed);
        Receivable memory one = revenue.receivable(_assetIds[asset], month);
        if (month != _running[asset] && !one.isFinal) return; // skipped by the ledger
        vm.prank(OFFTAKER);
        revenue.deposit(_assetIds[asset], month, draw(seed, 5, 1, one.attestedMinor + 2));
    }

    function actCollect(uint256 seed) external watched {
        (uint256 asset, uint32 month) = _someMonth(seed);
        address holder = _someHolder(seed, 5);
        try revenue.collect(_assetIds[asset], _months(month), holder) {
            if (!identities.isVerified(holder)) _broken["unverifiedAccountsNeverReceiveReceivables"] = true;
        } catch {
            if (identities.isVerified(holder)) _broken["entitlementBelongsToTheHolderAtSettlement"] = true;
        }
    }

    function actClaim(uint256 seed) external watched {
        (uint256 asset, uint32 month) = _someMonth(seed);
        address holder = _someHolder(seed, 5);
        uint256[] memory ids = new uint256[](1);
        ids[0] = revenue.idOf(_assetIds[asset], month);
        bool may = identities.isVerified(holder) && _shares[asset].getFrozenTokens(holder) == 0;
        uint256 due = revenue.owed(holder, ids[0]);
        uint256 before = hkd.balanceOf(holder);
        vm.prank(holder);
        try revenue.claim(ids, holder) {
            if (!may) _broken["frozenAccruesAndCannotClaim"] = true;
            if (hkd.balanceOf(holder) != before + due) _broken["currencyHeldCoversOwed"] = true;
        } catch {
            if (may) _broken["currencyHeldCoversOwed"] = true;
        }
    }

    function actSend(uint256 seed) external watched {
        uint256 asset = seed % 2;
        (address from, address to) = (_someHolder(seed, 1), _someReceiver(seed, 2));
        uint256 units = draw(seed, 3, 0, _shares[asset].balanceOf(from));
        uint256 frozen = _shares[asset].getFrozenTokens(from);
        bool free = frozen == 0 || units + frozen <= _shares[asset].balanceOf(from) || units == 0;
        bool verified = identities.isVerified(to);
        vm.prank(from);
        try _shares[asset].transfer(to, units) {
            if (!free) _broken["frozenSharesDoNotMove"] = true;
            if (!verified) _broken["unverifiedAccountsNeverReceiveShares"] = true;
        } catch {
            if (free && verified) _broken["shareSupplyIsFixed"] = true;
        }
    }

    function actSendUnits(uint256 seed) external watched {
        (uint256 asset, uint32 month) = _someMonth(seed);
        (address from, address to) = (_someHolder(seed, 5), _someReceiver(seed, 6));
        uint256 id = revenue.idOf(_assetIds[asset], month);
        uint256 units = draw(seed, 7, 0, revenue.balanceOf(from, id));
        bool verified = identities.isVerified(to);
        uint256[] memory before = _worths(id);
        vm.prank(from);
        try revenue.safeTransferFrom(from, to, id, units, "") {
            if (!verified) _broken["unverifiedAccountsNeverReceiveReceivables"] = true;
        } catch {}
        uint256[] memory since = _worths(id);
        for (uint256 i = 0; i < before.length; ++i) {
            if (before[i] != since[i]) _broken["transfersNeverChangeOwedPlusClaimed"] = true;
        }
    }

    function actForce(uint256 seed) external watched {
        uint256 asset = seed % 2;
        (address from, address to) = (_someHolder(seed, 1), _someReceiver(seed, 2));
        if (from == to) return;
        uint256 units = draw(seed, 3, 0, _shares[asset].balanceOf(from));
        bool verified = identities.isVerified(to);
        vm.prank(ENFORCER);
        try office.forceTransfer(_assetIds[asset], from, to, units, REASON) {
            if (!verified) _broken["unverifiedAccountsNeverReceiveShares"] = true;
        } catch {
            if (verified) _broken["shareSupplyIsFixed"] = true;
        }
    }

    function actFreeze(uint256 seed) external watched {
        uint256 asset = seed % 2;
        address account = _someHolder(seed, 1);
        uint256 units = draw(seed, 2, 0, _shares[asset].balanceOf(account) + 1);
        vm.prank(ENFORCER);
        if (units == 0 || draw(seed, 3, 0, 1) == 0) office.unfreeze(_assetIds[asset], account, REASON);
        else office.freeze(_assetIds[asset], account, units, REASON);
    }

    function actVerify(uint256 seed) external watched {
        address account = _someHolder(seed, 1);
        if (!identities.isVerified(account)) _verify(account);
        else if (draw(seed, 2, 0, 2) == 0) _unverify(account);
    }

    function actAccrue(uint256 seed) external watched {
        _shares[seed % 2].accrue(_someHolder(seed, 1), draw(seed, 2, 0, 3));
    }

    function actCarryOrWriteDown(uint256 seed) external watched {
        (uint256 asset, uint32 month) = _someMonth(seed);
        Receivable memory one = revenue.receivable(_assetIds[asset], month);
        if (!one.isFinal) return;
        uint256 open = one.attestedMinor - one.writtenDownMinor;
        if (one.depositedMinor > open) return revenue.carryExcess(_assetIds[asset], month);
        if (draw(seed, 5, 0, 3) != 0) return;
        uint256 minor = draw(seed, 6, 0, open - one.distributableMinor);
        vm.prank(TRUSTEE);
        manager.schedule(
            address(revenue), abi.encodeCall(revenue.writeDown, (_assetIds[asset], month, minor, REASON)), 0
        );
        vm.warp(block.timestamp + TRUSTEE_DELAY);
        vm.prank(TRUSTEE);
        revenue.writeDown(_assetIds[asset], month, minor, REASON);
    }

    /// One account in both assets, its months and units with it; a fresh account takes its place among the holders.
    function actRecover(uint256 seed) external watched {
        if (draw(seed, 1, 0, 3) != 0) return;
        (address lost, address replacement) = (_someHolder(seed, 2), _someHolder(seed, 3));
        if (lost == replacement) return;
        if (!identities.isVerified(replacement)) _verify(replacement);
        for (uint256 asset = 0; asset < 2; ++asset) {
            _recoverIn(asset, lost, replacement);
        }
        for (uint256 i = 0; i < HOLDERS; ++i) {
            if (_holders[i] == lost) {
                _holders[i] = address(uint160(uint256(keccak256(abi.encode(seed, _lost.length)))));
            }
            _verify(_holders[i]);
        }
        _lost.push(lost);
    }

    /// Invariant: currencyHeldCoversOwed. With what waits.
    function invariant_currencyHeldCoversOwed() public view {
        uint256 owing = 0;
        uint256 waiting = 0;
        for (uint256 asset = 0; asset < 2; ++asset) {
            for (uint32 month = MAY; month <= _running[asset]; month = _later(month, 1)) {
                Receivable memory one = revenue.receivable(_assetIds[asset], month);
                uint256 due = _owedToAll(revenue.idOf(_assetIds[asset], month));
                vm.assertLe(due + one.paidMinor, one.distributableMinor);
                owing += due;
                waiting += one.depositedMinor - one.distributableMinor;
            }
        }
        vm.assertGe(hkd.balanceOf(address(revenue)), owing + waiting, "held >= owed + waiting");
        vm.assertEq(hkd.balanceOf(address(revenue)), revenue.heldMinor(address(hkd)));
        vm.assertFalse(_broken["currencyHeldCoversOwed"]);
    }

    /// Invariant: collectedUnitsNeverExceedAttested. Invariant: neverMorePaidThanAttestedLessWrittenDown.
    /// Invariant: neverMorePaidThanFunded. Invariant: distributableNeverFalls.
    function invariant_neverMorePaidThanFunded() public view {
        for (uint256 asset = 0; asset < 2; ++asset) {
            for (uint32 month = MAY; month <= _running[asset]; month = _later(month, 1)) {
                Receivable memory one = revenue.receivable(_assetIds[asset], month);
                vm.assertLe(revenue.totalSupply(revenue.idOf(_assetIds[asset], month)), one.attestedMinor);
                vm.assertLe(one.paidMinor, one.attestedMinor - one.writtenDownMinor);
                vm.assertLe(one.paidMinor, one.depositedMinor);
            }
        }
        vm.assertFalse(_broken["distributableNeverFalls"]);
    }

    /// Invariant: entitlementBelongsToTheHolderAtSettlement. Invariant: shareSupplyIsFixed.
    function invariant_entitlementBelongsToTheHolderAtSettlement() public view {
        for (uint256 asset = 0; asset < 2; ++asset) {
            uint256 sum = 0;
            for (uint256 i = 0; i < HOLDERS; ++i) {
                sum += _shares[asset].balanceOf(_holders[i]);
                for (uint32 month = MAY; month <= _running[asset]; month = _later(month, 1)) {
                    (uint256 earned, uint256 taken) = _shares[asset].entitlementOf(month, _holders[i]);
                    uint256 id = revenue.idOf(_assetIds[asset], month);
                    vm.assertEq(earned, _products[id][_holders[i]] / _supplies[asset]);
                    vm.assertLe(taken, earned);
                }
            }
            vm.assertEq(sum, _supplies[asset]);
            vm.assertEq(_shares[asset].totalSupply(), _supplies[asset]);
        }
        vm.assertFalse(_broken["entitlementBelongsToTheHolderAtSettlement"]);
        vm.assertFalse(_broken["shareSupplyIsFixed"]);
    }

    /// Invariant: unverifiedAccountsNeverReceiveShares. Invariant: unverifiedAccountsNeverReceiveReceivables.
    /// Invariant: transfersNeverChangeOwedPlusClaimed. Invariant: frozenSharesDoNotMove.
    /// Invariant: frozenAccruesAndCannotClaim.
    function invariant_unverifiedAccountsNeverReceiveShares() public view {
        for (uint256 asset = 0; asset < 2; ++asset) {
            vm.assertEq(_shares[asset].balanceOf(STRANGER), 0);
        }
        vm.assertFalse(_broken["unverifiedAccountsNeverReceiveShares"]);
        vm.assertFalse(_broken["unverifiedAccountsNeverReceiveReceivables"]);
        vm.assertFalse(_broken["transfersNeverChangeOwedPlusClaimed"]);
        vm.assertFalse(_broken["frozenSharesDoNotMove"]);
        vm.assertFalse(_broken["frozenAccruesAndCannotClaim"]);
    }

    /// In the end all is cleared, collected, paid in full and claimed: what is kept back is less than a unit a holder, in
    /// shares and in cash.
    function afterInvariant() external {
        for (uint256 i = 0; i < HOLDERS; ++i) {
            _verify(_holders[i]);
        }
        for (uint256 asset = 0; asset < 2; ++asset) {
            uint32 last = _running[asset];
            _running[asset] = _later(last, 1);
            ledger.settle(_assetIds[asset], _running[asset], 0);
            for (uint256 i = 0; i < HOLDERS; ++i) {
                vm.prank(ENFORCER);
                office.unfreeze(_assetIds[asset], _holders[i], REASON);
            }
            for (uint32 month = MAY; month <= last; month = _later(month, 1)) {
                _payOut(asset, month);
            }
        }
        vm.assertEq(hkd.balanceOf(address(revenue)), revenue.heldMinor(address(hkd)));
    }

    function _payOut(uint256 asset, uint32 month) internal {
        Receivable memory one = revenue.receivable(_assetIds[asset], month);
        if (!one.isFinal) return; // skipped by the ledger
        uint256 missing = one.attestedMinor - one.writtenDownMinor - one.distributableMinor;
        vm.prank(OFFTAKER);
        if (missing != 0) revenue.deposit(_assetIds[asset], month, missing);
        uint256[] memory ids = new uint256[](1);
        ids[0] = revenue.idOf(_assetIds[asset], month);
        for (uint256 i = 0; i < HOLDERS; ++i) {
            revenue.collect(_assetIds[asset], _months(month), _holders[i]);
            vm.prank(_holders[i]);
            revenue.claim(ids, _holders[i]);
        }
        one = revenue.receivable(_assetIds[asset], month);
        vm.assertEq(one.distributableMinor, one.attestedMinor - one.writtenDownMinor);
        vm.assertLe(one.distributableMinor, one.paidMinor + 2 * (HOLDERS + _lost.length));
    }

    function _settleModel(uint256 asset, uint256 minor) internal {
        uint256 id = revenue.idOf(_assetIds[asset], _running[asset]);
        for (uint256 i = 0; i < HOLDERS; ++i) {
            _products[id][_holders[i]] += _shares[asset].balanceOf(_holders[i]) * minor;
        }
        ledger.settle(_assetIds[asset], _running[asset], uint64(minor));
    }

    function _turnMonth(uint256 asset, uint256 months) internal {
        uint32 month = _later(_running[asset], months);
        if (month <= _later(MAY, MOST_MONTHS)) _running[asset] = month;
    }

    function _recoverIn(uint256 asset, address lost, address replacement) internal {
        uint32[] memory months = new uint32[](MOST_MONTHS + 1);
        uint256[] memory ids = new uint256[](MOST_MONTHS + 1);
        for (uint256 i = 0; i <= MOST_MONTHS; ++i) {
            months[i] = _later(MAY, i);
            ids[i] = revenue.idOf(_assetIds[asset], months[i]);
            _products[ids[i]][replacement] += _products[ids[i]][lost];
            _products[ids[i]][lost] = 0;
        }
        vm.prank(ENFORCER);
        office.recover(_assetIds[asset], lost, replacement, months, REASON);
        vm.prank(ENFORCER);
        revenue.recover(lost, replacement, ids, REASON);
    }

    /// An asset and one of its months up to the running one.
    function _someMonth(uint256 seed) internal view returns (uint256 asset, uint32 month) {
        asset = seed % 2;
        month = _later(MAY, draw(seed, 4, 0, MOST_MONTHS));
        if (month > _running[asset]) month = _running[asset];
    }

    function _someHolder(uint256 seed, uint256 index) internal view returns (address) {
        return _holders[draw(seed, index, 0, HOLDERS - 1)];
    }

    /// A holder, or now and then somebody unknown.
    function _someReceiver(uint256 seed, uint256 index) internal view returns (address) {
        uint256 which = draw(seed, index, 0, HOLDERS);
        return which == HOLDERS ? STRANGER : _holders[which];
    }

    function _owedToAll(uint256 id) internal view returns (uint256 sum) {
        for (uint256 i = 0; i < HOLDERS; ++i) {
            sum += revenue.owed(_holders[i], id);
        }
        for (uint256 i = 0; i < _lost.length; ++i) {
            sum += revenue.owed(_lost[i], id);
        }
    }

    function _worths(uint256 id) internal view returns (uint256[] memory worths) {
        worths = new uint256[](HOLDERS);
        for (uint256 i = 0; i < HOLDERS; ++i) {
            worths[i] = revenue.owed(_holders[i], id) + revenue.accountOf(_holders[i], id).claimedMinor;
        }
    }
}
