// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// How far one counter of one (asset, vintage) has been settled. One storage slot.
struct Mark {
    /// Highest figures seen: both only rise.
    uint80 issued;
    uint80 reversed;
    /// Highest net figure acted upon: never falls, since a minted token may be anywhere.
    uint80 minted;
}

library Marks {
    /// The mark after a statement. The new `minted` is max(old, issued - reversed): what was minted and later reversed is
    /// a deficit that later production repays before anything is minted again. Repeated or older figures change nothing.
    /// Figures must fit 80 bits.
    function raised(Mark memory mark, uint256 issued, uint256 reversed) internal pure returns (Mark memory) {
        issued = issued > mark.issued ? issued : mark.issued;
        reversed = reversed > mark.reversed ? reversed : mark.reversed;
        uint256 net = issued > reversed ? issued - reversed : 0;
        uint256 minted = net > mark.minted ? net : mark.minted;
        // forge-lint: disable-next-line(unsafe-typecast)
        return Mark(uint80(issued), uint80(reversed), uint80(minted));
    }

    function equals(Mark memory a, Mark memory b) internal pure returns (bool) {
        return a.issued == b.issued && a.reversed == b.reversed && a.minted == b.minted;
    }

    function fits(uint256 figure) internal pure returns (bool) {
        return figure <= type(uint80).max;
    }
}
