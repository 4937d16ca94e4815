// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hold, IMarkLedger, Lifetime} from "../src/ledger/IMarkLedger.sol";
import {Correction, Mark} from "../src/ledger/Marks.sol";
import {Report} from "../src/oracle/IProductionOracle.sol";
import {ISettlementEngine} from "../src/settlement/ISettlementEngine.sol";
import {SettlementEngine} from "../src/settlement/SettlementEngine.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {Fixture} from "./Fixture.sol";
import {MerkleTree} from "./MerkleTree.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// From a report to marks: which statements settle, and that order, repetition and batching do not matter.
contract SettlementTest is Fixture {
    uint256 internal constant REPORTS = 5;

    function test_settlesWhatAStatementSays() public {
        Batch memory batch = _publish(_one(_statement(SHATIN, 10_000, 0, JUNE)));
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IMarkLedger.Settled(_keyOf(SHATIN, VINTAGE), _firstMark(10_000, 6000, 30_000_000));
        vm.prank(STRANGER); // anyone may call
        _settleAs(batch);
        Mark memory mark = _mark(SHATIN);
        vm.assertEq(mark.energyWh, 10_000);
        vm.assertEq(mark.creditsG, 6000);
        vm.assertEq(mark.revenueMinor, 30_000_000);
        vm.assertEq(mark.cutoff, JUNE);
        vm.assertEq(mark.epoch, 1);
        vm.assertEq(credit.inVault(SHATIN, VINTAGE), 5400); // a tenth is in the buffer
        vm.assertEq(credit.totalSupply(_id()), 6000);
        (uint64 minor, uint32 month) = ledger.entitlingRevenue(SHATIN);
        vm.assertEq(minor, 30_000_000);
        vm.assertEq(month, MAY_2026);
    }

    function test_aProjectWithoutTheRightEarnsRevenueOnly() public {
        Batch memory batch = _publish(_one(_statement(TUENMUN, 10_000, 0, JUNE)));
        vm.recordLogs();
        _settle(batch);
        vm.assertEq(vm.getRecordedLogs().length, 2); // Settled, BatchSettled
        vm.assertEq(credit.totalSupply(credit.idOf(FEED_IN, VINTAGE)), 0);
        vm.assertEq(_mark(TUENMUN).creditsG, 0);
        vm.assertEq(_mark(TUENMUN).revenueMinor, 30_000_000);
        vm.expectEmit(true, true, true, true, address(ledger)); // and the credits it has no right to stay without effect
        emit IMarkLedger.Skipped(_keyOf(TUENMUN, VINTAGE), Hold.Stale);
        _settleAs(batch);
    }

    /// Invariant: anyOrderRepeatOrBatchingGivesTheSameEnd. One by one, in batches, by multiproof, some reports never and
    /// some often: where nothing is held, the same marks and the same minted less unapplied reversal.
    function test_anyOrderRepeatOrBatchingGivesTheSameEnd(uint256 seed) public {
        Batch[] memory batches = new Batch[](REPORTS);
        (uint256 issued, uint256 reversed) = (0, 0);
        for (uint256 i = 0; i < REPORTS; ++i) {
            uint256 produced = draw(seed, i, 0, 100_000);
            issued += produced;
            if (draw(seed, 40 + i, 0, 1) == 1) reversed = draw(seed, 10 + i, reversed, issued);
            batches[i] = _publish(_all(issued, reversed));
        }
        uint256 start = vm.snapshotState();
        for (uint256 i = 0; i < REPORTS; ++i) {
            _settle(batches[i]);
        }
        bytes32 inOrder = _state();
        vm.revertToState(start);
        uint256 last = draw(seed, 20, 0, 7);
        for (uint256 i = 0; i < 8; ++i) {
            Batch memory batch = batches[i == last ? REPORTS - 1 : draw(seed, 30 + i, 0, REPORTS - 1)];
            // Part of it first, in one way or another; the newest whole in the end.
            _settleSome(batch, draw(seed, 50 + i, 0, 7), draw(seed, 60 + i, 0, 2));
            if (i == last) _settle(batch);
        }
        vm.assertEq(_state(), inOrder);
        vm.assertEq(_mark(SHATIN).energyWh, issued);
    }

    /// Invariant: settlingAgainChangesNothing, and says so.
    function test_settlingAgainChangesNothing(uint256 issuedWh, uint256 reversedWh) public {
        issuedWh = bound(issuedWh, 100, 1_000_000);
        reversedWh = bound(reversedWh, 0, issuedWh / 2); // what stands is enough for its credits, each rounded down
        Batch memory batch = _publish(_one(_statement(SHATIN, issuedWh, reversedWh, JUNE)));
        _settle(batch);
        bytes32 once = _state();
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IMarkLedger.Skipped(_keyOf(SHATIN, VINTAGE), Hold.Stale);
        _settleAs(batch);
        vm.assertEq(_state(), once);
    }

    /// Invariant: marksEpochAndCutoffNeverFall, whatever is signed, in whatever order.
    function test_marksEpochAndCutoffNeverFall(uint256 seed) public {
        Batch[] memory batches = new Batch[](REPORTS);
        Mark memory before = _mark(SHATIN);
        for (uint256 i = 0; i < REPORTS; ++i) {
            Statement memory statement = _statement(SHATIN, draw(seed, i, 0, 1e6), draw(seed, 10 + i, 0, 1e5), JUNE);
            statement.cutoff = uint64(draw(seed, 20 + i, MAY, JUNE));
            batches[i] = _publish(_one(statement));
        }
        for (uint256 i = 0; i < 8; ++i) {
            _settle(batches[draw(seed, 30 + i, 0, REPORTS - 1)]);
            Mark memory now_ = _mark(SHATIN);
            vm.assertGe(now_.energyWh, before.energyWh);
            vm.assertGe(now_.creditsG, before.creditsG);
            vm.assertGe(now_.revenueMinor, before.revenueMinor);
            vm.assertGe(now_.cutoff, before.cutoff);
            vm.assertGe(now_.epoch, before.epoch);
            vm.assertGe(now_.month, before.month);
            before = now_;
        }
    }

    /// Invariant: onlyLeavesOfAnActiveRootSettle.
    function test_onlyLeavesOfAnActiveRootSettle(uint128 issuedWh, uint256 field) public {
        Batch memory batch = _publish(_all(10_000, 0));
        Statement memory statement = batch.statements[1];
        field = bound(field, 0, 3);
        vm.assume(field != 0 || issuedWh != statement.energyIssuedWh);
        if (field == 0) statement.energyIssuedWh = issuedWh;
        else if (field == 1) statement.assetId = "tuenmun-2";
        else if (field == 2) statement.cutoff -= 1;
        else batch.proofs[1] = new bytes32[](0);
        vm.expectRevert(abi.encodeWithSelector(ISettlementEngine.BadProof.selector, 1));
        _settleAs(batch);
        vm.expectRevert(abi.encodeWithSelector(ISettlementEngine.BadProof.selector, 0));
        engine.settleOne(batch.epoch, statement, batch.proofs[1]);
        vm.expectRevert(abi.encodeWithSelector(ISettlementEngine.BadMultiproof.selector));
        engine.settleMulti(batch.epoch, _one(statement), batch.proofs[1], new bool[](batch.proofs[1].length));
    }

    function test_anUnknownRootSettlesNothing() public {
        Batch memory batch = _publish(_one(_statement(SHATIN, 1, 0, JUNE)));
        batch.epoch = 2;
        bytes memory refusal = abi.encodeWithSelector(ISettlementEngine.RootNotActive.selector, 2);
        vm.expectRevert(refusal);
        _settleAs(batch);
        vm.expectRevert(refusal);
        engine.settleOne(2, batch.statements[0], batch.proofs[0]);
        vm.expectRevert(refusal);
        engine.settleMulti(2, batch.statements, batch.proofs[0], new bool[](0));
    }

    function test_refusesMoreStatementsThanProofs() public {
        Batch memory batch = _publish(_all(10_000, 0));
        batch.proofs = new bytes32[][](1);
        vm.expectRevert(abi.encodeWithSelector(ISettlementEngine.LengthsDiffer.selector, 3, 1));
        _settleAs(batch);
    }

    /// Invariant: onlyTheEngineSettles.
    function test_onlyTheEngineSettles() public {
        Statement[] memory statements = _one(_statement(SHATIN, 10_000, 0, JUNE));
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this));
        vm.expectRevert(refusal); // not even the administrator
        ledger.settle(1, statements);
    }

    /// Invariant: anotherEngineChangesNoMarkAndMintsNothingAboveACeiling. Whatever it hands over.
    function test_anotherEngineChangesNoMarkAndMintsNothingAboveACeiling(uint256 seed) public {
        _settle(_publish(_all(1_000_000, 0)));
        bytes32 settled = _state();
        manager.revokeRole(SETTLER, address(engine));
        engine = new SettlementEngine(oracle, ledger);
        manager.grantRole(SETTLER, address(engine), 0);
        vm.assertEq(_state(), settled);
        _settle(_publish(_all(1_000_000, 0)));
        Mark memory mark = _mark(SHATIN);
        vm.assertEq(mark.energyWh, 1_000_000); // nothing twice

        manager.grantRole(SETTLER, address(this), 0); // an engine that checks no proof
        for (uint256 i = 0; i < 5; ++i) {
            Statement memory lie = _statement(SHATIN, draw(seed, i, 0, 1e8), 0, uint64(draw(seed, 5 + i, MAY, JUNE)));
            lie.creditsIssuedG = uint128(draw(seed, 10 + i, 0, 1e8));
            ledger.settle(uint64(draw(seed, 20 + i, 0, 9)), _one(lie));
        }
        mark = _mark(SHATIN);
        vm.assertLe(mark.energyWh, 151 * 48_000 + 1000);
        vm.assertLe(uint256(mark.creditsG) * 1e6, uint256(mark.energyWh) * FACTOR_CEILING);
        vm.assertLe(uint256(mark.revenueMinor) * 1e6, uint256(mark.energyWh) * TARIFF_CEILING);
        vm.assertGe(mark.energyWh, 1_000_000);
    }

    function _all(uint256 issuedWh, uint256 reversedWh) internal pure returns (Statement[] memory statements) {
        statements = new Statement[](3);
        statements[0] = _statement(SHATIN, issuedWh, reversedWh, JUNE);
        statements[1] = _statement(LAMMA, issuedWh / 3, reversedWh / 4, JUNE);
        statements[2] = _statement(TUENMUN, issuedWh / 2, reversedWh / 2, JUNE);
    }

    /// Settle the statements whose bit is set in `which`: 0 one by one, 1 in a batch, 2 by multiproof.
    function _settleSome(Batch memory batch, uint256 which, uint256 way) internal {
        if (way == 2) return _settleMulti(batch, which);
        for (uint256 i = 0; i < batch.statements.length; ++i) {
            if (which & (1 << i) == 0) continue;
            if (way == 0) engine.settleOne(batch.epoch, batch.statements[i], batch.proofs[i]);
            else _settle(Batch(batch.epoch, _one(batch.statements[i]), _single(batch.proofs[i])));
        }
    }

    function _settleMulti(Batch memory batch, uint256 which) internal {
        bytes32[] memory tree = MerkleTree.build(_leaves(batch.statements));
        uint256 n = batch.statements.length;
        bool[] memory wanted = new bool[](n);
        for (uint256 i = 0; i < n; ++i) {
            wanted[i] = which & (1 << i) != 0;
        }
        (bytes32[] memory ordered, bytes32[] memory proof, bool[] memory flags) = MerkleTree.multiproofOf(tree, wanted);
        Statement[] memory statements = new Statement[](ordered.length);
        for (uint256 i = 0; i < ordered.length; ++i) {
            for (uint256 j = 0; j < n; ++j) {
                if (_leafOf(batch.statements[j]) == ordered[i]) statements[i] = batch.statements[j];
            }
        }
        if (ordered.length != 0) engine.settleMulti(batch.epoch, statements, proof, flags);
    }

    function _leaves(Statement[] memory statements) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](statements.length);
        for (uint256 i = 0; i < statements.length; ++i) {
            leaves[i] = _leafOf(statements[i]);
        }
    }

    function _leafOf(Statement memory statement) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(statement))));
    }

    function _single(bytes32[] memory proof) internal pure returns (bytes32[][] memory proofs) {
        proofs = new bytes32[][](1);
        proofs[0] = proof;
    }

    /// Everything that must not depend on the way here, in one hash.
    function _state() internal view returns (bytes32) {
        return keccak256(abi.encode(_stateOf(SHATIN), _stateOf(LAMMA), _stateOf(TUENMUN), _net(_id())));
    }

    /// Minted less unapplied reversal.
    function _net(uint256 id) internal view returns (int256) {
        return int256(credit.totalSupply(id)) - int256(credit.unapplied(id));
    }

    function _stateOf(bytes32 assetId) internal view returns (bytes memory) {
        (Mark memory mark, Correction memory correction) = ledger.markOf(assetId, VINTAGE);
        Lifetime memory lifetime = ledger.lifetimeOf(assetId);
        return abi.encode(
            mark.energyWh,
            mark.creditsG,
            mark.revenueMinor,
            mark.cutoff,
            mark.epoch,
            correction.energyReversedWh,
            correction.creditsReversedG,
            correction.revenueReversedMinor,
            abi.encode(lifetime)
        );
    }

    /// Without any other call first, so that expectRevert, expectEmit and prank meet this one.
    function _settleAs(Batch memory batch) internal {
        engine.settle(batch.epoch, batch.statements, batch.proofs);
    }
}

