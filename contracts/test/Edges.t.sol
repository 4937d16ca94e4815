// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICarbonCredit} from "../src/credits/ICarbonCredit.sol";
import {Hold, IMarkLedger} from "../src/ledger/IMarkLedger.sol";
import {MarkLedger} from "../src/ledger/MarkLedger.sol";
import {Correction, Mark} from "../src/ledger/Marks.sol";
import {AssetRegistry} from "../src/registry/AssetRegistry.sol";
import {Asset, ClaimRight, IAssetRegistry, Project} from "../src/registry/IAssetRegistry.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {Fixture} from "./Fixture.sol";

/// Of forge: writes a slot.
interface StoreVm {
    function store(address target, bytes32 slot, bytes32 word) external;
    function load(address target, bytes32 slot) external view returns (bytes32);
}

/// What is refused or settled at the far ends of what can be said.
contract EdgesTest is Fixture {
    function test_aLedgerWithoutItsCreditSettlesNothing() public {
        AssetRegistry empty = new AssetRegistry(address(manager));
        MarkLedger bare = new MarkLedger(address(manager), empty);
        empty.setHome(address(bare));
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.CreditMissing.selector));
        bare.settle(1, new Statement[](0));

        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.CreditMissing.selector));
        bare.setCredit(ICarbonCredit(address(0)));
        bare.setCredit(credit);
        bare.settle(1, new Statement[](0));
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.CreditIsSet.selector, credit));
        bare.setCredit(credit);
    }

    function test_aProjectHasACurrency() public {
        Project memory project = _project(ClaimRight.None);
        project.currency = address(0);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.ZeroAddress.selector));
        registry.setProject("moneyless", project);
    }

    /// Projects are numbered in 16 bits.
    function test_projectsHaveNumbersOf16Bits() public {
        StoreVm cheat = StoreVm(address(vm));
        bytes32 slot = _slotOfProjectCount(cheat);
        cheat.store(address(registry), slot, bytes32(uint256(type(uint16).max)));
        registry.setProject("the-last", _project(ClaimRight.None));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.TooManyProjects.selector));
        registry.setProject("one-too-many", _project(ClaimRight.None));
        registry.setProject("the-last", _project(ClaimRight.Credit)); // known already
    }

    /// The ledger is trusted to say what is new, not to mint what it has not issued, nor to make up for no reversal.
    function test_nothingIsIssuedOutOfBalance() public {
        bytes memory refusal = abi.encodeWithSelector(ICarbonCredit.IssuedOutOfBalance.selector, _id());
        vm.prank(address(ledger));
        vm.expectRevert(refusal);
        credit.issue(ROOFTOPS, VINTAGE, 10, 0, 1, 0); // an offset of nothing
        vm.prank(address(ledger));
        vm.expectRevert(refusal);
        credit.issue(ROOFTOPS, VINTAGE, 10, 5, 5, 6); // more to the vault than is left
        vm.prank(address(ledger));
        credit.issue(ROOFTOPS, VINTAGE, 10, 5, 5, 5);
        vm.assertEq(credit.totalSupply(_id()), 5);
        vm.prank(address(ledger));
        vm.expectRevert(refusal);
        credit.issue(ROOFTOPS, VINTAGE, 10, 0, 1, 9); // what was reversed has been made up for
    }

    /// Invariant: settledStaysUnderTheCeilings, also before an asset with a new nameplate was commissioned.
    function test_noEnergyBeforeCommissioningWhateverTheNameplate() public {
        Asset memory asset = _asset(ROOFTOPS);
        asset.nameplateW = 2 * NAMEPLATE_W;
        registry.setAsset(SHATIN, asset);
        Statement memory statement = _statement(SHATIN, 1, 0, NEW_YEAR);
        _publishAndSettle(statement);
        vm.assertEq(_mark(SHATIN).energyWh, 0);
        statement.cutoff = NEW_YEAR + 1;
        _publishAndSettle(statement);
        vm.assertEq(_mark(SHATIN).energyWh, 1);
    }

    /// A cutoff before its vintage gives no room for energy; what was reversed again needs none. It is January's.
    function test_aCutoffBeforeItsVintageIsJanuarys() public {
        _publishAndSettle(_statement(SHATIN, 1000, 1000, NEW_YEAR - 2 days));
        vm.assertEq(ledger.firstMonth(SHATIN), 202_601);
        _publishAndSettle(_statement(SHATIN, 2000, 2000, NEW_YEAR - 1 days));
        (Mark memory mark, Correction memory correction) = ledger.markOf(SHATIN, VINTAGE);
        vm.assertEq(mark.month, 0);
        vm.assertEq(mark.energyWh, 2000);
        vm.assertEq(correction.energyReversedWh, 2000);
        vm.assertEq(mark.cutoff, NEW_YEAR - 1 days);
    }

    function test_theTestDollarHasMillionths() public view {
        vm.assertEq(hkd.decimals(), 6);
    }

    /// The slot that grows by one with each project, and holds how many there are.
    function _slotOfProjectCount(StoreVm cheat) private returns (bytes32) {
        uint256 known = 2; // ROOFTOPS and FEED_IN
        for (uint256 slot = 0; slot < 16; ++slot) {
            if (uint256(cheat.load(address(registry), bytes32(slot))) != known) continue;
            uint256 snapshot = vm.snapshotState();
            registry.setProject("counted", _project(ClaimRight.None));
            bool grew = uint256(cheat.load(address(registry), bytes32(slot))) == known + 1;
            vm.revertToState(snapshot);
            if (grew) return bytes32(slot);
        }
        revert();
    }
}
