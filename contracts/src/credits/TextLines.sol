// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";

/// Breaks text into lines by an estimate of its width, since an SVG image does not. Text is valid UTF-8; widths are in
/// quarters of the font size.
library TextLines {
    /// At most `most` lines of at most `width`, broken at spaces where there are any; the last ends with an ellipsis when
    /// there is more. No line for no text.
    function wrapped(string memory text, uint256 width, uint256 most) internal pure returns (string[] memory lines) {
        bytes memory given = bytes(text);
        string[] memory found = new string[](most);
        uint256 count = 0;
        uint256 start = 0;
        while (start < given.length && count < most) {
            (uint256 end, uint256 next) = _line(given, start, width);
            found[count++] = string(Bytes.slice(given, start, end));
            start = next;
        }
        if (start < given.length) found[count - 1] = string.concat(found[count - 1], unicode"…");
        lines = new string[](count);
        for (uint256 i = 0; i < count; ++i) {
            lines[i] = found[i];
        }
    }

    /// The largest font size, at most `largest`, at which a text takes no more than `room`.
    function fittedSize(string memory text, uint256 room, uint256 largest) internal pure returns (uint256) {
        bytes memory given = bytes(text);
        uint256 width = 1;
        for (uint256 i = 0; i < given.length; i += _size(given[i])) {
            width += _width(given[i]);
        }
        uint256 size = room * 4 / width;
        return size < largest ? size : largest;
    }

    /// Where the line that begins at `start` ends, and where the next begins.
    function _line(bytes memory text, uint256 start, uint256 width) private pure returns (uint256 end, uint256 next) {
        uint256 used = 0;
        uint256 space = start;
        for (uint256 i = start; i < text.length; i += _size(text[i])) {
            if (text[i] == " ") space = i;
            used += _width(text[i]);
            if (used <= width || i == start) continue;
            return space > start ? (space, space + 1) : (i, i);
        }
        return (text.length, text.length);
    }

    /// Bytes of the character that begins with `lead`.
    function _size(bytes1 lead) private pure returns (uint256) {
        if (lead < 0x80) return 1;
        if (lead < 0xE0) return 2;
        return lead < 0xF0 ? 3 : 4;
    }

    /// A guess that is seldom too small: capitals are wider than small letters, Chinese and emoji widest.
    function _width(bytes1 lead) private pure returns (uint256) {
        if (lead == "W" || lead == "M" || lead == "m" || lead == "w" || lead == "@" || lead == "%") return 4;
        if (lead >= "A" && lead <= "Z") return 3;
        if (lead < 0x80) return 2;
        return lead < 0xE1 ? 3 : 4;
    }
}
