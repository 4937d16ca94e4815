// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset, IAssetRegistry, Meter, MeterRole} from "../src/registry/IAssetRegistry.sol";
import {IdentifierGrammar} from "./IdentifierGrammar.sol";

contract MeterListTest is IdentifierGrammar {
    bytes32 internal constant ROOT = keccak256("meter list");

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
}
