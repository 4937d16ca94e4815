// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Just enough of an XML reader to tell whether a document is what its author meant: every tag closed in order, no attribute
/// left open, nothing but known entities, no character that XML does not take.
library XmlScan {
    error NotWellFormed(uint256 place, string why);

    /// Number of elements, all closed. Reverts unless well formed.
    function elements(string memory document) internal pure returns (uint256 count) {
        bytes memory text = bytes(document);
        bytes32[] memory open = new bytes32[](64);
        uint256 depth = 0;
        for (uint256 i = 0; i < text.length;) {
            if (uint8(text[i]) < 0x20) revert NotWellFormed(i, "control character");
            if (text[i] == "&") {
                i = _entity(text, i);
            } else if (text[i] == ">") {
                revert NotWellFormed(i, "stray >");
            } else if (text[i] != "<") {
                if (depth == 0) revert NotWellFormed(i, "text outside the document");
                ++i;
            } else if (text[i + 1] == "/") {
                (uint256 end, bytes32 name) = _name(text, i + 2);
                if (depth == 0 || open[depth - 1] != name || text[end] != ">") {
                    revert NotWellFormed(i, "closed wrongly");
                }
                --depth;
                i = end + 1;
            } else {
                (uint256 end, bytes32 name) = _name(text, i + 1);
                (uint256 next, bool isEmpty) = _attributes(text, end);
                if (!isEmpty) open[depth++] = name;
                ++count;
                i = next;
            }
        }
        if (depth != 0) revert NotWellFormed(text.length, "not closed");
    }

    function _name(bytes memory text, uint256 from) private pure returns (uint256 end, bytes32 name) {
        for (end = from; text[end] >= "a" && text[end] <= "z"; ++end) {
            name = keccak256(abi.encode(name, text[end]));
        }
        if (end == from) revert NotWellFormed(from, "no name");
    }

    /// From behind the name to behind the `>`.
    function _attributes(bytes memory text, uint256 from) private pure returns (uint256 next, bool isEmpty) {
        for (next = from; text[next] == " ";) {
            for (++next; text[next] != "="; ++next) {
                bytes1 letter = text[next];
                if (!(letter >= "a" && letter <= "z") && !(letter >= "A" && letter <= "Z") && letter != "-") {
                    revert NotWellFormed(next, "no attribute");
                }
            }
            if (text[++next] != '"') revert NotWellFormed(next, "no quote");
            for (++next; text[next] != '"';) {
                if (text[next] == "<") revert NotWellFormed(next, "tag in an attribute");
                next = text[next] == "&" ? _entity(text, next) : next + 1;
            }
            ++next;
        }
        isEmpty = text[next] == "/";
        if (isEmpty) ++next;
        if (text[next++] != ">") revert NotWellFormed(next, "tag not closed");
    }

    function _entity(bytes memory text, uint256 from) private pure returns (uint256 next) {
        bytes memory entity = new bytes(0);
        for (next = from; text[next] != ";"; ++next) {
            entity = bytes.concat(entity, text[next]);
            if (entity.length > 6) break;
        }
        bytes32 found = keccak256(entity);
        if (
            found != keccak256("&amp") && found != keccak256("&lt") && found != keccak256("&gt")
                && found != keccak256("&quot") && found != keccak256("&#39")
        ) revert NotWellFormed(from, "unknown entity");
        ++next;
    }
}
