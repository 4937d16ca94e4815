// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Figures, Marks} from "../ledger/Marks.sol";
import {Statement} from "./Statement.sol";

/// The fields of a statement in the calldata as plain words. Solidity checks each field's type each time it is read, which
/// is a third of what settling costs; here `fits` checks them all, once. Nothing else may be asked before it.
library StatementWords {
    /// Whether all fields have their types, and the figures room in a mark and its correction.
    function fits(Statement calldata statement) internal pure returns (bool) {
        uint256 energy = _word(statement, 0x40) | _word(statement, 0x60);
        uint256 credits = _word(statement, 0x80) | _word(statement, 0xa0);
        uint256 revenue = _word(statement, 0xc0) | _word(statement, 0xe0);
        return (_word(statement, 0x20) >> 16) | (energy >> 48) | (credits >> 56) | (revenue >> 64)
                | (_word(statement, 0x100) >> 64) == 0;
    }

    /// assetId | vintage: an identifier leaves its last four bytes free.
    function key(Statement calldata statement) internal pure returns (uint256) {
        return _word(statement, 0) | _word(statement, 0x20);
    }

    function assetIdWord(Statement calldata statement) internal pure returns (bytes32) {
        return bytes32(_word(statement, 0));
    }

    function vintageWord(Statement calldata statement) internal pure returns (uint256) {
        return _word(statement, 0x20);
    }

    function issued(Statement calldata statement) internal pure returns (Figures) {
        return Marks.figuresOf(_word(statement, 0x40), _word(statement, 0x80), _word(statement, 0xc0));
    }

    function reversed_(Statement calldata statement) internal pure returns (Figures) {
        return Marks.figuresOf(_word(statement, 0x60), _word(statement, 0xa0), _word(statement, 0xe0));
    }

    /// [s UTC]
    function cutoffWord(Statement calldata statement) internal pure returns (uint256) {
        return _word(statement, 0x100);
    }

    function _word(Statement calldata statement, uint256 offset) private pure returns (uint256 word) {
        // slither-disable-next-line assembly: a field without Solidity's check of its type, which `fits` has made
        assembly ("memory-safe") {
            word := calldataload(add(statement, offset))
        }
    }
}
