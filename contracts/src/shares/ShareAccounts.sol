// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ShareAccount} from "./IAssetShare.sol";

/// A holder's account as one word, read and written at once: Solidity by itself touches the slot for each field.
library ShareAccounts {
    // forge-lint: disable-next-item(unsafe-typecast)
    function unpack(uint256 word) internal pure returns (ShareAccount memory account) {
        account.units = uint48(word);
        account.seenMinor = uint64(word >> 48);
        account.product = uint112(word >> 112);
        account.month = uint24(word >> 224);
        account.flags = uint8(word >> 248);
    }

    function pack(ShareAccount memory account) internal pure returns (uint256) {
        return uint256(account.units) | uint256(account.seenMinor) << 48 | uint256(account.product) << 112
            | uint256(account.month) << 224 | uint256(account.flags) << 248;
    }
}
