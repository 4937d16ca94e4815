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
        // Where it belongs it may come back.
        registry.setMeters(ROOFTOPS, ROOT, _meters(1));
    }

    /// Invariant: oneMeterOneKey.
    function test_oneMeterOneKey() public {
        Meter[] memory meters = _meters(1);
        registry.setMeters(ROOFTOPS, ROOT, meters);
        bytes32 bound = meters[0].thumbprint;
        vm.assertEq(registry.keyOf(keccak256(abi.encode("device-a", "meter"))), bound);
        bytes32 other = keccak256("new key");
        bytes memory refusal = abi.encodeWithSelector(IAssetRegistry.MeterOfAnotherKey.selector, bound, other);
        meters[0].thumbprint = other;
        vm.expectRevert(refusal);
        registry.setMeters(ROOFTOPS, ROOT, meters);
        // Nor for another asset or project, nor after it has left the list.
        meters[0].assetId = LAMMA;
        vm.expectRevert(refusal);
        registry.setMeters(ROOFTOPS, ROOT, meters);
        registry.setMeters(ROOFTOPS, bytes32(0), new Meter[](0));
        meters[0].assetId = TUENMUN;
        vm.expectRevert(refusal);
        registry.setMeters(FEED_IN, ROOT, meters);
        // A refusal has bound nothing. Another device may sign for the same meter, and a device for another meter.
        vm.assertEq(registry.meterOf(other), bytes32(0));
        meters = _meters(1);
        (meters[0].deviceId, meters[0].thumbprint) = ("device-b", keccak256("b"));
        registry.setMeters(ROOFTOPS, ROOT, meters);
        (meters[0].deviceId, meters[0].meterId, meters[0].thumbprint) = ("device-a", "meter-2", keccak256("c"));
        registry.setMeters(ROOFTOPS, ROOT, meters);
    }

    /// Two keys for one device and meter in one list: nobody could say whose readings they are.
    function test_refusesADeviceAndMeterTwiceInAList() public {
        Meter[] memory meters = _meters(2);
        meters[1].deviceId = meters[0].deviceId;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.MeterOfAnotherKey.selector, meters[0].thumbprint, meters[1].thumbprint
            )
        );
        registry.setMeters(ROOFTOPS, ROOT, meters);
    }

    /// Device and meter are told apart: ("a", "bc") is not ("ab", "c").
    function test_deviceAndMeterAreTwoNames() public {
        Meter[] memory meters = _meters(2);
        (meters[0].deviceId, meters[0].meterId) = ("a", "bc");
        (meters[1].deviceId, meters[1].meterId) = ("ab", "c");
        registry.setMeters(ROOFTOPS, ROOT, meters);
        vm.assertEq(registry.keyOf(keccak256(abi.encode("a", "bc"))), meters[0].thumbprint);
        vm.assertEq(registry.keyOf(keccak256(abi.encode("ab", "c"))), meters[1].thumbprint);
        vm.assertEq(registry.keyOf(keccak256(abi.encode("bc", "a"))), bytes32(0));
    }

    /// Invariant: metersHaveNamesThatNodesRead.
    function test_metersHaveNamesThatNodesRead(uint256 seed, bytes memory noise, uint8 kind, bool device) public {
        bytes memory text = bytes(_text(seed, draw(seed, 40, 1, 28)));
        if (kind % 4 == 1) text[draw(seed, 41, 0, text.length - 1)] = bytes32(seed)[0];
        if (kind % 4 == 2) text = bytes.concat(text, noise);
        if (kind % 4 == 3) text = noise;
        bool expected = text.length <= 28 && _spellsAnIdentifier(bytes32(text)) && text[text.length - 1] != 0;
        vm.assertTrue(expected || kind % 4 != 0);
        _setsMeterNamed(string(text), device, expected);
    }

    function test_refusesNamesThatNodesCannotRead() public {
        string[9] memory names =
            ["", "-a", "a b", "a/b", "a\n", "a\x00", "\x00", "abcdefghijklmnopqrstuvwxyz123", string(new bytes(40))];
        for (uint256 i = 0; i < names.length; ++i) {
            _setsMeterNamed(names[i], true, false);
            _setsMeterNamed(names[i], false, false);
        }
        _setsMeterNamed(unicode"沙田", true, false);
        _setsMeterNamed("abcdefghijklmnopqrstuvwxyz12", true, true);
    }

    /// Invariant: metersStayWithinWhatNodesCompute.
    function test_metersStayWithinWhatNodesCompute(uint64 watts, uint64 baselineWh, uint64 baselineTime, uint8 narrow)
        public
    {
        // Each at random, or near its bound.
        if (narrow & 1 != 0) watts = uint64(bound(watts, 1e9 - 1, 1e9 + 1));
        if (narrow & 2 != 0) baselineWh = uint64(bound(baselineWh, 2 ** 53 - 2, 2 ** 53));
        if (narrow & 4 != 0) baselineTime = uint64(bound(baselineTime, 2 ** 53 - 2, 2 ** 53));
        if (narrow & 8 != 0) watts = uint64(bound(watts, 0, 1));
        if (narrow & 16 != 0) (baselineWh, baselineTime) = (baselineWh >> 12, baselineTime >> 12);
        Meter[] memory meters = _meters(1);
        (meters[0].nameplateW, meters[0].baselineWh, meters[0].baselineTime) = (watts, baselineWh, baselineTime);
        if (watts == 0 || watts > 1e9) {
            vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.NameplateOutOfRange.selector, watts));
        } else if (baselineWh >= 2 ** 53 || baselineTime >= 2 ** 53) {
            vm.expectRevert(
                abi.encodeWithSelector(IAssetRegistry.BaselineOutOfRange.selector, baselineWh, baselineTime)
            );
        }
        registry.setMeters(ROOFTOPS, ROOT, meters);
    }

    function test_takesTheBoundsThemselves() public {
        Meter[] memory meters = _meters(2);
        (meters[0].nameplateW, meters[0].baselineWh, meters[0].baselineTime) = (1, 0, 0);
        (meters[1].nameplateW, meters[1].baselineWh, meters[1].baselineTime) = (1e9, 2 ** 53 - 1, 2 ** 53 - 1);
        registry.setMeters(ROOFTOPS, ROOT, meters);
        Asset memory asset = _asset(ROOFTOPS);
        asset.nameplateW = 1;
        registry.setAsset("new", asset);
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

    function _setsMeterNamed(string memory name, bool device, bool accepted) internal {
        Meter[] memory meters = _meters(1);
        if (device) meters[0].deviceId = name;
        else meters[0].meterId = name;
        if (!accepted) vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.InvalidName.selector, name));
        registry.setMeters(ROOFTOPS, ROOT, meters);
    }

    /// An identifier but for its length: what `seed` draws from the grammar.
    function _text(uint256 seed, uint256 length) internal pure returns (string memory) {
        bytes memory characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            text[i] = characters[draw(seed, i, 0, i == 0 ? 61 : 64)];
        }
        return string(text);
    }

    /// The grammar written out: [A-Za-z0-9][A-Za-z0-9._-]{0,27}, then zeros.
    function _spellsAnIdentifier(bytes32 word) internal pure returns (bool) {
        bool ended = false;
        for (uint256 i = 0; i < 32; ++i) {
            uint256 c = uint8(word[i]);
            if (c == 0 && i > 0) ended = true;
            else if (ended || i >= 28 || !(i == 0 ? _isLetterOrDigit(c) : _isAllowed(c))) return false;
        }
        return true;
    }

    function _isLetterOrDigit(uint256 c) internal pure returns (bool) {
        return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
    }

    function _isAllowed(uint256 c) internal pure returns (bool) {
        return _isLetterOrDigit(c) || c == 45 || c == 46 || c == 95;
    }

    function _refuses(Asset memory asset, bytes memory expected) internal {
        vm.expectRevert(expected);
        registry.setAsset("new", asset);
    }
}
