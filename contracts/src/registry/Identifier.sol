// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Names of projects, assets, meters and devices: [A-Za-z0-9][A-Za-z0-9._-]{0,27}, ASCII. As a word: left-aligned, the rest
/// zero. So a word keeps its last four bytes free, and one name is one word and one text.
library Identifier {
    uint256 internal constant LONGEST = 28;
    /// Bit c is set where the character c may stand.
    uint256 internal constant LETTERS_AND_DIGITS =
        (((1 << 10) - 1) << 0x30) | (((1 << 26) - 1) << 0x41) | (((1 << 26) - 1) << 0x61);
    uint256 internal constant ALLOWED = LETTERS_AND_DIGITS | (1 << 0x2D) | (1 << 0x2E) | (1 << 0x5F); // - . _

    function isWord(bytes32 word) internal pure returns (bool) {
        uint256 length = _leading(word);
        return length != 0 && length <= LONGEST && uint256(word) << (8 * length) == 0;
    }

    function isText(string calldata text) internal pure returns (bool) {
        uint256 length = bytes(text).length;
        return length != 0 && length <= LONGEST && _leading(bytes32(bytes(text))) == length;
    }

    /// How many characters an identifier that begins here has: at most 32, since a zero is no character.
    function _leading(bytes32 word) private pure returns (uint256 length) {
        uint256 rest = uint256(word);
        if ((LETTERS_AND_DIGITS >> (rest >> 248)) & 1 == 0) return 0;
        for (; (ALLOWED >> (rest >> 248)) & 1 != 0; rest <<= 8) {
            ++length;
        }
    }
}
