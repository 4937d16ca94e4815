// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CarbonCredit} from "../src/credits/CarbonCredit.sol";
import {Issuance} from "../src/credits/ICarbonCredit.sol";
import {IMarkLedger, Lifetime, MonthSpan} from "../src/ledger/IMarkLedger.sol";
import {Correction, Mark} from "../src/ledger/Marks.sol";
import {LedgerHandler} from "./LedgerHandler.sol";
import {Test} from "./Vm.sol";

/// What holds of marks and credits whatever is published, settled, retired, drawn, cancelled, sealed and paused.
contract LedgerInvariantsTest is Test {
    uint256 internal constant NEW_YEAR = 1_767_225_600 - 8 hours;
    bytes32 internal constant ROOFTOPS = "rooftops";
    address internal constant OWNER = address(0xA11CE);

    LedgerHandler internal handler;
    IMarkLedger internal ledger;
    CarbonCredit internal credit;

    function setUp() public {
        handler = new LedgerHandler();
        ledger = handler.theLedger();
        credit = handler.theCredit();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory acts = new bytes4[](11);
        (acts[0], acts[1], acts[2]) = (handler.publish.selector, handler.publish.selector, handler.settle.selector);
        (acts[3], acts[4], acts[5]) = (handler.settle.selector, handler.draw.selector, handler.retire.selector);
        (acts[6], acts[7]) = (handler.cancelFromBuffer.selector, handler.seal.selector);
        (acts[8], acts[9]) = (handler.setBufferShare.selector, handler.pause.selector);
        acts[10] = handler.pass.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), acts);
    }

    /// marksEpochAndCutoffNeverFall, retiredNeverFalls, sealedVintagesNeverIssue, oneClaimKindForAnAssetsVintage,
    /// pausingNeverBlocksRetire, guardianNeverRaisesSupply: noticed at each act.
    function invariant_nothingFellThatNeverMay() public view {
        vm.assertEq(keccak256(bytes(handler.broken())), keccak256(""));
    }

    /// Per id: supply, with buffer and vault, + retired + cancelled = issued - offset; supply is what accounts hold.
    function invariant_supplyRetiredAndCancelledAreIssuedLessOffset() public view {
        for (uint16 year = 2026; year <= 2027; ++year) {
            uint256 id = credit.idOf(ROOFTOPS, year);
            Issuance memory of_ = credit.issuanceOf(ROOFTOPS, year);
            uint256 held = credit.balanceOf(address(credit), id) + credit.balanceOf(credit.BUFFER(), id)
                + credit.balanceOf(OWNER, id);
            vm.assertEq(credit.totalSupply(id), held);
            vm.assertEq(held + of_.retired + of_.cancelled, uint256(of_.issued) - of_.offset);
        }
    }

    /// Per id: unapplied reversal = reversed - offset - cancelled from the buffer >= 0; and nothing of it is left while
    /// something newly issued was minted.
    function invariant_unappliedReversalIsNeverNegative() public view {
        for (uint16 year = 2026; year <= 2027; ++year) {
            Issuance memory of_ = credit.issuanceOf(ROOFTOPS, year);
            vm.assertGe(of_.reversed, uint256(of_.offset) + of_.cancelled);
            vm.assertEq(
                credit.unapplied(credit.idOf(ROOFTOPS, year)), uint256(of_.reversed) - of_.offset - of_.cancelled
            );
        }
    }

    /// An id's counters are the sums of its assets' marks: minted less unapplied reversal follows from the marks alone.
    function invariant_mintedLessUnappliedFollowsFromTheMarks() public view {
        for (uint256 first = 0; first < 6; first += 3) {
            (uint256 issued, uint256 reversed) = (0, 0);
            uint16 year = 2026;
            for (uint256 leaf = first; leaf < first + 2; ++leaf) {
                bytes32 assetId;
                (assetId, year) = handler.leafAt(leaf);
                (Mark memory mark, Correction memory correction) = ledger.markOf(assetId, year);
                issued += mark.creditsG;
                reversed += correction.creditsReversedG;
            }
            Issuance memory of_ = credit.issuanceOf(ROOFTOPS, year);
            vm.assertEq(of_.issued, issued);
            vm.assertEq(of_.reversed, reversed);
        }
    }

    function invariant_settledIsWithinWhatWasSignedAndTheCeilings() public view {
        for (uint256 leaf = 0; leaf < 6; ++leaf) {
            (bytes32 assetId, uint16 year) = handler.leafAt(leaf);
            (Mark memory mark, Correction memory correction) = ledger.markOf(assetId, year);
            (uint256 issued, uint256 reversed) = handler.signedOf(leaf);
            vm.assertLe(mark.energyWh, issued);
            vm.assertLe(correction.energyReversedWh, reversed);
            uint256 start = NEW_YEAR + (year - 2026) * 365 days;
            uint256 end = handler.clock() < start + 365 days ? handler.clock() : start + 365 days;
            uint256 most = end > start ? (end - start) * 8000 * 250_000 / 3600e6 + 1000 : 0;
            vm.assertLe(_net(mark.energyWh, correction.energyReversedWh), most);
            vm.assertLe(_net(mark.creditsG, correction.creditsReversedG) * 1e6, most * 700_000);
            vm.assertLe(_net(mark.revenueMinor, correction.revenueReversedMinor) * 1e6, most * 4_000_000_000);
        }
    }

    function invariant_vaultIsTheSumOfItsAssets() public view {
        for (uint256 first = 0; first < 6; first += 3) {
            uint256 inVault = 0;
            uint16 year = 2026;
            for (uint256 leaf = first; leaf < first + 2; ++leaf) {
                bytes32 assetId;
                (assetId, year) = handler.leafAt(leaf);
                inVault += credit.inVault(assetId, year);
            }
            vm.assertEq(credit.balanceOf(address(credit), credit.idOf(ROOFTOPS, year)), inVault);
        }
    }

    /// An asset's months follow one another and add up to its entitling revenue; its lifetime to its vintages.
    function invariant_monthsAndLifetimeAddUp() public view {
        for (uint256 leaf = 0; leaf < 3; ++leaf) {
            (bytes32 assetId,) = handler.leafAt(leaf);
            (uint64 entitling,) = ledger.entitlingRevenue(assetId);
            uint256 sum = 0;
            for (uint32 month = ledger.firstMonth(assetId); month != 0;) {
                MonthSpan memory span = ledger.monthSpan(assetId, month);
                vm.assertEq(span.fromMinor, sum);
                sum = span.toMinor;
                vm.assertTrue(span.next == 0 || span.next > month);
                month = span.next;
            }
            vm.assertEq(sum, entitling);
            Lifetime memory lifetime = ledger.lifetimeOf(assetId);
            (uint256 issued, uint256 reversed) = (0, 0);
            for (uint16 year = 2026; year <= 2027; ++year) {
                (Mark memory mark, Correction memory correction) = ledger.markOf(assetId, year);
                if (mark.flags & 1 == 0) continue;
                issued += mark.energyWh;
                reversed += correction.energyReversedWh;
            }
            vm.assertEq(lifetime.energyWh, _net(issued, reversed));
        }
    }

    /// The handler does reach what it is for: else the invariants above would hold of nothing.
    function test_theHandlerSettlesAndRetires() public {
        handler.publish(0, 4 * 48_000, 0, 1);
        handler.settle(1, 63);
        handler.draw(0, 1e18);
        handler.retire(2026, 5);
        handler.publish(0, 1000, 50_000, 3);
        handler.settle(1, 63);
        handler.cancelFromBuffer(2026, 7);
        vm.assertGe(handler.settled(), 12);
        vm.assertEq(handler.retirements(), 1);
        vm.assertGe(credit.issuanceOf(ROOFTOPS, 2026).cancelled, 1);
        invariant_nothingFellThatNeverMay();
        invariant_supplyRetiredAndCancelledAreIssuedLessOffset();
        invariant_mintedLessUnappliedFollowsFromTheMarks();
        invariant_monthsAndLifetimeAddUp();
    }

    function _net(uint256 issued, uint256 reversed) internal pure returns (uint256) {
        return issued > reversed ? issued - reversed : 0;
    }
}
