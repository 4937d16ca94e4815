// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CarbonCredit} from "../src/credits/CarbonCredit.sol";
import {Issuance, Purpose} from "../src/credits/ICarbonCredit.sol";
import {IMarkLedger} from "../src/ledger/IMarkLedger.sol";
import {Correction, Mark} from "../src/ledger/Marks.sol";
import {Report} from "../src/oracle/IProductionOracle.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {Fixture} from "./Fixture.sol";

/// Publishes, settles, retires, draws, cancels, seals, pauses and lets time pass, in any order, over two years of three
/// assets; keeps what was signed, and notes at once when something fell that never may.
contract LedgerHandler is Fixture {
    uint256 internal constant LEAVES = 6;
    uint256 internal constant DAY_WH = 48_000;

    struct Signed {
        uint256 issued;
        uint256 reversed;
    }

    bytes32[3] internal _assets = [SHATIN, LAMMA, TUENMUN];
    /// By leaf: asset 0 to 2 of 2026, then of 2027.
    Signed[LEAVES] internal _now;
    mapping(uint64 epoch => mapping(uint256 leaf => Signed)) internal _signed;
    mapping(uint64 epoch => uint64) internal _cutoffs;
    uint256 internal _clock = NEW_YEAR + 300 days;

    mapping(uint256 key => Mark) internal _seen;
    mapping(uint256 id => Issuance) internal _seenIssuance;
    mapping(uint256 key => uint256) internal _energyAtSeal;
    /// The first thing that went wrong, in words.
    string public broken;
    uint256 public settled;
    uint256 public retirements;

    constructor() {
        setUp();
    }

    function theLedger() external view returns (IMarkLedger) {
        return ledger;
    }

    function theCredit() external view returns (CarbonCredit) {
        return credit;
    }

    /// The quorum signs a report: honest growth, sometimes a reversal, sometimes a lie above every ceiling.
    function publish(uint256 leaf, uint256 produced, uint256 taken, uint256 kind) external timed {
        leaf = bound(leaf, 0, block.timestamp < NEW_YEAR + 365 days ? 2 : LEAVES - 1);
        Signed storage leaf_ = _now[leaf];
        leaf_.issued += bound(produced, 0, 5 * DAY_WH);
        if (kind % 3 == 0) leaf_.reversed = bound(taken, leaf_.reversed, leaf_.issued);
        Signed memory honest = leaf_;
        if (kind % 11 == 0) leaf_.issued += 1e9;
        (Report memory report,) = _report(_statements(uint64(block.timestamp)));
        oracle.publish(report, _sign(report, 3));
        for (uint256 i = 0; i < LEAVES; ++i) {
            _signed[report.epoch][i] = _now[i];
        }
        _cutoffs[report.epoch] = report.cutoff;
        _now[leaf] = honest;
    }

    /// Anyone settles any part of any report, again and again.
    function settle(uint256 which, uint256 leaves) external timed {
        uint64 last = oracle.lastEpoch();
        if (last == 0) return;
        uint64 epoch = uint64(bound(which, last > 6 ? last - 6 : 1, last));
        Statement[] memory all = _statementsOf(epoch);
        (, bytes32[][] memory proofs) = _report(all);
        uint256 paused = ledger.settlingPaused() ? 1 : 0;
        for (uint256 i = 0; i < LEAVES; ++i) {
            if (leaves & (1 << i) == 0) continue;
            try engine.settleOne(epoch, all[i], proofs[i]) {
                if (paused == 1) broken = "settled while paused";
                ++settled;
            } catch {
                if (paused == 0) broken = "a statement of an active root reverted";
            }
        }
    }

    function draw(uint256 leaf, uint256 grams) external timed {
        (bytes32 assetId, uint16 vintage) = _leaf(bound(leaf, 0, LEAVES - 1));
        uint256 available = credit.inVault(assetId, vintage);
        if (available == 0 || credit.transfersPaused()) return;
        vm.prank(OWNER);
        credit.draw(assetId, vintage, bound(grams, 1, available), OWNER);
    }

    /// Never stopped, whatever is paused.
    function retire(uint256 year, uint256 grams) external timed {
        uint256 id = credit.idOf(ROOFTOPS, uint16(bound(year, 2026, 2027)));
        uint256 held = credit.balanceOf(OWNER, id);
        if (held == 0) return;
        vm.prank(OWNER);
        try credit.retire(id, bound(grams, 1, held), Purpose(STRANGER, bytes32(0), "", "")) {
            ++retirements;
        } catch {
            broken = "a retirement was blocked";
        }
    }

    function cancelFromBuffer(uint256 year, uint256 grams) external timed {
        uint256 id = credit.idOf(ROOFTOPS, uint16(bound(year, 2026, 2027)));
        uint256 most = credit.unapplied(id);
        uint256 held = credit.balanceOf(credit.BUFFER(), id);
        if (held < most) most = held;
        if (most == 0) return;
        vm.prank(KEEPER);
        credit.cancelFromBuffer(id, bound(grams, 1, most));
    }

    function seal(uint256 chance) external timed {
        if (chance % 8 != 0 || ledger.isSealed(ROOFTOPS, 2026)) return;
        ledger.seal(ROOFTOPS, 2026);
    }

    function setBufferShare(uint256 bps) external timed {
        credit.setBufferShare(ROOFTOPS, uint16(bound(bps, 0, 10_000)));
    }

    /// The guardian stops, the administrator resumes; neither changes a supply.
    function pause(uint256 which) external timed {
        uint256 before = credit.totalSupply(_id());
        which = which % 6;
        if (which < 2) vm.prank(WATCHMAN);
        if (which == 0) ledger.pauseSettling();
        else if (which == 1) credit.pauseTransfers();
        else if (which < 4) ledger.resumeSettling();
        else credit.resumeTransfers();
        if (credit.totalSupply(_id()) != before) broken = "a pause changed a supply";
    }

    function pass(uint256 time) external timed {
        _clock += bound(time, 1 hours, 20 days);
    }

    /// The highest figures that were ever signed for a leaf are its model: lies are in, as the ceilings must catch them.
    function signedOf(uint256 leaf) external view returns (uint256 issued, uint256 reversed) {
        for (uint64 epoch = 1; epoch <= oracle.lastEpoch(); ++epoch) {
            Signed memory signed = _signed[epoch][leaf];
            if (signed.issued > issued) issued = signed.issued;
            if (signed.reversed > reversed) reversed = signed.reversed;
        }
    }

    function leafAt(uint256 leaf) external view returns (bytes32, uint16) {
        return _leaf(leaf);
    }

    function clock() external view returns (uint256) {
        return _clock;
    }

    /// Time stands where the handler has put it, and afterwards nothing has fallen.
    modifier timed() {
        vm.warp(_clock);
        _;
        for (uint256 i = 0; i < LEAVES; ++i) {
            _notice(i);
        }
        for (uint16 year = 2026; year <= 2027; ++year) {
            _noticeIssuance(year);
        }
    }

    function _notice(uint256 leaf) internal {
        (bytes32 assetId, uint16 vintage) = _leaf(leaf);
        uint256 key = _keyOf(assetId, vintage);
        (Mark memory mark,) = ledger.markOf(assetId, vintage);
        Mark memory was = _seen[key];
        if (mark.energyWh < was.energyWh || mark.creditsG < was.creditsG || mark.revenueMinor < was.revenueMinor) {
            broken = "a mark fell";
        }
        if (mark.cutoff < was.cutoff || mark.epoch < was.epoch || mark.month < was.month) broken = "a time fell";
        if (was.flags != 0 && mark.claimKind != was.claimKind) broken = "a claim changed its kind";
        if (ledger.isSealed(ROOFTOPS, vintage) && leaf % 3 != 2) {
            if (_energyAtSeal[key] == 0) _energyAtSeal[key] = mark.energyWh + 1;
            if (_energyAtSeal[key] != uint256(mark.energyWh) + 1) broken = "a sealed vintage issued";
        }
        _seen[key] = mark;
    }

    function _noticeIssuance(uint16 year) internal {
        Issuance memory of_ = credit.issuanceOf(ROOFTOPS, year);
        uint256 id = credit.idOf(ROOFTOPS, year);
        Issuance memory was = _seenIssuance[id];
        if (of_.retired < was.retired) broken = "retired fell";
        if (of_.issued < was.issued || of_.reversed < was.reversed || of_.offset < was.offset) broken = "a sum fell";
        if (was.started && of_.bufferBps != was.bufferBps) broken = "a buffer share changed";
        _seenIssuance[id] = of_;
    }

    function _statements(uint64 cutoff) internal view returns (Statement[] memory statements) {
        statements = new Statement[](LEAVES);
        for (uint256 i = 0; i < LEAVES; ++i) {
            statements[i] = _statementOf(i, _now[i], cutoff);
        }
    }

    function _statementsOf(uint64 epoch) internal view returns (Statement[] memory statements) {
        statements = new Statement[](LEAVES);
        for (uint256 i = 0; i < LEAVES; ++i) {
            statements[i] = _statementOf(i, _signed[epoch][i], _cutoffs[epoch]);
        }
    }

    function _statementOf(uint256 leaf, Signed memory signed, uint64 cutoff)
        internal
        view
        returns (Statement memory statement)
    {
        (bytes32 assetId, uint16 vintage) = _leaf(leaf);
        statement = _statement(assetId, signed.issued, signed.reversed, cutoff);
        statement.vintage = vintage;
    }

    function _leaf(uint256 leaf) internal view returns (bytes32, uint16) {
        return (_assets[leaf % 3], leaf < 3 ? 2026 : 2027);
    }
}
