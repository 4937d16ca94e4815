// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Correction} from "../src/ledger/Marks.sol";
import {ClaimRight, IAssetRegistry, Meter, MeterRole, Project} from "../src/registry/IAssetRegistry.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {Fixture} from "./Fixture.sol";

/// The same watt-hour never backs a credit and an energy certificate: an asset whose right is the certificate gets no gram,
/// whatever the quorum signs, and neither its right, nor its project, nor its key can be exchanged.
contract OneClaimTest is Fixture {
    bytes32 internal constant HOURLY = "hourly";
    bytes32 internal constant SAIKUNG = "saikung-1";
    bytes32 internal constant ROOT = keccak256("meter list");

    function setUp() public override {
        super.setUp();
        registry.setProject(HOURLY, _project(ClaimRight.Certificate));
        registry.setAsset(SAIKUNG, _asset(HOURLY));
    }

    /// Invariant: aWattHourBacksOneClaim. k of n sign credits over energy of which certificates are issued: none is minted.
    function test_aWattHourBacksOneClaim(uint256 seed) public {
        uint256 issued;
        uint256 reversed;
        for (uint256 i = 0; i < 4; ++i) {
            issued += draw(seed, i, 1, 100_000);
            if (draw(seed, 10 + i, 0, 1) == 1) reversed = draw(seed, 20 + i, reversed, issued);
            Statement[] memory both = new Statement[](2);
            both[0] = _statement(SAIKUNG, issued, reversed, JUNE);
            both[1] = _statement(SHATIN, issued, reversed, JUNE);
            vm.assertTrue(both[0].creditsIssuedG != 0);
            Batch memory batch = _publish(both);
            _settle(batch);
            _settle(batch);
        }
        (, Correction memory correction) = ledger.markOf(SAIKUNG, VINTAGE);
        vm.assertEq(_mark(SAIKUNG).claimKind, uint8(ClaimRight.Certificate));
        vm.assertEq(_mark(SAIKUNG).energyWh, issued);
        vm.assertEq(_mark(SAIKUNG).creditsG, 0);
        vm.assertEq(correction.creditsReversedG, 0);
        vm.assertEq(credit.totalSupply(credit.idOf(HOURLY, VINTAGE)), 0);
        vm.assertEq(credit.inVault(SAIKUNG, VINTAGE), 0);
        // Beside it, in the same reports, the energy of the other project backs credits.
        vm.assertEq(_mark(SHATIN).creditsG, issued * 600 / 1000);
    }

    function test_aCertificateProjectNeverBecomesACreditProject(uint8 right) public {
        ClaimRight other = ClaimRight(bound(right, 0, 1));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.ProjectFixed.selector, HOURLY));
        registry.setProject(HOURLY, _project(other));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.ProjectFixed.selector, ROOFTOPS));
        registry.setProject(ROOFTOPS, _project(ClaimRight.Certificate));
    }

    function test_anAssetNeverMovesToAProjectOfAnotherRight() public {
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AssetFixed.selector, SAIKUNG));
        registry.setAsset(SAIKUNG, _asset(ROOFTOPS));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.AssetFixed.selector, SHATIN));
        registry.setAsset(SHATIN, _asset(HOURLY));
    }

    /// A key that signs for a certificate asset signs for no credit asset as well: else one reading would back both.
    function test_aKeyNeverSignsForBothClaims() public {
        Meter[] memory meters = new Meter[](1);
        meters[0] = Meter({
            assetId: SAIKUNG,
            meterId: "meter",
            deviceId: "device",
            thumbprint: keccak256("key"),
            role: MeterRole.Plant,
            nameplateW: NAMEPLATE_W,
            baselineWh: 0,
            baselineTime: 0,
            revokedBoot: type(uint64).max,
            revokedSequence: type(uint64).max
        });
        registry.setMeters(HOURLY, ROOT, meters);
        meters[0].assetId = SHATIN;
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.KeyOfAnotherMeter.selector, keccak256("key")));
        registry.setMeters(ROOFTOPS, ROOT, meters);
        meters[0].thumbprint = keccak256("another key of the same meter");
        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.MeterOfAnotherKey.selector, keccak256("key"), keccak256("another key of the same meter")
            )
        );
        registry.setMeters(ROOFTOPS, ROOT, meters);
    }

    function test_noRightWithoutItsDocument(uint8 right) public {
        Project memory project = _project(ClaimRight(bound(right, 1, 2)));
        project.documentHash = bytes32(0);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.DocumentMissing.selector, bytes32("new")));
        registry.setProject("new", project);
    }
}
