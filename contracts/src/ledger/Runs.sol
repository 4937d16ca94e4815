// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bucket} from "./RateLimit.sol";
import {VaultShare} from "./VaultShare.sol";

/// A project's vintage in one batch: its limits are read, and its credits minted, once.
struct Run {
    bytes32 projectId;
    uint256 vintage;
    bool isSealed;
    Bucket bucket;
    /// See `Issuance`.
    uint256 bufferBps;
    uint256 issuedG;
    uint256 reversedG;
    uint256 offsetG;
    uint256 vaultG;
    /// Reversed credits that nothing has made up for yet.
    uint256 unappliedG;
}

/// The runs of a batch: the first `count` of `all`.
struct Runs {
    Run[] all;
    uint256 count;
}

library RunList {
    /// Room for the runs of so many statements. Each is made when it is added, not before: `new Run[](most)` would make
    /// them all.
    function reserve(Runs memory runs, uint256 most) internal pure {
        uint256[] memory pointers = new uint256[](most);
        Run[] memory all;
        // slither-disable-next-line assembly: an array of zeros as one of runs, since Solidity has no cast for it
        assembly ("memory-safe") {
            all := pointers
        }
        runs.all = all;
    }

    /// Where the run of a project's vintage is; `count` when there is none. The last one first: neighbours in a batch are
    /// often of one project. (Functions give places, since one that returns a run makes an empty one on its way in.)
    function find(Runs memory runs, bytes32 projectId, uint256 vintage) internal pure returns (uint256) {
        Run[] memory all = runs.all;
        uint256 count = runs.count;
        unchecked {
            for (uint256 i = count - 1; i < count; --i) {
                Run memory run = all[i];
                if (run.projectId == projectId && run.vintage == vintage) return i;
            }
        }
        return count;
    }

    /// Where a run of a project is, of whatever vintage; `count` when there is none.
    function findProject(Runs memory runs, bytes32 projectId) internal pure returns (uint256 i) {
        while (i < runs.count && runs.all[i].projectId != projectId) ++i;
    }

    /// Count an asset's credits newly issued and reversed [g]. `before` is what it was minted in the vintage. Returns what
    /// made up for reversals and is not minted.
    function countCredits(Run memory run, uint256 before, uint256 issuedG, uint256 reversedG)
        internal
        pure
        returns (uint256 offsetG)
    {
        // A mark has 56 bits, and the token refuses sums beyond 80: nothing here overflows.
        unchecked {
            uint256 open = run.unappliedG + reversedG;
            if (open != 0) {
                offsetG = issuedG < open ? issuedG : open;
                run.unappliedG = open - offsetG;
                run.reversedG += reversedG;
                run.offsetG += offsetG;
            }
            run.issuedG += issuedG;
            uint256 bps = run.bufferBps;
            run.vaultG += VaultShare.ownersDown(before + issuedG - offsetG, bps) - VaultShare.ownersDown(before, bps);
        }
    }
}
