// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Interval, NaiveEnergyToken} from "../peer/NaiveEnergyToken.sol";
import {HKDStablecoin} from "../src/revenue/HKDStablecoin.sol";
import {Test} from "./Vm.sol";
import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// The contract that gas is compared with does what holders get from Heliograph: it is no straw man.
contract NaiveEnergyTokenTest is Test {
    bytes32 internal constant ASSET = "shatin-1";
    bytes32 internal constant PROJECT = "rooftops";
    uint64 internal constant START = 1_780_272_000;
    uint32 internal constant MAY = 202_605;
    uint32 internal constant JUNE = 202_606;
    uint256 internal constant SERVER = 0x5E12;
    uint256 internal constant SHARES = 1000;
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    address internal constant STRANGER = address(0x57A6E);

    HKDStablecoin internal hkd;
    NaiveEnergyToken internal token;

    function setUp() public {
        vm.warp(START + 90 days);
        AccessManager manager = new AccessManager(address(this));
        hkd = new HKDStablecoin(address(manager));
        token = new NaiveEnergyToken(address(this), hkd);
        token.grantRole(token.ORACLE(), vm.addr(SERVER));
        token.setVerified(ALICE, true);
        token.setVerified(BOB, true);
        token.addAsset(ASSET, PROJECT, ALICE, ALICE, SHARES);
    }

    function test_anIntervalCountsOnce() public {
        Interval memory interval = _interval(0, MAY, 3000);
        bytes memory signature = _signed(SERVER, interval);
        token.post(interval, signature);
        vm.expectRevert(abi.encodeWithSelector(NaiveEnergyToken.AlreadyPosted.selector, ASSET, START));
        token.post(interval, signature);
        vm.assertEq(token.balanceOf(ALICE, token.creditId(PROJECT, 2026)), interval.creditsG);
    }

    function test_onlyTheServerPosts() public {
        Interval memory interval = _interval(0, MAY, 3000);
        bytes memory signature = _signed(SERVER + 1, interval);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, vm.addr(SERVER + 1), token.ORACLE()
            )
        );
        token.post(interval, signature);
    }

    function test_holdersArePaidForWhatWasAttestedWhileTheyHeld(uint256 seed) public {
        uint64 first = uint64(draw(seed, 0, 0, 1e12));
        uint64 second = uint64(draw(seed, 1, 0, 1e12));
        uint64 third = uint64(draw(seed, 2, 0, 1e12));
        uint256 moved = draw(seed, 3, 0, SHARES);
        _post(0, MAY, first);
        vm.prank(ALICE);
        token.safeTransferFrom(ALICE, BOB, uint256(ASSET), moved, "");
        _post(1, MAY, second);
        _post(2, JUNE, third);
        _post(3, JUNE + 1, 1);
        uint256 deposited = draw(seed, 4, 0, uint256(first) + second);
        _deposit(MAY, deposited);
        _deposit(JUNE, third);

        uint256 alices = _claim(ALICE, MAY);
        uint256 bobs = _claim(BOB, MAY);
        uint256 attested = uint256(first) + second;
        uint256 share = second * moved * deposited;
        if (attested != 0) vm.assertEq(bobs, share / (SHARES * attested));
        vm.assertLe(alices + bobs, deposited);
        vm.assertLe(deposited, alices + bobs + 1);
        vm.assertEq(_claim(ALICE, MAY), 0);
        vm.assertEq(_claim(BOB, JUNE), third * moved / SHARES);
    }

    function test_aRunningMonthPaysNobody() public {
        _post(0, MAY, 3000);
        _deposit(MAY, 3000);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(NaiveEnergyToken.MonthIsRunning.selector, MAY));
        token.claim(ASSET, MAY);
    }

    function test_noMoreIsPaidThanWasAttested() public {
        _post(0, MAY, 3000);
        vm.expectRevert(abi.encodeWithSelector(NaiveEnergyToken.MoreThanAttested.selector, 3000, 3001));
        token.deposit(ASSET, MAY, 3001);
    }

    function test_sharesGoToVerifiedAccountsOnly() public {
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(NaiveEnergyToken.NotVerified.selector, STRANGER));
        token.safeTransferFrom(ALICE, STRANGER, uint256(ASSET), 1, "");
    }

    function test_creditsAreRetiredForGood() public {
        _post(0, MAY, 3000);
        uint256 id = token.creditId(PROJECT, 2026);
        vm.prank(ALICE);
        vm.assertEq(token.retire(id, 400, BOB, "flight"), 1);
        vm.assertEq(token.totalSupply(id), 200);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(NaiveEnergyToken.NotACredit.selector, uint256(ASSET)));
        token.retire(uint256(ASSET), 1, BOB, "");
    }

    function _interval(uint64 hour, uint32 month, uint64 revenueMinor) internal pure returns (Interval memory) {
        return Interval(ASSET, START + hour * 1 hours, month, 1000, 600, revenueMinor);
    }

    function _post(uint64 hour, uint32 month, uint64 revenueMinor) internal {
        Interval memory interval = _interval(hour, month, revenueMinor);
        token.post(interval, _signed(SERVER, interval));
    }

    function _signed(uint256 key, Interval memory interval) internal view returns (bytes memory) {
        bytes32 typehash = keccak256(
            "Interval(bytes32 assetId,uint64 start,uint32 month,uint64 energyWh,uint64 creditsG,uint64 revenueMinor)"
        );
        (, string memory name, string memory version, uint256 chainId, address place,,) = token.eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chainId,
                place
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(typehash, interval))));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _deposit(uint32 month, uint256 minor) internal {
        hkd.mint(address(this), minor);
        hkd.approve(address(token), minor);
        token.deposit(ASSET, month, minor);
    }

    function _claim(address holder, uint32 month) internal returns (uint256) {
        uint256 before = hkd.balanceOf(holder);
        vm.prank(holder);
        token.claim(ASSET, month);
        return hkd.balanceOf(holder) - before;
    }
}
