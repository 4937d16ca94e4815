// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HKDStablecoin} from "../src/revenue/HKDStablecoin.sol";
import {IRevenueShare} from "../src/revenue/IRevenueShare.sol";
import {
    EmptyToken,
    FeeToken,
    RebasingToken,
    ReentrantHolder,
    ReentrantToken,
    ToppingToken
} from "./HostileCurrencies.sol";
import {SharesFixture} from "./SharesFixture.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

/// Currencies that take a fee, shrink or call back, and holders that do.
contract HostileCurrencyTest is SharesFixture {
    function test_countsWhatArrivedNotWhatWasSent() public {
        _settlesIn(address(new FeeToken(address(manager))));
        _depositThere(1000);
        vm.assertEq(_there(), 900);
        vm.assertEq(revenue.owed(ANN, revenue.idOf("dear-1", MAY)), 900);
    }

    function test_nothingArrivedIsNoDeposit() public {
        _settlesIn(address(new EmptyToken()));
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.NothingDeposited.selector));
        vm.prank(OFFTAKER);
        revenue.deposit("dear-1", MAY, 1000);
    }

    /// Invariant: rebasingIsRefused. When a currency has taken balances away, nobody is paid before it is made good: else the
    /// first would be paid in full and the last in nothing. Another currency is not touched.
    function test_rebasingIsRefused(uint256 part) public {
        part = bound(part, 1, 500);
        RebasingToken currency = new RebasingToken(address(manager));
        _settlesIn(address(currency));
        _depositThere(500);
        currency.shrink(address(revenue), part);
        uint256[] memory ids = new uint256[](1);
        ids[0] = revenue.idOf("dear-1", MAY);
        bytes memory refusal =
            abi.encodeWithSelector(IRevenueShare.CurrencyShrank.selector, address(currency), 500, 500 - part);
        currency.mint(OFFTAKER, 1e6);
        vm.expectRevert(refusal);
        vm.prank(OFFTAKER);
        revenue.deposit("dear-1", MAY, 1);
        vm.expectRevert();
        vm.prank(ANN);
        revenue.claim(ids, ANN);

        _endMay(100);
        _collect(ANN, MAY);
        _deposit(MAY, 100);
        _claim(ANN, MAY);
        vm.assertEq(hkd.balanceOf(ANN), 100);

        currency.mint(address(revenue), part);
        vm.prank(ANN);
        revenue.claim(ids, ANN);
        vm.assertEq(currency.balanceOf(ANN), 500);
    }

    function test_aCurrencyThatTakesMoreThanIsPaidIsRefused() public {
        ToppingToken currency = new ToppingToken(address(manager));
        _settlesIn(address(currency));
        uint256[] memory ids = new uint256[](1);
        ids[0] = revenue.idOf("dear-1", MAY);
        vm.prank(ANN);
        revenue.safeTransferFrom(ANN, BEN, ids[0], 500, "");
        _depositThere(500);
        currency.setFee(1);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.CurrencyShrank.selector, address(currency), 250, 249));
        vm.prank(BEN);
        revenue.claim(ids, BEN);
    }

    function test_aGiftIsNoDeposit() public {
        _endMay(1000);
        hkd.mint(address(revenue), 77);
        vm.assertEq(revenue.receivable(LIUYANG, MAY).depositedMinor, 0);
        _deposit(MAY, 5);
        vm.assertEq(revenue.receivable(LIUYANG, MAY).depositedMinor, 5);
    }

    function test_aCurrencyCannotReenter() public {
        ReentrantToken currency = new ReentrantToken(address(manager));
        _settlesIn(address(currency));
        uint256[] memory ids = new uint256[](1);
        ids[0] = revenue.idOf("dear-1", MAY);
        bytes4 refusal = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
        currency.callBack(address(revenue), abi.encodeCall(revenue.deposit, ("dear-1", MAY, 1)));
        _depositThere(500);
        vm.assertTrue(currency.refusal() == refusal);
        currency.callBack(address(revenue), abi.encodeCall(revenue.claim, (ids, ANN)));
        vm.prank(OFFTAKER);
        revenue.deposit("dear-1", MAY, 100);
        vm.assertTrue(currency.refusal() == refusal);
        vm.prank(ANN);
        revenue.claim(ids, ANN);
        vm.assertTrue(currency.refusal() == refusal);
        vm.assertEq(currency.balanceOf(ANN), 600);
    }

    function test_aReceiverCannotGainByReentering() public {
        ReentrantHolder holder = new ReentrantHolder(revenue);
        _verify(address(holder));
        _endMay(1000);
        _collect(ANN, MAY);
        _deposit(MAY, 400);
        _sendUnits(ANN, address(holder), MAY, 600); // sends half of it back
        vm.assertEq(hkd.balanceOf(address(holder)), 0);
        vm.assertEq(revenue.balanceOf(address(holder), _id(MAY)), 300);
        _deposit(MAY, 600);
        vm.assertEq(_owed(address(holder), MAY), 180);
        vm.assertEq(_owed(ANN, MAY), 400 + 420);
        // Collecting asks no receiver: a holder that refuses units cannot stop it.
        _verify(address(hkd));
        _send(ANN, address(hkd), 500);
        _settle(JUNE, 100);
        _collect(address(hkd), JUNE);
        vm.assertEq(revenue.balanceOf(address(hkd), _id(JUNE)), 50);
    }

    /// An asset in another currency, with May behind it: ANN holds its ten shares and has collected May, 1000 units.
    function _settlesIn(address currency) internal {
        registry.setProject("dear", _project(currency));
        registry.setAsset("dear-1", _asset("dear"));
        _issue("dear-1", 10, ANN);
        ledger.settle("dear-1", MAY, 1000);
        ledger.settle("dear-1", JUNE, 0);
        revenue.collect("dear-1", _months(MAY), ANN);
    }

    function _depositThere(uint256 minor) internal {
        HKDStablecoin currency = HKDStablecoin(registry.project("dear").currency);
        currency.mint(OFFTAKER, 10 * minor);
        vm.prank(OFFTAKER);
        currency.approve(address(revenue), type(uint256).max);
        vm.prank(OFFTAKER);
        revenue.deposit("dear-1", MAY, minor);
    }

    function _there() internal view returns (uint256) {
        return revenue.receivable("dear-1", MAY).depositedMinor;
    }
}
