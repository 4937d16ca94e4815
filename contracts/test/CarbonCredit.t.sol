// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICarbonCredit} from "../src/ICarbonCredit.sol";
import {Fixture} from "./Fixture.sol";
import {IERC1155Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

contract CarbonCreditTest is Fixture {
    uint256 internal id;

    function setUp() public override {
        super.setUp();
        id = credit.idOf(ROOFTOPS, VINTAGE);
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE)); // 6000 g
    }

    function test_idIsProjectAndVintage() public view {
        vm.assertEq(bytes32(id), bytes32(uint256(ROOFTOPS) + 2026));
    }

    function test_retiresForABeneficiary() public {
        vm.expectEmit(true, true, true, true, address(credit));
        emit ICarbonCredit.Retired(1, OWNER, STRANGER, id, 2500, "flight CX255");
        vm.prank(OWNER);
        uint256 retirementId = credit.retire(id, 2500, STRANGER, "flight CX255");
        vm.assertEq(retirementId, 1);
        vm.assertEq(credit.balanceOf(OWNER, id), 3500);
        vm.assertEq(credit.retired(id), 2500);
        vm.prank(OWNER);
        vm.assertEq(credit.retire(id, 3500, OWNER, ""), 2);
        vm.assertEq(credit.retirementCount(), 2);
    }

    /// Invariant: issuedIsSupplyPlusRetired. And a retirement makes no room for minting again.
    function test_issuedIsSupplyPlusRetired(uint256 grams, uint256 moreWh) public {
        grams = bound(grams, 1, 6000);
        moreWh = bound(moreWh, 0, 100_000);
        vm.prank(OWNER);
        credit.retire(id, grams, OWNER, "2026 footprint");
        vm.assertEq(credit.issued(id), 6000);
        vm.assertEq(credit.totalSupply(id), 6000 - grams);
        _publishAndSettle(_statement(SHATIN, 10_000 + moreWh, 0, JUNE));
        vm.assertEq(credit.issued(id), (10_000 + moreWh) * 600 / 1000);
        vm.assertEq(credit.totalSupply(id) + credit.retired(id), credit.issued(id));
        vm.assertEq(credit.balanceOf(OWNER, id), credit.totalSupply(id));
    }

    function test_refusesWhatCannotBeRetired() public {
        vm.expectRevert(
            abi.encodeWithSelector(IERC1155Errors.ERC1155InsufficientBalance.selector, OWNER, 6000, 6001, id)
        );
        vm.prank(OWNER);
        credit.retire(id, 6001, OWNER, "");
        vm.expectRevert(abi.encodeWithSelector(IERC1155Errors.ERC1155InsufficientBalance.selector, STRANGER, 0, 1, id));
        vm.prank(STRANGER); // somebody else's are not theirs to retire
        credit.retire(id, 1, STRANGER, "");
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.NothingToRetire.selector));
        vm.prank(OWNER);
        credit.retire(id, 0, OWNER, "");
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.BeneficiaryMissing.selector));
        vm.prank(OWNER);
        credit.retire(id, 1, address(0), "");
    }
}
