// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// Hong Kong dollars for tests and demonstrations: backed by nothing. 1 HKD = 1 000 000 minor units.
contract HKDStablecoin is ERC20, ERC20Permit, AccessManaged {
    constructor(address authority)
        ERC20("Test Hong Kong Dollar", "tHKD")
        ERC20Permit("Test Hong Kong Dollar")
        AccessManaged(authority)
    {}

    function mint(address to, uint256 minor) external restricted {
        _mint(to, minor);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
