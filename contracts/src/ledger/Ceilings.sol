// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Nameplate} from "../registry/IAssetRegistry.sol";

/// The most that may be settled for an asset, whatever the quorum signs.
library Ceilings {
    /// One register quantum: the last step of a register may stand for energy of just before the interval.
    uint256 internal constant REGISTER_QUANTUM_WH = 1000;

    /// Energy of an asset between two instants [Wh]: nameplate x capacity factor x time, plus one register quantum; zero
    /// while there is no time. `from` and `until` [s UTC].
    function energyWhDown(uint256 nameplateW, uint256 capacityFactorPpm, uint256 from, uint256 until)
        internal
        pure
        returns (uint256)
    {
        if (until <= from) return 0;
        // 40, 24 and 64 bits.
        unchecked {
            return nameplateW * capacityFactorPpm * (until - from) / (1e6 * 1 hours) + REGISTER_QUANTUM_WH;
        }
    }

    /// The same for an asset whose rated power was changed; `history` ascending by `since`.
    function energyWhDown(Nameplate[] memory history, uint256 capacityFactorPpm, uint256 from, uint256 until)
        internal
        pure
        returns (uint256)
    {
        if (until <= from) return 0;
        uint256 wattSeconds = 0;
        for (uint256 i = 0; i < history.length; ++i) {
            uint256 begin = history[i].since > from ? history[i].since : from;
            uint256 end = i + 1 < history.length && history[i + 1].since < until ? history[i + 1].since : until;
            if (end > begin) wattSeconds += history[i].nameplateW * (end - begin);
        }
        return wattSeconds * capacityFactorPpm / (1e6 * 1 hours) + REGISTER_QUANTUM_WH;
    }

    /// Units that energy can back, at so many units per MWh: grams at a factor, minor units at a tariff.
    function unitsDown(uint256 energyWh, uint256 unitsPerMwh) internal pure returns (uint256) {
        // At most 64 bits each.
        unchecked {
            return energyWh * unitsPerMwh / 1e6;
        }
    }
}
