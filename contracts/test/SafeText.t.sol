// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeText} from "../src/credits/SafeText.sol";
import {TextLines} from "../src/credits/TextLines.sol";
import {Test} from "./Vm.sol";

contract SafeTextTest is Test {
    string internal constant REPLACED = unicode"\uFFFD";

    function test_textOfAnyLanguageStaysAsItIs() public pure {
        _keeps(unicode"Ordinary text, 太陽能 рост ñandú ☀ 🌞!");
        _keeps(string(hex"df80e0a080e0bfbff0908080")); // first and last of a length: U+07C0, U+0800, U+0FFF, U+10000
        _keeps(string(hex"f48fbfbd")); // U+10FFFD
        _keeps("");
    }

    function test_breaksBecomeSpacesAndControlCharactersAreReplaced() public pure {
        _cleans("a\tb\nc\rd", "a b c d");
        _cleans("a\x00b\x1Fc\x7Fd", string.concat("a", REPLACED, "b", REPLACED, "c", REPLACED, "d"));
        _keeps(string(hex"c2a0")); // U+00A0, behind the last of C1
        _replaces(hex"c280");
        _replaces(hex"c29f");
    }

    function test_whatTurnsOrBreaksLinesUnseenIsReplaced() public pure {
        _replaces(hex"e280a8"); // U+2028
        _replaces(hex"e280ae"); // U+202E
        _replaces(hex"e281a6"); // U+2066
        _replaces(hex"e281a9"); // U+2069
        _keeps(string(hex"e280a7e280afe281a5")); // their neighbours: U+2027, U+202F, U+2065
        _keeps(string(hex"e281aa")); // U+206A
    }

    function test_noncharactersAreReplaced() public pure {
        _replaces(hex"efb790"); // U+FDD0
        _replaces(hex"efb7af"); // U+FDEF
        _replaces(hex"efbfbe"); // U+FFFE
        _replaces(hex"efbfbf"); // U+FFFF
        _replaces(hex"f09fbfbf"); // U+1FFFF
        _replaces(hex"f48fbfbe"); // U+10FFFE
        _replaces(hex"f48fbfbf"); // U+10FFFF
        _keeps(string(hex"efb78fefb7b0efbfbd")); // their neighbours: U+FDCF, U+FDF0, U+FFFD
    }

    function test_eachByteThatBeginsNoCharacterIsReplaced() public pure {
        _replacesEach(hex"80"); // a continuation without a beginning
        _replacesEach(hex"ff");
        _replacesEach(hex"f8");
        _replacesEach(hex"f8908080");
        _replacesEach(hex"c080"); // zero, in too many bytes
        _replacesEach(hex"c1bf");
        _replacesEach(hex"e09fbf");
        _replacesEach(hex"f08fbfbf");
        _replacesEach(hex"eda080"); // a surrogate
        _replacesEach(hex"edbfbf");
        _replacesEach(hex"f4908080"); // beyond the last character
        _replacesEach(hex"f7bfbfbf");
        _replacesEach(hex"e282"); // cut off
        _replacesEach(hex"f09f8c");
        _replacesEach(hex"c3");
        // What follows a byte that began nothing is read anew.
        _cleans(string(bytes(hex"e22241")), string.concat(REPLACED, '"A'));
        _cleans(string(bytes(hex"f09f8c41")), string.concat(REPLACED, REPLACED, REPLACED, "A"));
        _keeps(string(hex"ed9fbfee8080")); // the neighbours of the surrogates
    }

    function test_xmlTellsItsOwnCharactersByEntities() public pure {
        _same(SafeText.inXml("<a b='c'>&\"d\"</a>"), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;d&quot;&lt;/a&gt;");
        _same(SafeText.inXml("&amp;"), "&amp;amp;");
        _same(SafeText.inXml(""), "");
    }

    function test_jsonEscapesQuotesAndBackslashes() public pure {
        _same(SafeText.inJson('"\\u0041/'), '\\"\\\\u0041/');
    }

    /// Whatever is given, cleaning it once is enough, and no character is lost that may stay.
    function test_cleanTextStaysClean(bytes memory given) public pure {
        string memory once = SafeText.clean(string(given));
        _same(SafeText.clean(once), once);
    }

    function test_asciiIsKeptWordForWord(bytes memory given) public pure {
        for (uint256 i = 0; i < given.length; ++i) {
            given[i] = bytes1(uint8(0x20 + uint8(given[i]) % 0x5F));
        }
        _same(SafeText.clean(string(given)), string(given));
    }

    function test_linesBreakAtSpaces() public pure {
        string[] memory lines = TextLines.wrapped("one ten three four", 14, 2); // seven small letters
        vm.assertEq(lines.length, 2);
        _same(lines[0], "one ten");
        _same(lines[1], unicode"three…");
        lines = TextLines.wrapped("one ten three four", 13, 9);
        vm.assertEq(lines.length, 4);
        _same(lines[0], "one");
        _same(lines[1], "ten");
        lines = TextLines.wrapped("one ten three four", 100, 1);
        vm.assertEq(lines.length, 1);
        _same(lines[0], "one ten three four");
    }

    function test_longWordsAreBrokenBetweenCharacters() public pure {
        string[] memory lines = TextLines.wrapped(unicode"太陽能發電", 8, 9);
        vm.assertEq(lines.length, 3);
        _same(lines[0], unicode"太陽");
        _same(lines[1], unicode"能發");
        _same(lines[2], unicode"電");
        lines = TextLines.wrapped(unicode"🌞🌞éa", 1, 9); // at least one on each line
        vm.assertEq(lines.length, 4);
        _same(lines[0], unicode"🌞");
        _same(lines[2], unicode"é");
        vm.assertEq(TextLines.wrapped("", 8, 3).length, 0);
    }

    /// Nothing is lost or added but the spaces that lines break at.
    function test_linesHoldTheWholeText(bytes memory given, uint256 width) public pure {
        string memory text = SafeText.clean(string(given));
        width = bound(width, 4, 100);
        string[] memory lines = TextLines.wrapped(text, width, 1000);
        bytes memory left = bytes(text);
        uint256 place = 0;
        for (uint256 i = 0; i < lines.length; ++i) {
            bytes memory line = bytes(lines[i]);
            if (i != 0 && line.length != 0 && left[place] != line[0]) {
                vm.assertEq(bytes32(left[place++]), bytes32(" "));
            } else if (i != 0 && line.length == 0) {
                ++place;
            }
            for (uint256 k = 0; k < line.length; ++k) {
                vm.assertEq(bytes32(left[place++]), bytes32(line[k]));
            }
            _same(SafeText.clean(lines[i]), lines[i]); // no character was cut
        }
    }

    function test_widerTextIsSetSmaller() public pure {
        vm.assertEq(TextLines.fittedSize("abcd", 90, 100), 40);
        vm.assertEq(TextLines.fittedSize("ABCD", 91, 100), 28);
        vm.assertEq(TextLines.fittedSize("mW@%", 85, 100), 20);
        vm.assertEq(TextLines.fittedSize("abcd", 900, 50), 50);
        vm.assertEq(TextLines.fittedSize("", 900, 50), 50);
    }

    function _keeps(string memory text) internal pure {
        _cleans(text, text);
    }

    function _cleans(string memory given, string memory expected) internal pure {
        _same(SafeText.clean(given), expected);
    }

    /// One character is replaced by one.
    function _replaces(bytes memory character) internal pure {
        _cleans(string(bytes.concat("a", character, "b")), string.concat("a", REPLACED, "b"));
    }

    function _replacesEach(bytes memory given) internal pure {
        string memory expected = "";
        for (uint256 i = 0; i < given.length; ++i) {
            expected = string.concat(expected, REPLACED);
        }
        _cleans(string(given), expected);
        _cleans(string(bytes.concat("a", given, "b")), string.concat("a", expected, "b"));
    }

    function _same(string memory given, string memory expected) internal pure {
        vm.assertEq(keccak256(bytes(given)), keccak256(bytes(expected)));
    }
}