/// Roots that are not active never settle.
contract PendingSettlementTest is Fixture {
    function _activationDelay() internal pure override returns (uint256) {
        return 1 hours;
    }

    /// Invariant: disabledPendingUnknownRootsNeverSettle.
    function test_disabledPendingUnknownRootsNeverSettle() public {
        Statement[] memory statements = _one(_statement(SHATIN, 10_000, 0, JUNE));
        (Report memory report,) = _report(statements);
        Batch memory batch = _publish(statements);
        bytes memory refusal = abi.encodeWithSelector(ISettlementEngine.RootNotActive.selector, 1);
        vm.expectRevert(refusal); // pending
        engine.settle(batch.epoch, batch.statements, batch.proofs);
        vm.warp(JUNE + 1 hours - 1);
        vm.expectRevert(refusal);
        engine.settle(batch.epoch, batch.statements, batch.proofs);
        uint256 pending = vm.snapshotState();
        vm.warp(JUNE + 1 hours);
        _settle(batch);
        vm.assertEq(_mark(SHATIN).energyWh, 10_000);

        vm.revertToState(pending);
        Report[] memory reports = new Report[](1);
        reports[0] = report;
        vm.prank(WATCHMAN);
        oracle.disable(reports);
        vm.warp(JUNE + 1 days);
        vm.expectRevert(refusal); // disabled, for good
        engine.settle(batch.epoch, batch.statements, batch.proofs);
        vm.assertEq(_mark(SHATIN).energyWh, 0);
    }
}
