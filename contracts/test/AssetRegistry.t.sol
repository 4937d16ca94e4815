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
} from "../src/registry/IAssetRegistry.sol";
import {IdentifierGrammar} from "./IdentifierGrammar.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract AssetRegistryTest is IdentifierGrammar {
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

    /// Invariant: idsLeaveFourBytesForANumber. What is accepted leaves them, up to the longest identifier.
    function test_idsLeaveFourBytesForANumber(uint256 seed) public {
        bytes32 id = bytes32(bytes(_text(seed, draw(seed, 40, 1, 32))));
        try registry.setAsset(id, _asset(ROOFTOPS)) {
            vm.assertTrue(id != bytes32(0) && uint32(uint256(id)) == 0);
        } catch {
            vm.assertTrue(uint32(uint256(id)) != 0);
        }
    }

    /// Invariant: idsAreIdentifiers. Identifiers of every length, and the same with one byte changed or with nothing but
    /// noise, against the grammar written out.
    function test_idsAreIdentifiers(uint256 seed, bytes32 noise, uint8 kind) public {
        bytes memory text = bytes(_text(seed, draw(seed, 40, 1, 28)));
        if (kind % 4 == 1) text[draw(seed, 41, 0, text.length - 1)] = noise[0];
        if (kind % 4 == 2) text = bytes.concat(text, noise);
        bytes32 id = kind % 4 == 3 ? noise : bytes32(text);
        bool expected = _spellsAnIdentifier(id);
        vm.assertTrue(expected || kind % 4 != 0);
        Project memory project = _project(ClaimRight.Credit);
        if (!expected) vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.InvalidId.selector, id));
        registry.setProject(id, project);
        if (!expected) vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.InvalidId.selector, id));
        registry.setAsset(id, _asset(ROOFTOPS));
    }

    /// Every byte at the first and at a later place.
    function test_eachCharacterIsJudged() public {
        Project memory project = _project(ClaimRight.Credit);
        for (uint256 c = 0; c < 256; ++c) {
            bytes32 id = bytes32(c << 248 | uint256(uint8(bytes1("x"))) << 240);
            if (!_isLetterOrDigit(c)) vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.InvalidId.selector, id));
            registry.setProject(id, project);
            id = bytes32(uint256(bytes32("xy")) | c << 232 | uint256(uint8(bytes1("z"))) << 224);
            if (!_isAllowed(c)) vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.InvalidId.selector, id));
            registry.setProject(id, project);
        }
    }

    function test_refusesIdsThatNodesCannotRead() public {
        bytes32[10] memory ids = [
            bytes32(0),
            bytes32(uint256(bytes32("a")) >> 8), // not left-aligned
            bytes32(bytes("a\x00b")), // zero inside
            bytes32(uint256(bytes32("a")) | 1), // something far behind
            bytes32(uint256(bytes32("abcdefghijklmnopqrstuvwxyz12")) | 1), // and just behind the longest
            "abcdefghijklmnopqrstuvwxyz123", // 29 characters
            "abcdefghijklmnopqrstuvwxyz123456", // 32 characters
            "-a",
            "a b",
            bytes32(bytes(unicode"沙田"))
        ];
        Project memory project = _project(ClaimRight.Credit);
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.InvalidId.selector, ids[i]));
            registry.setProject(ids[i], project);
        }
        registry.setProject("abcdefghijklmnopqrstuvwxyz12", project);
        registry.setProject("0", project);
        registry.setProject("Hunan.village_7-", project);
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
        asset.nameplateW = 0;
        _refuses(asset, abi.encodeWithSelector(IAssetRegistry.NameplateOutOfRange.selector, 0));
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

    function _refuses(Asset memory asset, bytes memory expected) internal {
        vm.expectRevert(expected);
        registry.setAsset("new", asset);
    }
}
