// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalTime} from "../ledger/LocalTime.sol";
import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// Figures as people read them, to the last gram.
library FigureText {
    using Strings for uint256;

    /// 1234567 -> 1,234,567
    function grouped(uint256 number) internal pure returns (string memory) {
        bytes memory digits = bytes(number.toString());
        bytes memory text = new bytes(digits.length + (digits.length - 1) / 3);
        uint256 length = 0;
        for (uint256 i = 0; i < digits.length; ++i) {
            if (i != 0 && (digits.length - i) % 3 == 0) text[length++] = ",";
            text[length++] = digits[i];
        }
        return string(text);
    }

    /// 1234500, 3 -> 1,234.5
    function decimal(uint256 number, uint256 places) internal pure returns (string memory) {
        uint256 unit = 10 ** places;
        uint256 fraction = number % unit;
        string memory whole = grouped(number / unit);
        if (fraction == 0) return whole;
        bytes memory digits = bytes((unit + fraction).toString()); // a 1, then all places
        uint256 end = digits.length;
        while (digits[end - 1] == "0") --end;
        return string.concat(whole, ".", string(Bytes.slice(digits, 1, end)));
    }

    /// Grams in the unit that suits them: 999 g, 2.5 kg, 1.234567 t.
    function mass(uint256 grams) internal pure returns (string memory) {
        if (grams < 1e3) return string.concat(grams.toString(), " g");
        if (grams < 1e6) return string.concat(decimal(grams, 3), " kg");
        return tonnes(grams);
    }

    /// 2500 -> 0.0025 t
    function tonnes(uint256 grams) internal pure returns (string memory) {
        return string.concat(decimal(grams, 6), " t");
    }

    /// The day of an instant [s UTC]: 2026-06-01.
    function day(uint256 instant) internal pure returns (string memory) {
        uint32 month = LocalTime.monthOf(instant, 0);
        uint256 dayOfMonth = (instant - uint256(LocalTime.monthStart(month, 0))) / 1 days + 1;
        return string.concat(uint256(month / 100).toString(), "-", _twoDigits(month % 100), "-", _twoDigits(dayOfMonth));
    }

    function _twoDigits(uint256 number) private pure returns (string memory) {
        return string.concat(number < 10 ? "0" : "", number.toString());
    }
}
