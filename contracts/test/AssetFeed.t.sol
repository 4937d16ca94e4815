// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetFeed} from "../src/feeds/AssetFeed.sol";
import {IAssetFeed, Metric, Phase} from "../src/feeds/IAssetFeed.sol";
import {RootStatus, Round} from "../src/oracle/IProductionOracle.sol";
import {AssetStatus} from "../src/registry/IAssetRegistry.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {FeedsFixture} from "./FeedsFixture.sol";
import {MerkleTree} from "./MerkleTree.sol";

contract AssetFeedTest is FeedsFixture {
    uint256 internal constant HOUR = 1 hours;
    uint64 internal constant CUTOFF = uint64(NOW - 10 minutes);

    /// Invariant: descriptionAndDecimalsAreFixed.
    function test_descriptionAndDecimalsAreFixed(uint48 energyWh, uint8 status) public {
        _describes(_feed(LIUYANG, Metric.Energy), "liuyang-1 energy", 0);
        _describes(_feed(LIUYANG, Metric.Credits), "liuyang-1 credits", 0);
        _describes(_feed(LIUYANG, Metric.Revenue), "liuyang-1 revenue", 6);
        _describes(_feed(FLEET, Metric.Energy), "whole fleet energy", 0);
        // Whatever happens, they stay.
        ledger.put(LIUYANG, _lifetime(energyWh, 7, CUTOFF));
        ledger.seal(HUNAN, 2026);
        oracle.put(7, RootStatus.Active, "root", _round(energyWh, CUTOFF));
        registry.put(LIUYANG, HUNAN, AssetStatus(bound(status, 0, 4)));
        _describes(AssetFeed(factory.addressOf(LIUYANG, Metric.Credits)), "liuyang-1 credits", 0);
        _describes(AssetFeed(factory.addressOf(LIUYANG, Metric.Revenue)), "liuyang-1 revenue", 6);
    }

    function test_aFeedKnowsWhatItIsAndWhatItReads() public {
        AssetFeed feed = _feed(LIUYANG, Metric.Revenue);
        vm.assertEq(feed.assetId(), LIUYANG);
        vm.assertEq(uint256(feed.metric()), uint256(Metric.Revenue));
        vm.assertEq(address(feed.oracle()), address(oracle));
        vm.assertEq(address(feed.ledger()), address(ledger));
        vm.assertEq(address(feed.registry()), address(registry));
        vm.assertEq(feed.version(), 1);
    }

    function test_anAssetsAnswerIsItsLifetime(uint48 energyWh, uint24 epoch) public {
        vm.assume(epoch != 0);
        ledger.put(LIUYANG, _lifetime(energyWh, epoch, CUTOFF));
        _answers(_feed(LIUYANG, Metric.Energy), epoch, int256(uint256(energyWh)), CUTOFF);
        _answers(_feed(LIUYANG, Metric.Credits), epoch, int256(uint256(energyWh) * 3 / 5), CUTOFF);
        _answers(_feed(LIUYANG, Metric.Revenue), epoch, int256(uint256(energyWh) * 3000), CUTOFF);
    }

    /// Invariant: absentRoundsRevert.
    function test_absentRoundsRevert(uint80 asked, uint24 epoch) public {
        vm.assume(epoch != 0 && asked != epoch);
        AssetFeed feed = _feed(LIUYANG, Metric.Energy);
        AssetFeed fleet = _feed(FLEET, Metric.Energy);
        _lacks(feed, asked);
        _lacks(feed, epoch); // nothing yet
        _lacks(fleet, epoch);
        ledger.put(LIUYANG, _lifetime(5, epoch, CUTOFF));
        oracle.put(epoch, RootStatus.Active, "root", _round(7, CUTOFF));
        _lacks(feed, asked);
        _lacks(fleet, asked);
        (, int256 answer,,,) = feed.getRoundData(epoch);
        vm.assertEq(uint256(answer), 5);
        (, answer,,,) = fleet.getRoundData(epoch);
        vm.assertEq(uint256(answer), 7);
        // A round's number is no epoch only because its low bits are.
        _lacks(fleet, uint80(1 << 64) | epoch);
        _lacks(feed, uint80(1 << 64) | epoch);
        _lacks(feed, 0);
        _lacks(fleet, 0);
    }

    function test_theFleetHasARoundForEachActiveReport() public {
        AssetFeed fleet = _feed(FLEET, Metric.Energy);
        oracle.put(3, RootStatus.Active, "three", _round(300, CUTOFF - 2 hours));
        oracle.put(4, RootStatus.Disabled, "four", _round(400, CUTOFF - 1 hours));
        oracle.put(5, RootStatus.Active, "five", _round(500, CUTOFF));
        oracle.put(6, RootStatus.Pending, "six", _round(600, CUTOFF));
        _answers(fleet, 5, 500, CUTOFF);
        (uint80 roundId, int256 answer,, uint256 updatedAt, uint80 answeredInRound) = fleet.getRoundData(3);
        vm.assertEq(uint256(answer), 300);
        vm.assertEq(updatedAt, CUTOFF - 2 hours);
        vm.assertEq(roundId, 3);
        vm.assertEq(answeredInRound, 3);
        _lacks(fleet, 4);
        _lacks(fleet, 6);
    }

    /// Invariant: fleetFeedIsTheSignedTotals.
    function test_fleetFeedIsTheSignedTotals(uint56 energyWh, uint56 creditsG, uint64 revenueMinor, uint24 epoch)
        public
    {
        vm.assume(epoch != 0);
        Round memory round = Round(energyWh, creditsG, revenueMinor, uint32(CUTOFF), uint32(NOW), 0);
        oracle.put(epoch, RootStatus.Active, "root", round);
        _answers(_feed(FLEET, Metric.Energy), epoch, int256(uint256(energyWh)), CUTOFF);
        _answers(_feed(FLEET, Metric.Credits), epoch, int256(uint256(creditsG)), CUTOFF);
        _answers(_feed(FLEET, Metric.Revenue), epoch, int256(uint256(revenueMinor)), CUTOFF);
    }

    /// Invariant: neverStartedStaleAndSealedAreDistinguishable.
    function test_neverStartedStaleAndSealedAreDistinguishable(uint256 age, uint256 maxAge) public {
        age = bound(age, 0, NOW);
        AssetFeed feed = _feed(LIUYANG, Metric.Energy);
        _isIn(feed, maxAge, Phase.NeverStarted);
        vm.expectRevert(abi.encodeWithSelector(IAssetFeed.NeverStarted.selector));
        feed.latestRoundData();

        ledger.put(LIUYANG, _lifetime(0, 1, uint64(NOW - age)));
        _isIn(feed, maxAge, age > maxAge ? Phase.Stale : Phase.Live);
        _isIn(feed, age, Phase.Live);
        if (age != 0) _isIn(feed, age - 1, Phase.Stale);
        feed.latestRoundData(); // zero is a figure too

        ledger.seal(HUNAN, 2025);
        _isIn(feed, age, Phase.Live); // a later vintage has begun
        ledger.seal(HUNAN, 2026);
        _isIn(feed, maxAge, Phase.Sealed);
    }

    function test_aRetiredAssetIsSealed() public {
        AssetFeed feed = _feed(LIUYANG, Metric.Energy);
        registry.put(LIUYANG, HUNAN, AssetStatus.Retired);
        _isIn(feed, HOUR, Phase.NeverStarted); // there is nothing to be final
        ledger.put(LIUYANG, _lifetime(5, 1, CUTOFF));
        _isIn(feed, HOUR, Phase.Sealed);
        registry.put(LIUYANG, HUNAN, AssetStatus.Suspended);
        _isIn(feed, HOUR, Phase.Live);
    }

    function test_theFleetStartsGoesStaleAndIsNeverSealed() public {
        AssetFeed fleet = _feed(FLEET, Metric.Energy);
        oracle.put(1, RootStatus.Pending, "one", _round(1, CUTOFF));
        _isIn(fleet, HOUR, Phase.NeverStarted);
        vm.expectRevert(abi.encodeWithSelector(IAssetFeed.NeverStarted.selector));
        fleet.latestRoundData();
        oracle.put(2, RootStatus.Active, "two", _round(2, CUTOFF));
        _isIn(fleet, HOUR, Phase.Live);
        _isIn(fleet, 1 minutes, Phase.Stale);
        registry.put(FLEET, bytes32(0), AssetStatus.Retired);
        ledger.seal(bytes32(0), 0);
        _isIn(fleet, HOUR, Phase.Live);
    }

    /// Invariant: pullReadTakesActiveRootsOnly.
    function test_pullReadTakesActiveRootsOnly(uint8 status, uint24 epoch, uint24 another) public {
        vm.assume(epoch != another);
        AssetFeed feed = _feed(LIUYANG, Metric.Energy);
        Statement memory statement = _statement(LIUYANG, 900, 300);
        bytes32[] memory proof = _put(epoch, RootStatus(bound(status, 0, 3)), statement);
        if (RootStatus(bound(status, 0, 3)) == RootStatus.Active) {
            (int256 answer, uint64 cutoff) = feed.readWithProof(epoch, statement, proof, HOUR);
            vm.assertEq(uint256(answer), 600);
            vm.assertEq(cutoff, CUTOFF);
        } else {
            _refuses(feed, epoch, statement, proof, abi.encodeWithSelector(IAssetFeed.RootNotActive.selector, epoch));
        }
        _refuses(feed, another, statement, proof, abi.encodeWithSelector(IAssetFeed.RootNotActive.selector, another));
    }

    function test_pullReadGivesEachMetricNet() public {
        Statement memory statement = _statement(LIUYANG, 900, 300);
        bytes32[] memory proof = _put(1, RootStatus.Active, statement);
        (int256 answer,) = _feed(LIUYANG, Metric.Credits).readWithProof(1, statement, proof, HOUR);
        vm.assertEq(uint256(answer), 540 - 180);
        (answer,) = _feed(LIUYANG, Metric.Revenue).readWithProof(1, statement, proof, HOUR);
        vm.assertEq(uint256(answer), (900 - 300) * 3000);
        // A quorum may sign more reversed than issued: that is what it signed.
        statement = _statement(LIUYANG, 0, type(uint64).max);
        (answer,) =
            _feed(LIUYANG, Metric.Energy).readWithProof(2, statement, _put(2, RootStatus.Active, statement), HOUR);
        vm.assertTrue(answer == -int256(uint256(type(uint64).max)));
    }

    function test_pullReadNeedsTheProofOfJustThatStatement(uint256 tampered) public {
        AssetFeed feed = _feed(LIUYANG, Metric.Energy);
        Statement memory statement = _statement(LIUYANG, 900, 300);
        bytes32[] memory proof = _put(1, RootStatus.Active, statement);
        bytes memory bad = abi.encodeWithSelector(IAssetFeed.BadProof.selector);
        statement.energyIssuedWh = uint128(bound(tampered, 901, type(uint128).max));
        _refuses(feed, 1, statement, proof, bad);
        statement = _statement(LIUYANG, 900, 300);
        statement.vintage = 2025;
        _refuses(feed, 1, statement, proof, bad);
        statement.vintage = 2026;
        proof[0] = bytes32(tampered);
        _refuses(feed, 1, statement, proof, bad);
        _refuses(feed, 1, statement, new bytes32[](0), bad);
    }

    function test_pullReadIsOfItsOwnAssetOnly() public {
        Statement memory statement = _statement(SHATIN, 900, 300);
        bytes32[] memory proof = _put(1, RootStatus.Active, statement);
        bytes memory other = abi.encodeWithSelector(IAssetFeed.OtherAsset.selector, LIUYANG, SHATIN);
        _refuses(_feed(LIUYANG, Metric.Energy), 1, statement, proof, other);
        AssetFeed fleet = _feed(FLEET, Metric.Energy);
        _refuses(fleet, 1, statement, proof, abi.encodeWithSelector(IAssetFeed.OtherAsset.selector, FLEET, SHATIN));
        // Not even if the quorum signed a statement of nobody.
        statement = _statement(FLEET, 900, 300);
        proof = _put(2, RootStatus.Active, statement);
        _refuses(fleet, 2, statement, proof, abi.encodeWithSelector(IAssetFeed.OtherAsset.selector, FLEET, FLEET));
    }

    /// Invariant: pullReadRefusesWhatIsTooOld.
    function test_pullReadRefusesWhatIsTooOld(uint256 age, uint256 maxAge) public {
        age = bound(age, 0, NOW);
        AssetFeed feed = _feed(LIUYANG, Metric.Energy);
        Statement memory statement = _statement(LIUYANG, 900, 300);
        statement.cutoff = uint64(NOW - age);
        bytes32[] memory proof = _put(1, RootStatus.Active, statement);
        (, uint64 cutoff) = feed.readWithProof(1, statement, proof, age);
        vm.assertEq(cutoff, NOW - age);
        maxAge = bound(maxAge, 0, age);
        if (maxAge < age) {
            vm.expectRevert(abi.encodeWithSelector(IAssetFeed.TooOld.selector, statement.cutoff, maxAge));
        }
        feed.readWithProof(1, statement, proof, maxAge);
    }

    function test_pullReadRefusesATimeThatIsNotYet(uint64 cutoff) public {
        Statement memory statement = _statement(LIUYANG, 900, 300);
        statement.cutoff = uint64(bound(cutoff, NOW + 1, type(uint64).max));
        bytes32[] memory proof = _put(1, RootStatus.Active, statement);
        bytes memory early = abi.encodeWithSelector(IAssetFeed.CutoffInFuture.selector, statement.cutoff, NOW);
        _refuses(_feed(LIUYANG, Metric.Energy), 1, statement, proof, early);
        statement.cutoff = uint64(NOW); // now is no longer ahead
        proof = _put(2, RootStatus.Active, statement);
        (, uint64 read) = AssetFeed(factory.addressOf(LIUYANG, Metric.Energy)).readWithProof(2, statement, proof, 0);
        vm.assertEq(read, NOW);
    }

    /// Put a report over the statement and another one. Returns the statement's proof.
    function _put(uint64 epoch, RootStatus status, Statement memory statement) internal returns (bytes32[] memory) {
        bytes32[] memory leaves = new bytes32[](2);
        leaves[0] = keccak256(bytes.concat(keccak256(abi.encode(statement))));
        leaves[1] = keccak256("another");
        bytes32[] memory tree = MerkleTree.build(leaves);
        oracle.put(epoch, status, tree[0], _round(1, CUTOFF));
        return MerkleTree.proofOf(tree, leaves[0]);
    }

    function _statement(bytes32 assetId, uint64 issuedWh, uint64 reversedWh) internal pure returns (Statement memory) {
        uint128 issued = issuedWh;
        uint128 reversed = reversedWh;
        return Statement({
            assetId: assetId,
            vintage: 2026,
            energyIssuedWh: issued,
            energyReversedWh: reversed,
            creditsIssuedG: issued * 3 / 5,
            creditsReversedG: reversed * 3 / 5,
            revenueIssuedMinor: issued * 3000,
            revenueReversedMinor: reversed * 3000,
            cutoff: CUTOFF,
            evidenceRoot: keccak256("evidence")
        });
    }

    function _describes(AssetFeed feed, string memory text, uint256 places) internal view {
        vm.assertEq(keccak256(bytes(feed.description())), keccak256(bytes(text)));
        vm.assertEq(feed.decimals(), places);
    }

    function _answers(AssetFeed feed, uint256 epoch, int256 expected, uint256 cutoff) internal view {
        (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound) =
            feed.latestRoundData();
        vm.assertTrue(answer == expected);
        vm.assertEq(roundId, epoch);
        vm.assertEq(answeredInRound, epoch);
        vm.assertEq(startedAt, cutoff);
        vm.assertEq(updatedAt, cutoff);
        bytes32 latest = keccak256(abi.encode(roundId, answer, startedAt, updatedAt, answeredInRound));
        (roundId, answer, startedAt, updatedAt, answeredInRound) = feed.getRoundData(roundId);
        vm.assertEq(keccak256(abi.encode(roundId, answer, startedAt, updatedAt, answeredInRound)), latest);
    }

    function _lacks(AssetFeed feed, uint80 roundId) internal {
        vm.expectRevert(abi.encodeWithSelector(IAssetFeed.NoDataPresent.selector, roundId));
        feed.getRoundData(roundId);
    }

    function _isIn(AssetFeed feed, uint256 maxAgeS, Phase expected) internal view {
        vm.assertEq(uint256(feed.phase(maxAgeS)), uint256(expected));
    }

    function _refuses(
        AssetFeed feed,
        uint64 epoch,
        Statement memory statement,
        bytes32[] memory proof,
        bytes memory reason
    ) internal {
        vm.expectRevert(reason);
        feed.readWithProof(epoch, statement, proof, HOUR);
    }
}
