// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetFeed} from "../src/feeds/AssetFeed.sol";
import {IAssetFeed, Metric} from "../src/feeds/IAssetFeed.sol";
import {IFeedFactory} from "../src/feeds/IFeedFactory.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {FeedsFixture} from "./FeedsFixture.sol";

contract FeedFactoryTest is FeedsFixture {
    address internal constant STRANGER = address(0x57A6E);

    function test_anyoneMakesAFeedWhereItWasExpected(uint8 which, bool ofFleet) public {
        Metric metric = Metric(bound(which, 0, 2));
        bytes32 assetId = ofFleet ? FLEET : LIUYANG;
        address expected = factory.addressOf(assetId, metric);
        vm.assertFalse(factory.isCreated(assetId, metric));
        vm.expectEmit(true, true, true, true, address(factory));
        emit IFeedFactory.FeedCreated(assetId, metric, expected);
        vm.prank(STRANGER);
        vm.assertEq(factory.create(assetId, metric), expected);
        vm.assertTrue(factory.isCreated(assetId, metric));
        vm.assertEq(AssetFeed(expected).assetId(), assetId);
        vm.assertEq(uint256(AssetFeed(expected).metric()), uint256(metric));
    }

    function test_makingItAgainGivesTheSameAndChangesNothing() public {
        address feed = factory.create(LIUYANG, Metric.Energy);
        vm.recordLogs();
        vm.prank(STRANGER);
        vm.assertEq(factory.create(LIUYANG, Metric.Energy), feed);
        vm.assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_eachAssetAndMetricHasAFeedOfItsOwn(bytes32 one, bytes32 other) public view {
        vm.assume(one != other);
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 k = 0; k < 3; ++k) {
                vm.assertTrue(factory.addressOf(one, Metric(i)) != factory.addressOf(other, Metric(k)));
                vm.assertTrue((factory.addressOf(one, Metric(i)) == factory.addressOf(one, Metric(k))) == (i == k));
            }
        }
    }

    function test_onlyRegisteredAssetsHaveFeeds(bytes32 assetId) public {
        vm.assume(assetId != FLEET && assetId != LIUYANG && assetId != SHATIN);
        vm.expectRevert(abi.encodeWithSelector(IFeedFactory.UnknownAsset.selector, assetId));
        factory.create(assetId, Metric.Energy);
        vm.assertFalse(factory.isCreated(assetId, Metric.Energy));
    }

    /// Invariant: implementationItselfIsNoFeed.
    function test_implementationItselfIsNoFeed() public {
        IAssetFeed implementation = IAssetFeed(factory.implementation());
        vm.assertFalse(factory.create(FLEET, Metric.Energy) == address(implementation));
        Statement memory statement;
        bytes[] memory calls = new bytes[](8);
        calls[0] = abi.encodeWithSignature("latestRoundData()");
        calls[1] = abi.encodeWithSignature("getRoundData(uint80)", 1);
        calls[2] = abi.encodeWithSignature("phase(uint256)", 1);
        calls[3] = abi.encodeWithSignature("decimals()");
        calls[4] = abi.encodeWithSignature("description()");
        calls[5] = abi.encodeWithSignature("assetId()");
        calls[6] = abi.encodeWithSignature("metric()");
        calls[7] = abi.encodeCall(IAssetFeed.readWithProof, (1, statement, new bytes32[](0), 1));
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool answered, bytes memory reason) = address(implementation).staticcall(calls[i]);
            vm.assertFalse(answered);
            vm.assertEq(bytes32(reason), bytes32(IAssetFeed.NotAFeed.selector));
        }
    }
}
