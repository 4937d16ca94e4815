// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC2612} from "@openzeppelin/contracts/interfaces/IERC2612.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// Swaps one ERC-20 for another between two accounts that have each signed a permit (ERC-2612) and sent nothing: whoever has
/// both signatures carries it out.
contract PermitSwap {
    using SafeERC20 for IERC20;

    struct Side {
        address from;
        address token;
        uint256 units;
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    function swap(Side calldata one, Side calldata other) external {
        _permit(one);
        _permit(other);
        IERC20(one.token).safeTransferFrom(one.from, other.from, one.units);
        IERC20(other.token).safeTransferFrom(other.from, one.from, other.units);
    }

    /// Anyone may have used a permit already: what counts is the allowance.
    function _permit(Side calldata side) private {
        try IERC2612(side.token).permit(side.from, address(this), side.units, side.deadline, side.v, side.r, side.s) {}
            catch {}
    }
}
