// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HKDStablecoin} from "../src/HKDStablecoin.sol";
import {ClaimRight, Project} from "../src/IAssetRegistry.sol";
import {IRevenueShare} from "../src/IRevenueShare.sol";
import {Statement} from "../src/Statement.sol";
import {Fixture} from "./Fixture.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// A currency that keeps a tenth of every transfer.
contract FeeToken is HKDStablecoin {
    constructor(address authority) HKDStablecoin(authority) {}

    function _update(address from, address to, uint256 minor) internal override {
        super._update(from, to, minor);
        if (from != address(0) && to != address(0)) super._update(to, address(0xFEE), minor / 10);
    }
}

/// A currency that deposits again while it is being pulled.
contract ReentrantToken is HKDStablecoin {
    constructor(address authority) HKDStablecoin(authority) {}

    function transferFrom(address from, address to, uint256 minor) public override returns (bool) {
        IRevenueShare(msg.sender).deposit("again-1", 202_605, 1);
        return super.transferFrom(from, to, minor);
    }
}

contract RevenueShareTest is Fixture {
    address internal constant OFFTAKER = address(0x0FF7A4E);
    address internal constant ANN = address(0xA22);
    address internal constant BEN = address(0xBE2);
    address internal constant CAT = address(0xCA7);

    uint256 internal id;
    address[3] internal holders = [ANN, BEN, CAT];

    function setUp() public override {
        super.setUp();
        id = _mayId(SHATIN);
        hkd.mint(OFFTAKER, 1e18);
        vm.prank(OFFTAKER);
        hkd.approve(address(revenue), type(uint256).max);
    }

    function test_aDepositPaysEveryUnitAlike() public {
        _issue(1000, 600, 300, 100);
        _deposit(1000);
        vm.assertEq(revenue.owed(ANN, id), 600);
        vm.assertEq(revenue.owed(BEN, id), 300);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenueShare.Claimed(CAT, id, STRANGER, 100);
        vm.prank(CAT);
        revenue.claim(_ids(), STRANGER);
        vm.assertEq(hkd.balanceOf(STRANGER), 100);
        vm.assertEq(revenue.owed(CAT, id), 0);
    }

    function test_claimingTwicePaysOnce() public {
        _issue(1000, 600, 300, 100);
        _deposit(1000);
        uint256[] memory twice = new uint256[](2);
        (twice[0], twice[1]) = (id, id);
        vm.prank(ANN);
        revenue.claim(twice, ANN);
        vm.prank(ANN);
        revenue.claim(twice, ANN);
        vm.assertEq(hkd.balanceOf(ANN), 600);
    }

    /// Invariant: equalHoldersGetEqualCash.
    function test_equalHoldersGetEqualCash(uint256 each, uint256 first, uint256 second) public {
        each = bound(each, 1, 1e9);
        _issue(3 * each, each, each, each);
        first = bound(first, 1, 3 * each);
        second = bound(second, 0, 3 * each - first);
        _deposit(first);
        _claim(ANN); // early, or late: the same
        if (second > 0) _deposit(second);
        _claim(ANN);
        _claim(CAT);
        _claim(BEN);
        vm.assertEq(hkd.balanceOf(ANN), (first + second) / 3);
        vm.assertEq(hkd.balanceOf(BEN), (first + second) / 3);
        vm.assertEq(hkd.balanceOf(CAT), (first + second) / 3);
    }

    /// Invariant: currencyHeldCoversOwed. Invariant: orderOfClaimsCannotMatter.
    /// Twenty random transfers, deposits and claims; then whoever claims when ends with the same cash.
    function test_currencyHeldCoversOwed(uint256 seed) public {
        uint256 supply = _issueAtRandom(seed);
        for (uint256 i = 0; i < 20; ++i) {
            _actAtRandom(uint256(keccak256(abi.encode(seed, i))), supply);
            vm.assertGe(hkd.balanceOf(address(revenue)), _owedToAll(), "held >= owed");
            vm.assertLe(revenue.fundedMinor(id), supply);
        }
        // What rounding keeps back is less than a unit for each holder.
        vm.assertLe(hkd.balanceOf(address(revenue)), _owedToAll() + 2);
        uint256 left = supply - revenue.fundedMinor(id);
        if (left > 0) _deposit(left);
        _claimAll();
        vm.assertLe(hkd.balanceOf(address(revenue)), 2);
    }

    function test_orderOfClaimsCannotMatter(uint256 seed) public {
        uint256 supply = _issueAtRandom(seed);
        uint256 start = vm.snapshotState();
        uint256[3][2] memory cash;
        for (uint256 run = 0; run < 2; ++run) {
            for (uint256 i = 0; i < 12; ++i) {
                uint256 one = uint256(keccak256(abi.encode(seed, i)));
                if (one % 3 == 2) continue;
                _actAtRandom(one, supply);
                // Claims fall differently in the two runs.
                if (draw(seed, 100 + 50 * run + i, 0, 1) == 1) _claim(holders[draw(seed, 300 * run + i, 0, 2)]);
            }
            _claimAll();
            for (uint256 i = 0; i < 3; ++i) {
                cash[run][i] = hkd.balanceOf(holders[i]);
            }
            if (run == 0) vm.revertToState(start);
        }
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(cash[0][i], cash[1][i]);
        }
    }

    /// Invariant: transfersKeepWhatWasOwed.
    function test_transfersKeepWhatWasOwed(uint256 part, uint256 paid) public {
        _issue(1000, 600, 300, 100);
        paid = bound(paid, 1, 999);
        part = bound(part, 0, 600);
        _deposit(paid);
        vm.prank(ANN);
        revenue.safeTransferFrom(ANN, BEN, id, part, "");
        vm.assertEq(revenue.owed(ANN, id), 600 * paid / 1000);
        vm.assertEq(revenue.owed(BEN, id), 300 * paid / 1000);
        // What comes later follows the units.
        _deposit(1000 - paid);
        vm.assertEq(revenue.owed(ANN, id), (600 * paid + (600 - part) * (1000 - paid)) / 1000);
        vm.assertEq(revenue.owed(BEN, id), (300 * paid + (300 + part) * (1000 - paid)) / 1000);
    }

    /// Invariant: neverMorePaidThanAttested.
    function test_neverMorePaidThanAttested(uint256 depositMinor) public {
        _issue(1000, 600, 300, 100);
        depositMinor = bound(depositMinor, 1001, 1e18);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.MoreThanAttested.selector, 1000, depositMinor));
        _deposit(depositMinor);
        _deposit(400);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.MoreThanAttested.selector, 1000, 1001));
        _deposit(601);
    }

    function test_refusesADepositForNothing() public {
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.NothingAttested.selector, SHATIN, MAY_2026));
        _deposit(1);
        _issue(1000, 600, 300, 100);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.NothingDeposited.selector));
        _deposit(0);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.RecipientMissing.selector));
        vm.prank(ANN);
        revenue.claim(_ids(), address(0));
    }

    /// Invariant: closedMonthTakesNoMoreUnits.
    function test_closedMonthTakesNoMoreUnits() public {
        _publishAndSettle(_revenueOf(1000, JUNE));
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenueShare.MonthClosed(SHATIN, MAY_2026, 1000);
        _deposit(500);
        _publishAndSettle(_revenueOf(1300, JUNE)); // more of May, too late
        vm.assertEq(revenue.totalSupply(id), 1000);
        vm.assertEq(revenue.totalSupply(revenue.idOf(SHATIN, 202_606)), 300);
        vm.assertEq(revenue.lastClosedMonth(SHATIN), MAY_2026);
        // The month before is still open.
        Batch memory april = _publish(_one(_revenueOf(1400, MAY)));
        _settle(april);
        vm.assertEq(revenue.totalSupply(revenue.idOf(SHATIN, 202_604)), 100);
        // Closed after May, it does not become the last: what comes late for it goes behind May.
        vm.prank(OFFTAKER);
        revenue.deposit(SHATIN, 202_604, 1);
        vm.assertEq(revenue.lastClosedMonth(SHATIN), MAY_2026);
        _publishAndSettle(_revenueOf(1405, MAY));
        vm.assertEq(revenue.totalSupply(revenue.idOf(SHATIN, 202_606)), 305);
    }

    function test_aClosedDecemberRollsIntoJanuary() public {
        uint64 end = NEW_YEAR + 365 days;
        vm.warp(end + 40 days);
        _publishAndSettle(_revenueOf(1000, end));
        uint256 december = revenue.idOf(SHATIN, 202_612);
        vm.assertEq(revenue.totalSupply(december), 1000);
        vm.prank(OFFTAKER);
        revenue.deposit(SHATIN, 202_612, 1000);
        _publishAndSettle(_revenueOf(1001, end));
        vm.assertEq(revenue.totalSupply(revenue.idOf(SHATIN, 202_701)), 1);
    }

    /// Invariant: aSpeckOfCashClosesNoRunningMonth.
    function test_aSpeckOfCashClosesNoRunningMonth() public {
        vm.warp(JUNE + 10 days);
        _publishAndSettle(_revenueOf(1000, JUNE + 10 days));
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.MonthNotEnded.selector, 202_606, JUNE + 30 days));
        vm.prank(OFFTAKER);
        revenue.deposit(SHATIN, 202_606, 999);
        vm.prank(OFFTAKER);
        revenue.deposit(SHATIN, 202_606, 1000); // all of it may be paid early
        vm.assertEq(revenue.lastClosedMonth(SHATIN), 202_606);
    }

    /// The month is the one that the cutoff closes: local, and midnight belongs to the month before.
    function test_revenueFallsIntoTheMonthThatItsCutoffCloses() public {
        _publishAndSettle(_revenueOf(10, MAY));
        vm.assertEq(revenue.totalSupply(revenue.idOf(SHATIN, 202_604)), 10);
        _publishAndSettle(_revenueOf(11, MAY + 1));
        vm.assertEq(revenue.totalSupply(id), 1);
    }

    function test_countsWhatArrivedNotWhatWasSent() public {
        FeeToken fee = new FeeToken(address(manager));
        _project("dear", "dear-1", address(fee));
        fee.mint(OFFTAKER, 1000);
        vm.prank(OFFTAKER);
        fee.approve(address(revenue), 1000);
        vm.prank(OFFTAKER);
        revenue.deposit("dear-1", MAY_2026, 1000);
        vm.assertEq(revenue.fundedMinor(_mayId("dear-1")), 900);
        vm.assertEq(revenue.owed(OWNER, _mayId("dear-1")), 900);
    }

    function test_aCurrencyCannotReenter() public {
        ReentrantToken twice = new ReentrantToken(address(manager));
        _project("again", "again-1", address(twice));
        vm.expectRevert(abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
        revenue.deposit("again-1", MAY_2026, 1000);
    }

    function _project(bytes32 projectId, bytes32 assetId, address currency) internal {
        Project memory project = _project(ClaimRight.None);
        project.currency = currency;
        registry.setProject(projectId, project);
        registry.setAsset(assetId, _asset(projectId));
        _publishAndSettle(_statement(assetId, 1000, 0, JUNE));
    }

    /// A statement of so much revenue, with energy enough behind it.
    function _revenueOf(uint256 minor, uint64 cutoff) internal pure returns (Statement memory statement) {
        statement = _statement(SHATIN, 1_000_000, 0, cutoff);
        statement.revenueIssuedMinor = uint128(minor);
    }

    function _issue(uint256 supply, uint256 ann, uint256 ben, uint256 cat) internal {
        _publishAndSettle(_revenueOf(supply, JUNE));
        uint256[3] memory parts = [ann, ben, cat];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(OWNER);
            revenue.safeTransferFrom(OWNER, holders[i], id, parts[i], "");
        }
    }

    function _issueAtRandom(uint256 seed) internal returns (uint256 supply) {
        supply = draw(seed, 900, 3, 100_000);
        uint256 ann = draw(seed, 901, 0, supply);
        uint256 ben = draw(seed, 902, 0, supply - ann);
        _issue(supply, ann, ben, supply - ann - ben);
    }

    /// Transfer, deposit or claim.
    function _actAtRandom(uint256 seed, uint256 supply) internal {
        address from = holders[draw(seed, 1, 0, 2)];
        if (seed % 3 == 0) {
            uint256 units = draw(seed, 2, 0, revenue.balanceOf(from, id));
            vm.prank(from);
            revenue.safeTransferFrom(from, holders[draw(seed, 3, 0, 2)], id, units, "");
        } else if (seed % 3 == 1) {
            uint256 left = supply - revenue.fundedMinor(id);
            if (left > 0) _deposit(draw(seed, 4, 1, left / 4 + 1 > left ? left : left / 4 + 1));
        } else {
            _claim(from);
        }
    }

    function _owedToAll() internal view returns (uint256) {
        return revenue.owed(ANN, id) + revenue.owed(BEN, id) + revenue.owed(CAT, id);
    }

    function _deposit(uint256 minor) internal {
        vm.prank(OFFTAKER);
        revenue.deposit(SHATIN, MAY_2026, minor);
    }

    function _claim(address holder) internal {
        uint256[] memory ids = _ids();
        vm.prank(holder);
        revenue.claim(ids, holder);
    }

    function _claimAll() internal {
        for (uint256 i = 0; i < 3; ++i) {
            _claim(holders[i]);
        }
    }

    function _ids() internal view returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = id;
    }
}
