// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// How far one asset has been settled in one vintage: the highest issued figures that were signed and admitted, in one
/// storage slot. What was reversed stands beside it, in `Correction`, since most vintages never have one.
struct Mark {
    uint48 energyWh;
    uint56 creditsG;
    uint64 revenueMinor;
    /// Cutoff [s UTC] and epoch of the newest statement that was settled whole.
    uint32 cutoff;
    uint32 epoch;
    /// Month that the newest statement belongs to: months since January of the vintage.
    uint8 month;
    /// See `Marks`.
    uint8 flags;
    uint8 claimKind;
}

/// What was taken back from one asset in one vintage. Zero for most.
struct Correction {
    uint48 energyReversedWh;
    uint56 creditsReversedG;
    uint64 revenueReversedMinor;
    /// Credits of this asset that were issued and never minted, since they made up for a reversal in the project.
    uint56 creditsOffsetG;
    /// Revenue that was issued and entitled nobody, since it made up for a reversal of the asset's.
    uint64 revenueOffsetMinor;
}

/// A correction as it is stored.
struct CorrectionWords {
    Figures reversed;
    Figures offset;
}

/// A mark as it is stored: the fields of `Mark` in one word, the first in the lowest bits.
type MarkWord is uint256;

/// Energy [Wh], credits [g CO2e] and revenue [minor unit] in one word, as in the lowest 168 bits of a mark.
type Figures is uint256;

using Marks for MarkWord global;
using Marks for Figures global;

library Marks {
    /// Something has been settled.
    uint256 internal constant STARTED = 1;
    /// A `Correction` exists.
    uint256 internal constant CORRECTED = 2;
    /// A later vintage has begun, or had when this one started: its figures are in the asset's `Past`.
    uint256 internal constant SUPERSEDED = 4;

    uint256 private constant BITS_32 = type(uint32).max;
    uint256 private constant BITS_48 = type(uint48).max;
    uint256 private constant BITS_56 = type(uint56).max;
    uint256 private constant BITS_64 = type(uint64).max;
    uint256 private constant FIGURES = (1 << 168) - 1;
    uint256 private constant AT_CREDITS = 48;
    uint256 private constant AT_REVENUE = 104;
    uint256 private constant AT_CUTOFF = 168;
    uint256 private constant AT_EPOCH = 200;
    uint256 private constant AT_MONTH = 232;
    uint256 private constant AT_FLAGS = 240;
    uint256 private constant AT_CLAIM = 248;

    /// Figures that fit their bits.
    function figuresOf(uint256 energy, uint256 credits, uint256 revenue) internal pure returns (Figures) {
        return Figures.wrap(energy | (credits << AT_CREDITS) | (revenue << AT_REVENUE));
    }

    function energyWh(Figures figures_) internal pure returns (uint256) {
        return Figures.unwrap(figures_) & BITS_48;
    }

    function creditsG(Figures figures_) internal pure returns (uint256) {
        return (Figures.unwrap(figures_) >> AT_CREDITS) & BITS_56;
    }

    function revenueMinor(Figures figures_) internal pure returns (uint256) {
        return Figures.unwrap(figures_) >> AT_REVENUE;
    }

    function isZero(Figures figures_) internal pure returns (bool) {
        return Figures.unwrap(figures_) == 0;
    }

    /// The higher of each two figures: nothing ever falls.
    function atLeast(Figures a, Figures b) internal pure returns (Figures) {
        return figuresOf(
            _higher(energyWh(a), energyWh(b)),
            _higher(creditsG(a), creditsG(b)),
            _higher(revenueMinor(a), revenueMinor(b))
        );
    }

    /// What of each figure of `a` is above `b`'s: a gain, or what stands after a reversal; nothing where it is not above.
    function above(Figures a, Figures b) internal pure returns (Figures) {
        return figuresOf(
            _above(energyWh(a), energyWh(b)), _above(creditsG(a), creditsG(b)), _above(revenueMinor(a), revenueMinor(b))
        );
    }

    /// The figures without credits.
    function withoutCredits(Figures figures_) internal pure returns (Figures) {
        return Figures.wrap(Figures.unwrap(figures_) & ~(BITS_56 << AT_CREDITS));
    }

    /// The issued figures of a mark.
    function figures(MarkWord mark) internal pure returns (Figures) {
        return Figures.wrap(MarkWord.unwrap(mark) & FIGURES);
    }

    function cutoff(MarkWord mark) internal pure returns (uint256) {
        return (MarkWord.unwrap(mark) >> AT_CUTOFF) & BITS_32;
    }

    function epoch(MarkWord mark) internal pure returns (uint256) {
        return (MarkWord.unwrap(mark) >> AT_EPOCH) & BITS_32;
    }

    function month(MarkWord mark) internal pure returns (uint256) {
        return (MarkWord.unwrap(mark) >> AT_MONTH) & type(uint8).max;
    }

    function flags(MarkWord mark) internal pure returns (uint256) {
        return (MarkWord.unwrap(mark) >> AT_FLAGS) & type(uint8).max;
    }

    function claimKind(MarkWord mark) internal pure returns (uint256) {
        return MarkWord.unwrap(mark) >> AT_CLAIM;
    }

    function has(MarkWord mark, uint256 flag) internal pure returns (bool) {
        return flags(mark) & flag != 0;
    }

    function withFlag(MarkWord mark, uint256 flag) internal pure returns (MarkWord) {
        return MarkWord.wrap(MarkWord.unwrap(mark) | (flag << AT_FLAGS));
    }

    /// The mark with another month, at most 255.
    function withMonth(MarkWord mark, uint256 month_) internal pure returns (MarkWord) {
        uint256 word = MarkWord.unwrap(mark) & ~(uint256(type(uint8).max) << AT_MONTH);
        return MarkWord.wrap(word | (month_ << AT_MONTH));
    }

    /// The mark with its kind of claim, where it has none.
    function withClaimKind(MarkWord mark, uint256 kind) internal pure returns (MarkWord) {
        return MarkWord.wrap(MarkWord.unwrap(mark) | (kind << AT_CLAIM));
    }

    /// The mark with other issued figures.
    function withFigures(MarkWord mark, Figures figures_) internal pure returns (MarkWord) {
        return MarkWord.wrap((MarkWord.unwrap(mark) & ~FIGURES) | Figures.unwrap(figures_));
    }

    /// The mark with the cutoff and epoch of a statement, both of 32 bits, where they are higher.
    function withTime(MarkWord mark, uint256 cutoff_, uint256 epoch_) internal pure returns (MarkWord) {
        uint256 time = (_higher(cutoff_, cutoff(mark)) << AT_CUTOFF) | (_higher(epoch_, epoch(mark)) << AT_EPOCH);
        return MarkWord.wrap((MarkWord.unwrap(mark) & ~((BITS_64) << AT_CUTOFF)) | time);
    }

    /// The fields of a stored mark.
    function unpacked(MarkWord mark) internal pure returns (Mark memory) {
        Figures issued = figures(mark);
        // forge-lint: disable-start(unsafe-typecast)
        return Mark({
            energyWh: uint48(energyWh(issued)),
            creditsG: uint56(creditsG(issued)),
            revenueMinor: uint64(revenueMinor(issued)),
            cutoff: uint32(cutoff(mark)),
            epoch: uint32(epoch(mark)),
            month: uint8(month(mark)),
            flags: uint8(flags(mark)),
            claimKind: uint8(claimKind(mark))
        });
        // forge-lint: disable-end(unsafe-typecast)
    }

    function _higher(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    function _above(uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            return a > b ? a - b : 0;
        }
    }
}
