// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset} from "./IAssetRegistry.sol";
import {LocalTime} from "./LocalTime.sol";

/// The most that may be minted for an asset, whatever the quorum signs.
library Ceilings {
    /// One register quantum: the last step of a register may stand for energy of just before the interval.
    uint256 internal constant REGISTER_QUANTUM_WH = 1000;

    /// Energy an asset can have produced in a vintage up to a cutoff [Wh]: nameplate x capacity factor x time, plus one
    /// register quantum; zero while the vintage has no time.
    function energyWhDown(Asset memory asset, uint16 vintage, uint64 cutoff) internal pure returns (uint256) {
        int256 start = LocalTime.yearStart(vintage, asset.utcOffset);
        int256 end = LocalTime.yearStart(uint256(vintage) + 1, asset.utcOffset);
        int256 from = int256(uint256(asset.commissionedAt));
        int256 until = int256(uint256(cutoff));
        if (from < start) from = start;
        if (until > end) until = end;
        if (until <= from) return 0;
        uint256 period = uint256(until - from);
        return uint256(asset.nameplateW) * asset.capacityFactorCeiling * period / (1e6 * 1 hours) + REGISTER_QUANTUM_WH;
    }

    /// Units that energy can back, at so many units per MWh: grams at a factor, minor units at a tariff.
    function unitsDown(uint256 energyWh, uint64 unitsPerMwh) internal pure returns (uint256) {
        return energyWh * unitsPerMwh / 1e6;
    }
}
