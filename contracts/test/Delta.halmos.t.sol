// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Figures, Mark, MarkWord, Marks} from "../src/ledger/Marks.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {StatementWords} from "../src/settlement/StatementWords.sol";

/// Proofs for halmos, see `QuorumProof`: the arithmetic of the marks, for all marks and all statements. What begins with
/// `check_reachable` must fail: were five gains out of reach, the other checks would say nothing.
contract DeltaProof {
    using StatementWords for Statement;

    /// What is read as words is what the fields say.
    function check_wordsAreTheFields(Statement calldata statement) external pure {
        if (!statement.fits()) return;
        assert(statement.assetIdWord() == statement.assetId && statement.vintageWord() == statement.vintage);
        assert(statement.key() == uint256(statement.assetId) | statement.vintage);
        assert(statement.cutoffWord() == statement.cutoff);
        assert(statement.issued().energyWh() == statement.energyIssuedWh);
        assert(statement.issued().creditsG() == statement.creditsIssuedG);
        assert(statement.issued().revenueMinor() == statement.revenueIssuedMinor);
        assert(statement.reversed_().energyWh() == statement.energyReversedWh);
        assert(statement.reversed_().creditsG() == statement.creditsReversedG);
        assert(statement.reversed_().revenueMinor() == statement.revenueReversedMinor);
    }

    /// What is newly issued is what the statement has above the mark, each figure by itself, and never less than nothing.
    function check_newlyIssuedIsExactlyTheDifference(MarkWord mark, Statement calldata statement) external pure {
        if (!statement.fits()) return;
        Figures were = mark.figures();
        Figures gain = were.atLeast(statement.issued()).above(were);
        assert(gain.energyWh() == _difference(statement.energyIssuedWh, were.energyWh()));
        assert(gain.creditsG() == _difference(statement.creditsIssuedG, were.creditsG()));
        assert(gain.revenueMinor() == _difference(statement.revenueIssuedMinor, were.revenueMinor()));
    }

    /// And so is what is newly reversed.
    function check_newlyReversedIsExactlyTheDifference(Figures were, Statement calldata statement) external pure {
        if (!statement.fits() || !_isPacked(were)) return;
        Figures gain = statement.reversed_().above(were);
        assert(gain.energyWh() == _difference(statement.energyReversedWh, were.energyWh()));
        assert(gain.creditsG() == _difference(statement.creditsReversedG, were.creditsG()));
        assert(gain.revenueMinor() == _difference(statement.revenueReversedMinor, were.revenueMinor()));
    }

    /// A mark ends at the higher of the two figures, and nothing else in it moves. What fits never runs into what is beside.
    function check_marksNeverFall(MarkWord word, Statement calldata statement) external pure {
        if (!statement.fits()) return;
        Mark memory was = word.unpacked();
        Mark memory mark = word.withFigures(word.figures().atLeast(statement.issued())).unpacked();
        assert(mark.energyWh == _higher(statement.energyIssuedWh, was.energyWh));
        assert(mark.creditsG == _higher(statement.creditsIssuedG, was.creditsG));
        assert(mark.revenueMinor == _higher(statement.revenueIssuedMinor, was.revenueMinor));
        assert(mark.cutoff == was.cutoff && mark.epoch == was.epoch && mark.month == was.month);
        assert(mark.flags == was.flags && mark.claimKind == was.claimKind);
    }

    /// Cutoff and epoch of a mark never fall, and no figure moves with them.
    function check_timeNeverFalls(MarkWord word, uint32 cutoff, uint32 epoch) external pure {
        Mark memory was = word.unpacked();
        MarkWord later = word.withTime(cutoff, epoch);
        Mark memory mark = later.unpacked();
        assert(mark.cutoff == _higher(cutoff, was.cutoff) && mark.epoch == _higher(epoch, was.epoch));
        assert(Figures.unwrap(later.figures()) == Figures.unwrap(word.figures()));
        assert(mark.month == was.month && mark.flags == was.flags && mark.claimKind == was.claimKind);
    }

    /// Month, flags and kind of claim stand where nothing else does.
    function check_fieldsStandApart(MarkWord word, uint8 month, uint8 flag, uint8 kind) external pure {
        Mark memory was = word.unpacked();
        MarkWord changed = word.withMonth(month).withFlag(flag).withClaimKind(kind);
        Mark memory mark = changed.unpacked();
        assert(mark.month == month && mark.flags == was.flags | flag && mark.claimKind == was.claimKind | kind);
        assert(Figures.unwrap(changed.figures()) == Figures.unwrap(word.figures()));
        assert(mark.cutoff == was.cutoff && mark.epoch == was.epoch);
    }

    /// Without the right to credits, energy and revenue are as they were.
    function check_onlyCreditsAreLeftOut(Figures figures) external pure {
        if (!_isPacked(figures)) return;
        Figures rest = figures.withoutCredits();
        assert(rest.creditsG() == 0);
        assert(rest.energyWh() == figures.energyWh() && rest.revenueMinor() == figures.revenueMinor());
    }

    /// Settling twice is settling once.
    function check_settlingAgainAddsNothing(MarkWord mark, Statement calldata statement) external pure {
        if (!statement.fits()) return;
        MarkWord once = mark.withFigures(mark.figures().atLeast(statement.issued()));
        Figures again = once.figures().atLeast(statement.issued());
        assert(again.above(once.figures()).isZero());
        assert(MarkWord.unwrap(once.withFigures(again)) == MarkWord.unwrap(once));
    }

    /// Two statements in either order leave the same mark.
    function check_orderDoesNotMatter(Figures mark, Figures one, Figures other) external pure {
        if (!_isPacked(mark) || !_isPacked(one) || !_isPacked(other)) return;
        assert(Figures.unwrap(mark.atLeast(one).atLeast(other)) == Figures.unwrap(mark.atLeast(other).atLeast(one)));
    }

    /// However many statements came before, in whatever order and how often, and whatever `now_` they led to from `start`:
    /// one more adds its gain to what they added in all. With none before, `now_` is `start`; so it holds for any number.
    function check_gainsAddUp(Figures start, Figures now_, Statement calldata statement) external pure {
        if (!statement.fits() || !_isPacked(start) || !_isPacked(now_)) return;
        if (now_.energyWh() < start.energyWh() || now_.creditsG() < start.creditsG()) return;
        if (now_.revenueMinor() < start.revenueMinor()) return;
        Figures raised = now_.atLeast(statement.issued());
        Figures gain = raised.above(now_);
        assert(raised.energyWh() - start.energyWh() == now_.energyWh() - start.energyWh() + gain.energyWh());
        assert(raised.creditsG() - start.creditsG() == now_.creditsG() - start.creditsG() + gain.creditsG());
        assert(
            raised.revenueMinor() - start.revenueMinor()
                == now_.revenueMinor() - start.revenueMinor() + gain.revenueMinor()
        );
    }

    /// The same spelt out for arrays of up to five: what they add in all is the highest less the mark.
    /// @custom:halmos --array-lengths figures={0,1,2,3,4,5}
    function check_gainsOfABatchAddUp(uint48 were, uint48[] calldata figures) external pure {
        (Figures mark, uint256 highest, uint256 sum) = (Marks.figuresOf(were, 0, 0), were, 0);
        for (uint256 i = 0; i < figures.length; ++i) {
            Figures next = Marks.figuresOf(figures[i], 0, 0);
            Figures gain = next.above(mark);
            if (gain.isZero()) {
                assert(figures[i] <= highest);
                continue;
            }
            // Added as the difference of two figures, since solvers cancel these and not what is cut out of words.
            uint256 difference = figures[i] - highest;
            assert(gain.energyWh() == difference);
            sum += difference;
            (mark, highest) = (next, figures[i]);
        }
        assert(sum == highest - were);
    }

    /// Five statements, each above the one before.
    /// @custom:halmos --array-lengths figures=5
    function check_reachableFiveGains(uint48 were, uint48[] calldata figures) external pure {
        (Figures mark, uint256 gains) = (Marks.figuresOf(were, 0, 0), 0);
        for (uint256 i = 0; i < figures.length; ++i) {
            Figures next = Marks.figuresOf(figures[i], 0, 0);
            if (next.above(mark).isZero()) continue;
            mark = next;
            ++gains;
        }
        assert(gains < 5);
    }

    /// A statement that fits and raises all three figures.
    function check_reachableAllFigures(MarkWord mark, Statement calldata statement) external pure {
        if (!statement.fits()) return;
        Figures gain = statement.issued().above(mark.figures());
        assert(gain.energyWh() == 0 || gain.creditsG() == 0 || gain.revenueMinor() == 0);
    }

    /// Three figures and nothing beyond them.
    function _isPacked(Figures figures) private pure returns (bool) {
        return Figures.unwrap(figures) >> 168 == 0;
    }

    function _difference(uint256 figure, uint256 mark) private pure returns (uint256) {
        return figure <= mark ? 0 : figure - mark;
    }

    function _higher(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
