// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FigureText} from "../src/credits/FigureText.sol";
import {IdentifierText} from "../src/registry/IdentifierText.sol";
import {Test} from "./Vm.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

contract FigureTextTest is Test {
    function test_groupsOfThreeDigits() public pure {
        _same(FigureText.grouped(0), "0");
        _same(FigureText.grouped(999), "999");
        _same(FigureText.grouped(1000), "1,000");
        _same(FigureText.grouped(1_208_925_819_614_629_174_706_175), "1,208,925,819,614,629,174,706,175");
    }

    function test_massIsExactInTheUnitThatSuitsIt() public pure {
        _same(FigureText.mass(1), "1 g");
        _same(FigureText.mass(999), "999 g");
        _same(FigureText.mass(1000), "1 kg");
        _same(FigureText.mass(2500), "2.5 kg");
        _same(FigureText.mass(999_999), "999.999 kg");
        _same(FigureText.mass(1_000_000), "1 t");
        _same(FigureText.mass(1_000_001), "1.000001 t");
        _same(FigureText.mass(12_345_678_900), "12,345.6789 t");
        _same(FigureText.tonnes(2500), "0.0025 t");
        _same(FigureText.tonnes(1), "0.000001 t");
    }

    /// A figure read back is the figure written.
    function test_decimalsLoseNothing(uint256 number, uint256 places) public pure {
        places = bound(places, 0, 18);
        number = bound(number, 0, type(uint80).max);
        bytes memory text = bytes(FigureText.decimal(number, places));
        uint256 read = 0;
        uint256 behind = 0;
        bool isBehind = false;
        for (uint256 i = 0; i < text.length; ++i) {
            if (text[i] == ".") {
                isBehind = true;
            } else if (text[i] != ",") {
                read = read * 10 + uint8(text[i]) - 0x30;
                if (isBehind) ++behind;
            }
        }
        vm.assertEq(read * 10 ** (places - behind), number);
    }

    function test_daysOfTheCalendar() public pure {
        _same(FigureText.day(0), "1970-01-01");
        _same(FigureText.day(1_780_272_000), "2026-06-01");
        _same(FigureText.day(1_780_272_000 - 1), "2026-05-31");
        _same(FigureText.day(1_709_164_800), "2024-02-29");
        _same(FigureText.day(4_102_444_799), "2099-12-31");
    }

    function test_identifiersAsText(uint256 length) public pure {
        _same(IdentifierText.toText("liuyang-1"), "liuyang-1");
        _same(IdentifierText.toText(0), "");
        bytes memory text = new bytes(bound(length, 1, 28));
        for (uint256 i = 0; i < text.length; ++i) {
            text[i] = bytes1(uint8(0x61 + i % 26));
        }
        _same(IdentifierText.toText(bytes32(text)), string(text));
    }

    function _same(string memory given, string memory expected) internal pure {
        vm.assertTrue(Strings.equal(given, expected));
    }
}
