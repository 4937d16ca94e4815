// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";

/// An identifier's word as text: see `Identifier`.
library IdentifierText {
    function toText(bytes32 word) internal pure returns (string memory) {
        uint256 length = 0;
        for (uint256 rest = uint256(word); rest != 0; rest <<= 8) {
            ++length;
        }
        return string(Bytes.slice(abi.encode(word), 0, length));
    }
}
