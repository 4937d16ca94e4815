// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";

/// The grammar of identifiers written out a second time, to hold the registry against.
abstract contract IdentifierGrammar is Fixture {
    /// An identifier but for its length: what `seed` draws from the grammar.
    function _text(uint256 seed, uint256 length) internal pure returns (string memory) {
        bytes memory characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            text[i] = characters[draw(seed, i, 0, i == 0 ? 61 : 64)];
        }
        return string(text);
    }

    /// The grammar written out: [A-Za-z0-9][A-Za-z0-9._-]{0,27}, then zeros.
    function _spellsAnIdentifier(bytes32 word) internal pure returns (bool) {
        bool ended = false;
        for (uint256 i = 0; i < 32; ++i) {
            uint256 c = uint8(word[i]);
            if (c == 0 && i > 0) ended = true;
            else if (ended || i >= 28 || !(i == 0 ? _isLetterOrDigit(c) : _isAllowed(c))) return false;
        }
        return true;
    }

    function _isLetterOrDigit(uint256 c) internal pure returns (bool) {
        return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
    }

    function _isAllowed(uint256 c) internal pure returns (bool) {
        return _isLetterOrDigit(c) || c == 45 || c == 46 || c == 95;
    }
}
