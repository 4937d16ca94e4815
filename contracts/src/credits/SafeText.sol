// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// Text from strangers, made fit for documents. First `clean`, then `inJson` or `inXml`.
library SafeText {
    /// U+FFFD, the replacement character, in UTF-8.
    bytes3 internal constant REPLACEMENT = hex"efbfbd";
    /// No character: what `_read` gives for a byte that begins none.
    uint256 internal constant NONE = type(uint256).max;
    uint256 internal constant LONGEST_ENTITY = 6;

    /// Valid UTF-8 (RFC 3629) without anything that steers how text is read: control characters, line and paragraph
    /// separators, marks that turn its direction, noncharacters. Tab, line feed and carriage return become spaces, all else
    /// U+FFFD, one for each byte that begins no character.
    function clean(string memory text) internal pure returns (string memory) {
        bytes memory given = bytes(text);
        bytes memory cleaned = new bytes(given.length * REPLACEMENT.length);
        uint256 length = 0;
        for (uint256 i = 0; i < given.length;) {
            (uint256 character, uint256 size) = _read(given, i);
            if (_isPlain(character)) {
                for (uint256 k = 0; k < size; ++k) {
                    cleaned[length++] = given[i + k];
                }
            } else if (_isBreak(character)) {
                cleaned[length++] = " ";
            } else {
                for (uint256 k = 0; k < REPLACEMENT.length; ++k) {
                    cleaned[length++] = REPLACEMENT[k];
                }
            }
            i += size;
        }
        return string(Bytes.splice(cleaned, 0, length));
    }

    /// Whether a text is valid UTF-8: what readers of a `string` may rely on, and many fail without.
    function isUtf8(string memory text) internal pure returns (bool) {
        bytes memory given = bytes(text);
        for (uint256 i = 0; i < given.length;) {
            (uint256 character, uint256 size) = _read(given, i);
            if (character == NONE) return false;
            i += size;
        }
        return true;
    }

    /// Clean text between the quotes of a JSON string (RFC 8259).
    function inJson(string memory cleanText) internal pure returns (string memory) {
        return Strings.escapeJSON(cleanText);
    }

    /// Clean text as content or between the quotes of an attribute in XML 1.0.
    function inXml(string memory cleanText) internal pure returns (string memory) {
        bytes memory given = bytes(cleanText);
        bytes memory escaped = new bytes(given.length * LONGEST_ENTITY);
        uint256 length = 0;
        for (uint256 i = 0; i < given.length; ++i) {
            bytes memory entity = _entity(given[i]);
            if (entity.length == 0) escaped[length++] = given[i];
            for (uint256 k = 0; k < entity.length; ++k) {
                escaped[length++] = entity[k];
            }
        }
        return string(Bytes.splice(escaped, 0, length));
    }

    /// How an XML document writes a character that means something to it; empty for the rest.
    function _entity(bytes1 character) private pure returns (bytes memory) {
        if (character == "&") return "&amp;";
        if (character == "<") return "&lt;";
        if (character == ">") return "&gt;";
        if (character == '"') return "&quot;";
        if (character == "'") return "&#39;";
        return "";
    }

    /// The character that begins at `i`, and how many bytes it takes: NONE and 1 where none does.
    function _read(bytes memory text, uint256 i) private pure returns (uint256 character, uint256 size) {
        uint256 lead = uint8(text[i]);
        if (lead < 0x80) return (lead, 1);
        uint256 least = 0; // below it a shorter form is due
        if (lead >= 0xC0 && lead < 0xE0) (size, character, least) = (2, lead & 0x1F, 0x80);
        else if (lead >= 0xE0 && lead < 0xF0) (size, character, least) = (3, lead & 0x0F, 0x800);
        else if (lead >= 0xF0 && lead < 0xF8) (size, character, least) = (4, lead & 0x07, 0x10000);
        else return (NONE, 1);
        if (i + size > text.length) return (NONE, 1);
        for (uint256 k = 1; k < size; ++k) {
            uint256 more = uint8(text[i + k]);
            if (more & 0xC0 != 0x80) return (NONE, 1);
            character = (character << 6) | (more & 0x3F);
        }
        if (character < least || character > 0x10FFFF || _within(character, 0xD800, 0xDFFF)) return (NONE, 1);
    }

    function _isPlain(uint256 character) private pure returns (bool) {
        return character >= 0x20 // C0
            && !_within(character, 0x7F, 0x9F) // DEL, C1
            && !_within(character, 0x2028, 0x202E) // separators, direction
            && !_within(character, 0x2066, 0x2069) // direction
            && !_within(character, 0xFDD0, 0xFDEF) // noncharacters
            && character & 0xFFFE != 0xFFFE; // noncharacters, the last two of each plane; and NONE
    }

    function _isBreak(uint256 character) private pure returns (bool) {
        return character == 0x09 || character == 0x0A || character == 0x0D;
    }

    function _within(uint256 character, uint256 low, uint256 high) private pure returns (bool) {
        return character >= low && character <= high;
    }
}
