// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssetFeed} from "../src/feeds/AssetFeed.sol";
import {FeedFactory} from "../src/feeds/FeedFactory.sol";
import {IAssetFeed, Metric, Phase} from "../src/feeds/IAssetFeed.sol";
import {Report, RootStatus, Totals} from "../src/oracle/IProductionOracle.sol";
import {ISettlementEngine} from "../src/settlement/ISettlementEngine.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {Fixture} from "./Fixture.sol";

/// Feeds over the real oracle and ledger: whatever is published, disabled, settled and held, in whatever order.
contract FeedOfChainTest is Fixture {
    uint256 internal constant DELAY = 1 hours;
    uint256 internal constant STEPS = 20;
    /// Never above the energy ceiling, and always.
    uint256 internal constant MOST_PLAUSIBLE_WH = 7_000_000;
    uint256 internal constant LEAST_IMPLAUSIBLE_WH = 20_000_000;

    FeedFactory internal factory;
    Report[] internal reports;
    /// The statements of each report: the first of SHATIN, the second of LAMMA.
    mapping(uint256 index => Statement[2]) internal signed;
    mapping(uint256 index => bytes32[][]) internal proofs;
    mapping(uint256 index => uint256) internal publishedAt;
    mapping(uint256 index => bool) internal disabled;

    function setUp() public override {
        super.setUp();
        factory = new FeedFactory(oracle, ledger, registry);
    }

    function _activationDelay() internal pure override returns (uint256) {
        return DELAY;
    }

    /// Invariant: feedShowsOnlySignedAndActive.
    function test_feedShowsOnlySignedAndActive(uint256 seed) public {
        for (uint256 step = 0; step < STEPS; ++step) {
            uint256 roll = draw(seed, step, 0, type(uint128).max);
            uint256 action = roll % 8;
            if (reports.length == 0 || action < 3) _publishNext(roll);
            else if (action < 5) _settleAny(roll);
            else if (action == 5) _disableNewest();
            else vm.warp(block.timestamp + draw(roll, 1, 1 minutes, 2 hours));
            _checkAsset(SHATIN, 0);
            _checkAsset(LAMMA, 1);
            _checkFleet();
            _checkPull(roll);
        }
    }

    /// The two ways of reading agree on what is settled, and the pull read has it earlier.
    function test_aPullReadIsAheadOfSettling() public {
        AssetFeed feed = AssetFeed(factory.create(SHATIN, Metric.Energy));
        uint256 roll = 0;
        while (_drawn(SHATIN, roll, 10).energyIssuedWh > MOST_PLAUSIBLE_WH) ++roll;
        _publishNext(roll);
        Statement memory statement = signed[0][0];
        vm.expectRevert(abi.encodeWithSelector(IAssetFeed.RootNotActive.selector, 1));
        feed.readWithProof(1, statement, proofs[0][0], 1 days);
        vm.warp(block.timestamp + DELAY);
        (int256 answer, uint64 cutoff) = feed.readWithProof(1, statement, proofs[0][0], 1 days);
        vm.assertTrue(feed.phase(1 days) == Phase.NeverStarted);
        _settleAny(0);
        (, int256 settled,, uint256 updatedAt,) = feed.latestRoundData();
        vm.assertTrue(answer == settled);
        vm.assertEq(cutoff, updatedAt);
        vm.assertTrue(feed.phase(DELAY) == Phase.Live);
        vm.assertTrue(feed.phase(DELAY - 1) == Phase.Stale);
        ledger.seal(ROOFTOPS, VINTAGE);
        vm.assertTrue(feed.phase(DELAY) == Phase.Sealed);
    }

    function _publishNext(uint256 roll) internal {
        uint256 index = reports.length;
        Statement[] memory statements = new Statement[](2);
        statements[0] = _drawn(SHATIN, roll, 10);
        statements[1] = _drawn(LAMMA, roll, 20);
        (Report memory report, bytes32[][] memory proofs_) = _report(statements);
        report.totals = Totals(
            uint128(draw(roll, 30, 0, type(uint56).max)),
            uint128(draw(roll, 31, 0, type(uint56).max)),
            uint128(draw(roll, 32, 0, type(uint64).max))
        );
        oracle.publish(report, _sign(report, 3));
        reports.push(report);
        signed[index][0] = statements[0];
        signed[index][1] = statements[1];
        proofs[index] = proofs_;
        publishedAt[index] = block.timestamp;
    }

    function _drawn(bytes32 assetId, uint256 roll, uint256 salt) internal view returns (Statement memory) {
        uint256 issuedWh = draw(roll, salt, 1, 4) == 4
            ? draw(roll, salt + 1, LEAST_IMPLAUSIBLE_WH, 2 * LEAST_IMPLAUSIBLE_WH)
            : draw(roll, salt + 1, 1_000_000, MOST_PLAUSIBLE_WH);
        uint256 reversedWh = draw(roll, salt + 2, 0, 1) * draw(roll, salt + 3, 0, 900_000);
        return _statement(assetId, issuedWh, reversedWh, uint64(block.timestamp));
    }

    function _settleAny(uint256 roll) internal {
        uint256 index = draw(roll, 40, 0, reports.length - 1);
        Statement[] memory statements = new Statement[](2);
        statements[0] = signed[index][0];
        statements[1] = signed[index][1];
        uint64 epoch = reports[index].epoch;
        if (!_isActive(index)) {
            vm.expectRevert(abi.encodeWithSelector(ISettlementEngine.RootNotActive.selector, epoch));
        }
        engine.settle(epoch, statements, proofs[index]);
    }

    function _disableNewest() internal {
        for (uint256 i = reports.length; i != 0; --i) {
            if (disabled[i - 1]) continue;
            if (_isActive(i - 1)) return;
            Report[] memory newest = new Report[](1);
            newest[0] = reports[i - 1];
            vm.prank(WATCHMAN);
            oracle.disable(newest);
            disabled[i - 1] = true;
            return;
        }
    }

    /// By the test's own books, not by the oracle's.
    function _isActive(uint256 index) internal view returns (bool) {
        return !disabled[index] && block.timestamp >= publishedAt[index] + DELAY;
    }

    /// Either nothing, or the net of what two active and admissible statements say, in all three figures alike.
    function _checkAsset(bytes32 assetId, uint256 place) internal {
        AssetFeed feed = AssetFeed(factory.create(assetId, Metric.Energy));
        if (feed.phase(type(uint256).max) == Phase.NeverStarted) {
            vm.expectRevert(abi.encodeWithSelector(IAssetFeed.NeverStarted.selector));
            feed.latestRoundData();
            return;
        }
        (uint80 epoch, int256 energyWh,, uint256 updatedAt,) = feed.latestRoundData();
        int256 creditsG = _answer(assetId, Metric.Credits);
        int256 revenueMinor = _answer(assetId, Metric.Revenue);
        bool isRound = false;
        bool isSigned = false;
        for (uint256 i = 0; i < reports.length; ++i) {
            if (!_isActive(i) || signed[i][place].energyIssuedWh >= LEAST_IMPLAUSIBLE_WH) continue;
            isRound = isRound || (reports[i].epoch == epoch && signed[i][place].cutoff == updatedAt);
            isSigned = isSigned || _isNet(signed[i][place], place, energyWh, creditsG, revenueMinor);
        }
        vm.assertTrue(isRound);
        vm.assertTrue(isSigned);
        vm.assertTrue(oracle.statusOf(uint64(epoch)) == RootStatus.Active);
    }

    /// A statement of an active report is read with its proof, held or not; of any other, never.
    function _checkPull(uint256 roll) internal {
        uint256 index = draw(roll, 50, 0, reports.length - 1);
        AssetFeed feed = AssetFeed(factory.create(SHATIN, Metric.Energy));
        Statement memory statement = signed[index][0];
        uint64 epoch = reports[index].epoch;
        bool isActive = _isActive(index);
        if (!isActive) vm.expectRevert(abi.encodeWithSelector(IAssetFeed.RootNotActive.selector, epoch));
        (int256 answer,) = feed.readWithProof(epoch, statement, proofs[index][0], type(uint256).max);
        if (isActive) vm.assertEq(uint256(answer), statement.energyIssuedWh - statement.energyReversedWh);
    }

    /// Whether the figures are what a statement issued less what some active statement, or none, reversed.
    function _isNet(Statement memory issued, uint256 place, int256 energyWh, int256 creditsG, int256 revenueMinor)
        internal
        view
        returns (bool)
    {
        Statement memory reversed_;
        for (uint256 i = 0; i <= reports.length; ++i) {
            if (i != 0 && !_isActive(i - 1)) continue;
            if (i != 0) reversed_ = signed[i - 1][place];
            if (
                energyWh == int256(uint256(issued.energyIssuedWh - reversed_.energyReversedWh))
                    && creditsG == int256(uint256(issued.creditsIssuedG - reversed_.creditsReversedG))
                    && revenueMinor == int256(uint256(issued.revenueIssuedMinor - reversed_.revenueReversedMinor))
            ) return true;
        }
        return false;
    }

    /// The totals of the newest active report, word for word; each active report a round, and no other.
    function _checkFleet() internal {
        AssetFeed feed = AssetFeed(factory.create(0, Metric.Energy));
        uint256 newest = reports.length;
        for (uint256 i = 0; i < reports.length; ++i) {
            if (!_isActive(i)) {
                vm.expectRevert(abi.encodeWithSelector(IAssetFeed.NoDataPresent.selector, reports[i].epoch));
                feed.getRoundData(reports[i].epoch);
                continue;
            }
            newest = i;
            (uint80 epoch, int256 energyWh,, uint256 updatedAt,) = feed.getRoundData(reports[i].epoch);
            vm.assertEq(epoch, reports[i].epoch);
            vm.assertEq(uint256(energyWh), reports[i].totals.energyWh);
            vm.assertEq(updatedAt, reports[i].cutoff);
        }
        if (newest == reports.length) {
            vm.assertTrue(feed.phase(type(uint256).max) == Phase.NeverStarted);
            vm.expectRevert(abi.encodeWithSelector(IAssetFeed.NeverStarted.selector));
            feed.latestRoundData();
            return;
        }
        (uint80 latest,,,,) = feed.latestRoundData();
        vm.assertEq(latest, reports[newest].epoch);
        vm.assertEq(uint256(_answer(0, Metric.Energy)), reports[newest].totals.energyWh);
        vm.assertEq(uint256(_answer(0, Metric.Credits)), reports[newest].totals.creditsG);
        vm.assertEq(uint256(_answer(0, Metric.Revenue)), reports[newest].totals.revenueMinor);
    }

    function _answer(bytes32 assetId, Metric metric) internal returns (int256 answer) {
        (, answer,,,) = AssetFeed(factory.create(assetId, metric)).latestRoundData();
    }
}
