// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Asset,
    AssetStatus,
    Assurance,
    ClaimRight,
    IAssetRegistry,
    Meter,
    MeterRole,
    Project
} from "../src/IAssetRegistry.sol";
import {Fixture} from "./Fixture.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract AssetRegistryTest is Fixture {
    bytes32 internal constant ROOT = keccak256("meter list");

    function test_readsBackWhatWasSet() public view {
        Asset memory asset = registry.asset(SHATIN);
        vm.assertEq(asset.projectId, ROOFTOPS);
        vm.assertEq(asset.beneficiary, OWNER);
        vm.assertEq(asset.capacityFactorCeiling, CAPACITY_FACTOR_CEILING);
        vm.assertTrue(registry.asset("nobody").status == AssetStatus.Unregistered);
        vm.assertEq(registry.project(ROOFTOPS).currency, address(hkd));
        vm.assertTrue(registry.project(FEED_IN).claimRight == ClaimRight.None);
        vm.assertEq(registry.projectIds().length, 2);
        vm.assertEq(registry.assetIds().length, 3);
        vm.assertEq(registry.assetIds()[2], TUENMUN);
    }

    function test_settingAgainListsOnce() public {
        registry.setProject(ROOFTOPS, _project(ClaimRight.Credit));
        registry.setAsset(SHATIN, _asset(ROOFTOPS));
        vm.assertEq(registry.projectIds().length, 2);
        vm.assertEq(registry.assetIds().length, 3);
    }

    /// Invariant: onlyTheAdministratorWrites.
    function test_onlyTheAdministratorWrites() public {
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER);
        Project memory project = _project(ClaimRight.Credit);
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        registry.setProject(ROOFTOPS, project);
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        registry.setAsset(SHATIN, _asset(ROOFTOPS));
        vm.expectRevert(refusal);
        vm.prank(STRANGER);
        registry.setMeters(ROOFTOPS, ROOT, new Meter[](0));
    }

    /// Invariant: idsLeaveFourBytesForANumber.
    function test_idsLeaveFourBytesForANumber(bytes32 id, bool clear) public {
        if (clear) id = bytes32(uint256(id) >> 32 << 32);
        vm.assume(id != ROOFTOPS && id != FEED_IN);
        Project memory project = _project(ClaimRight.Credit);
        if (id == 0 || uint32(uint256(id)) != 0) {
            vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.InvalidId.selector, id));
        }
        registry.setProject(id, project);
    }

    /// Invariant: projectTermsAreFixedOnceAnAssetJoins.
    function test_projectTermsAreFixedOnceAnAssetJoins() public {
        bytes memory refusal = abi.encodeWithSelector(IAssetRegistry.ProjectFixed.selector, ROOFTOPS);
        Project memory project = _project(ClaimRight.Certificate);
        vm.expectRevert(refusal);
        registry.setProject(ROOFTOPS, project);
        project = _project(ClaimRight.Credit);
        project.currency = STRANGER;
        vm.expectRevert(refusal);
        registry.setProject(ROOFTOPS, project);
        project = _project(ClaimRight.Credit);
        project.assurance = Assurance.Recorded;
        vm.expectRevert(refusal);
        registry.setProject(ROOFTOPS, project);
        // The rest may change, and before an asset joins so may everything.
        project = _project(ClaimRight.Credit);
        project.methodology = "AMS-I.F";
        registry.setProject(ROOFTOPS, project);
        registry.setProject("new", _project(ClaimRight.None));
        registry.setProject("new", _project(ClaimRight.Credit));
    }

    function test_aClaimRightNeedsItsDocument() public {
        Project memory project = _project(ClaimRight.Credit);
        project.documentHash = bytes32(0);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.DocumentMissing.selector, bytes32("new")));
        registry.setProject("new", project);
        project.claimRight = ClaimRight.None;
        registry.setProject("new", project);
    }

    /// Invariant: assetKeepsItsProjectAndOffset.
    function test_assetKeepsItsProjectAndOffset() public {
        bytes memory refusal = abi.encodeWithSelector(IAssetRegistry.AssetFixed.selector, SHATIN);
        vm.expectRevert(refusal);
        registry.setAsset(SHATIN, _asset(FEED_IN));
        Asset memory asset = _asset(ROOFTOPS);
        asset.utcOffset = 0;
        vm.expectRevert(refusal);
        registry.setAsset(SHATIN, asset);
        asset = _asset(ROOFTOPS);
        (asset.beneficiary, asset.nameplateW, asset.status) = (STRANGER, 9000, AssetStatus.Suspended);
        registry.setAsset(SHATIN, asset);
        vm.assertEq(registry.asset(SHATIN).beneficiary, STRANGER);
    }

    function test_refusesAnIncompleteAsset() public {
        Asset memory asset = _asset("nowhere");
        _refuses(asset, abi.encodeWithSelector(IAssetRegistry.UnknownProject.selector, bytes32("nowhere")));
        asset = _asset(ROOFTOPS);
        asset.beneficiary = address(0);
        _refuses(asset, abi.encodeWithSelector(IAssetRegistry.ZeroAddress.selector));
        asset = _asset(ROOFTOPS);
        asset.commissionedAt = 0;
        _refuses(asset, abi.encodeWithSelector(IAssetRegistry.CommissioningMissing.selector, bytes32("new")));
        asset = _asset(ROOFTOPS);
        asset.utcOffset = 14 hours + 1;
        _refuses(asset, abi.encodeWithSelector(IAssetRegistry.OffsetOutOfRange.selector, asset.utcOffset));
        asset = _asset(ROOFTOPS);
        asset.status = AssetStatus.Unregistered;
        _refuses(asset, abi.encodeWithSelector(IAssetRegistry.StatusMissing.selector, bytes32("new")));
    }

    function test_announcesTheWholeMeterList() public {
        Meter[] memory meters = _meters(2);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IAssetRegistry.MetersSet(ROOFTOPS, ROOT, meters);
        registry.setMeters(ROOFTOPS, ROOT, meters);
        vm.assertEq(registry.metersRoot(ROOFTOPS), ROOT);
        registry.setMeters(ROOFTOPS, keccak256("again"), meters); // the same list, say with a key revoked
        vm.assertEq(registry.metersRoot(ROOFTOPS), keccak256("again"));
    }

    /// Invariant: oneKeyOneMeter.
    function test_oneKeyOneMeter() public {
        Meter[] memory meters = _meters(1);
        registry.setMeters(ROOFTOPS, ROOT, meters);
        bytes32 thumbprint = meters[0].thumbprint;
        bytes memory refusal = abi.encodeWithSelector(IAssetRegistry.KeyOfAnotherMeter.selector, thumbprint);
        meters[0].meterId = "another";
        vm.expectRevert(refusal);
        registry.setMeters(ROOFTOPS, ROOT, meters);
        meters = _meters(1);
        meters[0].deviceId = "another";
        vm.expectRevert(refusal);
        registry.setMeters(ROOFTOPS, ROOT, meters);
        meters = _meters(1);
        meters[0].assetId = LAMMA;
        vm.expectRevert(refusal);
        registry.setMeters(ROOFTOPS, ROOT, meters);
        // Not in another project either, nor after it has left the list.
        registry.setMeters(ROOFTOPS, bytes32(0), new Meter[](0));
        meters[0].assetId = TUENMUN;
        vm.expectRevert(refusal);
        registry.setMeters(FEED_IN, ROOT, meters);
        // Another key for the same meter is a replacement.
        meters = _meters(1);
        meters[0].thumbprint = keccak256("new key");
        registry.setMeters(ROOFTOPS, ROOT, meters);
    }

    function test_refusesAListOutOfOrderOrWithAKeyTwice() public {
        Meter[] memory meters = _meters(2);
        (meters[0].thumbprint, meters[1].thumbprint) = (bytes32(uint256(5)), bytes32(uint256(5)));
        vm.expectRevert(
            abi.encodeWithSelector(IAssetRegistry.MetersNotAscending.selector, bytes32(uint256(5)), bytes32(uint256(5)))
        );
        registry.setMeters(ROOFTOPS, ROOT, meters);
    }

    function test_refusesMetersOfAnotherProjectAndListsWithoutRoot() public {
        Meter[] memory meters = _meters(1);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AssetOfAnotherProject.selector, SHATIN, FEED_IN));
        registry.setMeters(FEED_IN, ROOT, meters);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.RootOfEmptyList.selector, ROOFTOPS));
        registry.setMeters(ROOFTOPS, bytes32(0), meters);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.RootOfEmptyList.selector, ROOFTOPS));
        registry.setMeters(ROOFTOPS, ROOT, new Meter[](0));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.UnknownProject.selector, bytes32("nowhere")));
        registry.setMeters("nowhere", ROOT, meters);
    }

    function _meters(uint256 count) internal pure returns (Meter[] memory meters) {
        meters = new Meter[](count);
        for (uint256 i = 0; i < count; ++i) {
            meters[i] = Meter({
                assetId: SHATIN,
                meterId: "meter",
                deviceId: i == 0 ? "device-a" : "device-b",
                thumbprint: bytes32(uint256(1000 + i)),
                role: MeterRole.Inverter,
                nameplateW: NAMEPLATE_W,
                baselineWh: 12,
                baselineTime: uint64(NEW_YEAR) * 1000,
                revokedBoot: type(uint64).max,
                revokedSequence: type(uint64).max
            });
        }
    }

    function _refuses(Asset memory asset, bytes memory expected) internal {
        vm.expectRevert(expected);
        registry.setAsset("new", asset);
    }
}
