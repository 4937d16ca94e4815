// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger} from "../src/ledger/IMarkLedger.sol";
import {AssetRegistry} from "../src/registry/AssetRegistry.sol";
import {Asset, AssetStatus, Assurance, ClaimRight, Project} from "../src/registry/IAssetRegistry.sol";
import {HKDStablecoin} from "../src/revenue/HKDStablecoin.sol";
import {RevenueShare} from "../src/revenue/RevenueShare.sol";
import {IAssetShare} from "../src/shares/IAssetShare.sol";
import {IdentityRegistry} from "../src/shares/IdentityRegistry.sol";
import {ShareOffice} from "../src/shares/ShareOffice.sol";
import {LedgerStub} from "./LedgerStub.sol";
import {Test} from "./Vm.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// Identities, the office, the share of one asset and the receivables, over a ledger whose revenue the tests set.
/// Each role has an account of its own; the administrator is the test.
abstract contract SharesFixture is Test {
    uint64 internal constant GUARDIAN_ROLE = 2;
    uint64 internal constant IDENTITY_ISSUER_ROLE = 4;
    uint64 internal constant ENFORCER_ROLE = 5;
    uint64 internal constant TRUSTEE_ROLE = 6;
    uint64 internal constant SHARE_ISSUER_ROLE = 8;
    uint32 internal constant TRUSTEE_DELAY = 2 days;

    address internal constant GUARDIAN = address(0x62A2D1A2);
    address internal constant IDENTITY_ISSUER = address(0x1DE27177);
    address internal constant ENFORCER = address(0xE2F02CE2);
    address internal constant TRUSTEE = address(0x7205733);
    address internal constant SHARE_ISSUER = address(0x55022);
    address internal constant OFFTAKER = address(0x0FF7A4E);
    address internal constant ANN = address(0xA22);
    address internal constant BEN = address(0xBE2);
    address internal constant CAT = address(0xCA7);
    /// Verified as well, and never a holder at first.
    address internal constant DAN = address(0xDA2);
    /// Nobody has verified this one.
    address internal constant STRANGER = address(0x57A6E);

    uint64 internal constant TODAY = 1_780_243_200; // 2026-06-01
    uint64 internal constant EXPIRY = TODAY + 3650 days;
    uint16 internal constant HONG_KONG = 344;
    uint8 internal constant PROFESSIONAL = 1;
    uint48 internal constant SUPPLY = 1000;
    uint32 internal constant MAY = 202_605;
    uint32 internal constant JUNE = 202_606;
    uint32 internal constant JULY = 202_607;
    bytes32 internal constant FARMS = "farms";
    bytes32 internal constant LIUYANG = "liuyang-1";
    bytes32 internal constant HENGYANG = "hengyang-2";
    string internal constant REASON = "order 7 of 2026";

    AccessManager internal manager;
    AssetRegistry internal registry;
    HKDStablecoin internal hkd;
    LedgerStub internal ledger;
    IdentityRegistry internal identities;
    ShareOffice internal office;
    RevenueShare internal revenue;
    IAssetShare internal share;

    address[3] internal holders = [ANN, BEN, CAT];

    function setUp() public virtual {
        vm.warp(TODAY);
        manager = new AccessManager(address(this));
        hkd = new HKDStablecoin(address(manager));
        registry = new AssetRegistry(address(manager));
        ledger = new LedgerStub();
        identities = new IdentityRegistry(address(manager));
        office = new ShareOffice(address(manager), registry, identities, IMarkLedger(address(ledger)));
        revenue = new RevenueShare(address(manager), registry, IMarkLedger(address(ledger)), office, identities);
        office.setRevenueShare(address(revenue));
        _grant();

        registry.setProject(FARMS, _project(address(hkd)));
        registry.setAsset(LIUYANG, _asset(FARMS));
        registry.setAsset(HENGYANG, _asset(FARMS));
        address[4] memory verified = [ANN, BEN, CAT, DAN];
        for (uint256 i = 0; i < verified.length; ++i) {
            _verify(verified[i]);
        }
        share = _issue(LIUYANG, SUPPLY, ANN);
        hkd.mint(OFFTAKER, type(uint128).max);
        vm.prank(OFFTAKER);
        hkd.approve(address(revenue), type(uint256).max);
    }

    function _grant() internal {
        _allow(GUARDIAN_ROLE, GUARDIAN, address(office), office.pauseTransfers.selector);
        _allow(GUARDIAN_ROLE, GUARDIAN, address(revenue), revenue.pauseTransfers.selector);
        _allow(IDENTITY_ISSUER_ROLE, IDENTITY_ISSUER, address(identities), identities.set.selector);
        _allow(IDENTITY_ISSUER_ROLE, IDENTITY_ISSUER, address(identities), identities.remove.selector);
        _allow(ENFORCER_ROLE, ENFORCER, address(office), office.freeze.selector);
        _allow(ENFORCER_ROLE, ENFORCER, address(office), office.unfreeze.selector);
        _allow(ENFORCER_ROLE, ENFORCER, address(office), office.forceTransfer.selector);
        _allow(ENFORCER_ROLE, ENFORCER, address(office), office.recover.selector);
        _allow(ENFORCER_ROLE, ENFORCER, address(revenue), revenue.recover.selector);
        _allow(TRUSTEE_ROLE, TRUSTEE, address(revenue), revenue.writeDown.selector);
        _allow(SHARE_ISSUER_ROLE, SHARE_ISSUER, address(office), office.issue.selector);
        manager.grantRole(TRUSTEE_ROLE, TRUSTEE, TRUSTEE_DELAY);
    }

    function _allow(uint64 role, address account, address target, bytes4 selector) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        manager.setTargetFunctionRole(target, selectors, role);
        manager.grantRole(role, account, 0);
    }

    function _project(address currency) internal pure returns (Project memory) {
        return Project(currency, "AMS-I.D", ClaimRight.None, bytes32(0), Assurance.DeviceSigned);
    }

    function _asset(bytes32 projectId) internal pure returns (Asset memory) {
        return Asset({
            projectId: projectId,
            beneficiary: ANN,
            nameplateW: 8000,
            commissionedAt: TODAY - 365 days,
            utcOffset: 8 hours,
            factorCeiling: 700_000,
            tariffCeiling: 4_000_000_000,
            capacityFactorCeiling: 250_000,
            status: AssetStatus.Active
        });
    }

    function _verify(address account) internal {
        vm.prank(IDENTITY_ISSUER);
        identities.set(account, HONG_KONG, PROFESSIONAL, EXPIRY);
    }

    function _unverify(address account) internal {
        vm.prank(IDENTITY_ISSUER);
        identities.remove(account);
    }

    function _issue(bytes32 assetId, uint48 supply, address holder) internal returns (IAssetShare) {
        vm.prank(SHARE_ISSUER);
        return office.issue(assetId, "Liuyang 1", "LY1", supply, holder, PROFESSIONAL);
    }

    /// ANN passes shares on, so that the three hold these.
    function _split(uint256 ben, uint256 cat) internal {
        _send(ANN, BEN, ben);
        _send(ANN, CAT, cat);
    }

    function _send(address from, address to, uint256 units) internal {
        vm.prank(from);
        share.transfer(to, units);
    }

    function _settle(uint32 month, uint256 minor) internal {
        ledger.settle(LIUYANG, month, uint64(minor));
    }

    function _freeze(address account, uint256 units) internal {
        vm.prank(ENFORCER);
        office.freeze(LIUYANG, account, units, REASON);
    }

    function _unfreeze(address account) internal {
        vm.prank(ENFORCER);
        office.unfreeze(LIUYANG, account, REASON);
    }

    function _force(address from, address to, uint256 units) internal {
        vm.prank(ENFORCER);
        office.forceTransfer(LIUYANG, from, to, units, REASON);
    }

    function _recover(address lost, address replacement, uint32[] memory months) internal {
        vm.prank(ENFORCER);
        office.recover(LIUYANG, lost, replacement, months, REASON);
    }

    function _recoverUnits(address lost, address replacement, uint32 month) internal {
        uint256[] memory ids = _ids(month);
        vm.prank(ENFORCER);
        revenue.recover(lost, replacement, ids, REASON);
    }

    function _collect(address holder, uint32 month) internal {
        revenue.collect(LIUYANG, _months(month), holder);
    }

    function _deposit(uint32 month, uint256 minor) internal {
        vm.prank(OFFTAKER);
        revenue.deposit(LIUYANG, month, minor);
    }

    /// Through the timelock.
    function _writeDown(uint32 month, uint256 minor) internal {
        _scheduleWriteDown(month, minor);
        vm.prank(TRUSTEE);
        revenue.writeDown(LIUYANG, month, minor, REASON);
    }

    /// The trustee says so, and the delay passes.
    function _scheduleWriteDown(uint32 month, uint256 minor) internal {
        vm.prank(TRUSTEE);
        manager.schedule(address(revenue), abi.encodeCall(revenue.writeDown, (LIUYANG, month, minor, REASON)), 0);
        vm.warp(block.timestamp + TRUSTEE_DELAY);
    }

    function _claim(address holder, uint32 month) internal {
        uint256[] memory ids = _ids(month);
        vm.prank(holder);
        revenue.claim(ids, holder);
    }

    function _endMay(uint256 minor) internal {
        _settle(MAY, minor);
        _settle(JUNE, 0);
    }

    function _collectAll(uint32 month) internal {
        for (uint256 i = 0; i < 3; ++i) {
            _collect(holders[i], month);
        }
    }

    function _claimAll(uint32 month) internal {
        for (uint256 i = 0; i < 3; ++i) {
            _claim(holders[i], month);
        }
    }

    function _sendUnits(address from, address to, uint32 month, uint256 units) internal {
        uint256 id = _id(month);
        vm.prank(from);
        revenue.safeTransferFrom(from, to, id, units, "");
    }

    function _earned(address holder, uint32 month) internal view returns (uint256 earned) {
        (earned,) = share.entitlementOf(month, holder);
    }

    function _owed(address holder, uint32 month) internal view returns (uint256) {
        return revenue.owed(holder, _id(month));
    }

    /// Owed and claimed, in one month.
    function _worth(address holder, uint32 month) internal view returns (uint256) {
        return _owed(holder, month) + revenue.accountOf(holder, _id(month)).claimedMinor;
    }

    function _id(uint32 month) internal pure returns (uint256) {
        return uint256(LIUYANG) | month;
    }

    function _ids(uint32 month) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = _id(month);
    }

    function _months(uint32 month) internal pure returns (uint32[] memory months) {
        months = new uint32[](1);
        months[0] = month;
    }

    function _assets(bytes32 assetId) internal pure returns (bytes32[] memory assetIds) {
        assetIds = new bytes32[](1);
        assetIds[0] = assetId;
    }

    /// The `count`-th month after, or the same.
    function _later(uint32 month, uint256 count) internal pure returns (uint32) {
        uint256 number = uint256(month / 100) * 12 + month % 100 - 1 + count;
        return uint32(number / 12 * 100 + number % 12 + 1);
    }
}
