// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalTime} from "../src/ledger/LocalTime.sol";
import {Test} from "./Vm.sol";

contract LocalTimeTest is Test {
    function test_knownDates() public pure {
        vm.assertEq(LocalTime.monthOf(0, 0), 197_001);
        vm.assertEq(LocalTime.monthOf(0, -1), 196_912);
        vm.assertEq(LocalTime.monthOf(951_782_400, 0), 200_002); // 2000-02-29, a leap century
        vm.assertEq(LocalTime.monthOf(951_868_800, 0), 200_003);
        vm.assertEq(LocalTime.monthOf(4_107_542_399, 0), 210_002); // 2100-02-28 23:59:59, no leap year
        vm.assertEq(LocalTime.monthOf(4_107_542_400, 0), 210_003);
        vm.assertEq(LocalTime.monthOf(1_767_196_799, 8 hours), 202_512);
        vm.assertEq(LocalTime.monthOf(1_767_196_800, 8 hours), 202_601); // 2026-01-01 00:00 in Hong Kong
        vm.assertTrue(LocalTime.yearStart(2026, 8 hours) == 1_767_196_800);
        vm.assertTrue(LocalTime.yearStart(1970, 0) == 0);
        vm.assertTrue(LocalTime.yearStart(1969, 0) == -365 days);
    }

    /// An instant lies in its month: from the month's first second to before the next month's.
    function test_anInstantLiesInItsMonth(uint256 instant, int256 offset) public pure {
        instant = bound(instant, 1 days, 4e11); // to the year 14 000
        int32 utcOffset = int32(offset % 14 hours);
        uint32 month = LocalTime.monthOf(instant, utcOffset);
        vm.assertTrue(month % 100 >= 1 && month % 100 <= 12);
        vm.assertTrue(LocalTime.monthStart(month, utcOffset) <= int256(instant));
        vm.assertTrue(
            int256(instant) < LocalTime.monthStart(LocalTime.monthAt(LocalTime.numberOf(month) + 1), utcOffset)
        );
    }

    /// Every month of a year begins a month's days after the one before; year 0 is a leap year like others.
    function test_monthsFollowEachOther() public pure {
        uint8[12] memory lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        uint32[4] memory sample = [uint32(0), 1900, 2024, 2026];
        for (uint256 i = 0; i < 4; ++i) {
            bool leap = sample[i] % 4 == 0 && sample[i] != 1900;
            int256 start = LocalTime.yearStart(sample[i], 0);
            for (uint32 month = 1; month <= 12; ++month) {
                vm.assertTrue(LocalTime.monthStart(sample[i] * 100 + month, 0) == start);
                start += int256(uint256(lengths[month - 1])) * 1 days;
                if (month == 2 && leap) start += 1 days;
            }
            vm.assertTrue(LocalTime.yearStart(sample[i] + 1, 0) == start);
        }
        vm.assertTrue(LocalTime.yearStart(0, 0) == -719_528 days); // 60 days before 1 March of year 0
    }

    /// Any vintage has a beginning and an end, a year apart.
    function test_aYearHas365Or366Days(uint16 year) public pure {
        int256 length = LocalTime.yearStart(uint256(year) + 1, 0) - LocalTime.yearStart(year, 0);
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        vm.assertTrue(length == (leap ? int256(366 days) : int256(365 days)));
    }
}
