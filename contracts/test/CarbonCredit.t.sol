// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICarbonCredit, Issuance, Purpose, Retirement} from "../src/credits/ICarbonCredit.sol";
import {Correction} from "../src/ledger/Marks.sol";
import {Asset} from "../src/registry/IAssetRegistry.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {Fixture} from "./Fixture.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC1155Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

/// A beneficiary that refuses ERC-1155 tokens.
contract Refuser {
    fallback() external {
        revert();
    }
}

/// Vault, buffer, reversals and retirement of credits.
contract CarbonCreditTest is Fixture {
    uint256 internal id;

    function setUp() public override {
        super.setUp();
        id = _id();
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE)); // 6000 g: 5400 in the vault, 600 in the buffer
    }

    function test_idIsProjectAndVintage() public view {
        vm.assertEq(bytes32(id), bytes32(uint256(ROOFTOPS) + 2026));
    }

    function test_theVaultGivesTheBeneficiaryItsOwn() public {
        vm.assertEq(credit.balanceOf(address(credit), id), 5400);
        vm.assertEq(credit.balanceOf(credit.BUFFER(), id), 600);
        vm.expectEmit(true, true, true, true, address(credit));
        emit ICarbonCredit.Drawn(SHATIN, VINTAGE, STRANGER, 400);
        vm.prank(OWNER);
        credit.draw(SHATIN, VINTAGE, 400, STRANGER);
        vm.assertEq(credit.balanceOf(STRANGER, id), 400);
        vm.assertEq(credit.inVault(SHATIN, VINTAGE), 5000);
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.MoreThanInVault.selector, 5000, 5001));
        vm.prank(OWNER);
        credit.draw(SHATIN, VINTAGE, 5001, OWNER);
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.NotBeneficiary.selector, STRANGER, OWNER));
        vm.prank(STRANGER);
        credit.draw(SHATIN, VINTAGE, 1, STRANGER);
    }

    /// Invariant: vaultIsTheSumOfItsAssets. Whatever is settled in whatever parts: no gram between owners and buffer is lost.
    function test_vaultIsTheSumOfItsAssets(uint256 seed) public {
        for (uint256 i = 0; i < 4; ++i) {
            bytes32 assetId = draw(seed, i, 0, 1) == 0 ? SHATIN : LAMMA;
            uint256 reversed = draw(seed, 10 + i, 0, 3) == 0 ? draw(seed, 20 + i, 0, 20_000) : 0;
            _publishAndSettle(_statement(assetId, draw(seed, 30 + i, 20_000, 500_000), reversed, JUNE));
            uint256 available = credit.inVault(assetId, VINTAGE);
            vm.prank(OWNER);
            credit.draw(assetId, VINTAGE, draw(seed, 40 + i, 0, available), STRANGER);
            vm.assertEq(
                credit.balanceOf(address(credit), id), credit.inVault(SHATIN, VINTAGE) + credit.inVault(LAMMA, VINTAGE)
            );
            uint256 buffered = credit.balanceOf(credit.BUFFER(), id);
            uint256 owners = credit.balanceOf(address(credit), id) + credit.balanceOf(STRANGER, id);
            vm.assertEq(buffered + owners, credit.totalSupply(id));
            vm.assertGe(buffered * 10, credit.totalSupply(id)); // its share is rounded up
            vm.assertLe(buffered * 10, credit.totalSupply(id) + 20);
        }
    }

    /// A share set later is for ids that are not minted yet.
    function test_theBufferShareIsFixedAtAnIdsFirstMint() public {
        vm.expectEmit(true, true, true, true, address(credit));
        emit ICarbonCredit.BufferShareSet(ROOFTOPS, 5000);
        credit.setBufferShare(ROOFTOPS, 5000);
        _publishAndSettle(_statement(SHATIN, 20_000, 0, JUNE));
        vm.assertEq(credit.inVault(SHATIN, VINTAGE), 10_800);
        vm.warp(JUNE + 365 days);
        Statement memory next = _statement(SHATIN, 10_000, 0, JUNE + 365 days);
        next.vintage = 2027;
        _publishAndSettle(next);
        vm.assertEq(credit.inVault(SHATIN, 2027), 3000);
        vm.assertEq(credit.bufferShareBps(ROOFTOPS), 5000);
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.ShareOutOfRange.selector, 10_001));
        credit.setBufferShare(ROOFTOPS, 10_001);
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.UnknownProject.selector, bytes32("nothing")));
        credit.setBufferShare("nothing", 1);
        credit.setBufferShare(ROOFTOPS, 10_000);
    }

    /// A reversal takes nothing from holders: later issuance of the project makes up for it first, whichever asset's it is.
    function test_aReversalOffsetsLaterIssuanceOfTheProject() public {
        _publishAndSettle(_statement(SHATIN, 10_000, 4000, JUNE));
        vm.assertEq(credit.unapplied(id), 2400);
        vm.assertEq(credit.totalSupply(id), 6000);
        _publishAndSettle(_statement(LAMMA, 3000, 0, JUNE)); // 1800 g, none minted
        vm.assertEq(credit.unapplied(id), 600);
        vm.assertEq(credit.totalSupply(id), 6000);
        vm.assertEq(credit.inVault(LAMMA, VINTAGE), 0);
        (, Correction memory correction) = ledger.markOf(LAMMA, VINTAGE);
        vm.assertEq(correction.creditsOffsetG, 1800);
        _publishAndSettle(_statement(SHATIN, 12_000, 4000, JUNE)); // 1200 g, half of it minted
        vm.assertEq(credit.unapplied(id), 0);
        vm.assertEq(credit.totalSupply(id), 6600);
        vm.assertEq(credit.inVault(SHATIN, VINTAGE), 5940);
    }

    /// What no issuance has made up for may be burned from the buffer, by its keeper, and no more.
    function test_theBufferCoversAReversal() public {
        _publishAndSettle(_statement(SHATIN, 10_000, 1500, JUNE)); // 900 g
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.MoreThanUnapplied.selector, 900, 901));
        vm.prank(KEEPER);
        credit.cancelFromBuffer(id, 901);
        vm.expectRevert(
            abi.encodeWithSelector(IERC1155Errors.ERC1155InsufficientBalance.selector, credit.BUFFER(), 600, 900, id)
        );
        vm.prank(KEEPER);
        credit.cancelFromBuffer(id, 900);
        vm.expectEmit(true, true, true, true, address(credit));
        emit ICarbonCredit.BufferCancelled(id, 600);
        vm.prank(KEEPER);
        credit.cancelFromBuffer(id, 600);
        vm.assertEq(credit.unapplied(id), 300);
        vm.assertEq(credit.totalSupply(id), 5400);
        vm.assertEq(credit.inVault(SHATIN, VINTAGE), 5400); // its owner lost nothing
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, OWNER));
        vm.prank(OWNER);
        credit.cancelFromBuffer(id, 1);
        // What comes later makes up for the rest, not for what the buffer has covered.
        _publishAndSettle(_statement(SHATIN, 11_000, 1500, JUNE));
        vm.assertEq(credit.totalSupply(id), 5700);
        vm.assertEq(credit.unapplied(id), 0);
    }

    function test_retiresForABeneficiary() public {
        _drawAll();
        vm.expectEmit(true, true, true, true, address(credit));
        emit ICarbonCredit.Retired(1, OWNER, STRANGER, id, 2500, "flight CX255");
        vm.prank(OWNER);
        vm.assertEq(credit.retire(id, 2500, _note(STRANGER, "flight CX255")), 1);
        vm.assertEq(credit.balanceOf(OWNER, id), 2900);
        Retirement memory first = credit.retirement(1);
        vm.assertEq(first.id, id);
        vm.assertEq(first.grams, 2500);
        vm.assertEq(first.firstSerial, 1);
        vm.assertEq(first.holder, OWNER);
        vm.assertEq(first.beneficiary, STRANGER);
        vm.assertEq(first.retiredAt, JUNE);
        vm.assertEq(bytes32(bytes(first.purpose)), bytes32("flight CX255"));
        vm.prank(OWNER);
        vm.assertEq(credit.retire(id, 2900, _note(OWNER, "")), 2);
        vm.assertEq(credit.retirement(2).firstSerial, 2501);
        vm.assertEq(credit.retirementCount(), 2);
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.UnknownRetirement.selector, 3));
        credit.retirement(3);
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.UnknownRetirement.selector, 0));
        credit.retirement(0);
    }

    /// What was burned from the buffer has its place in the issuance log too: serials never overlap.
    function test_serialsFollowWhatIsGone() public {
        _drawAll();
        _publishAndSettle(_statement(SHATIN, 10_000, 500, JUNE)); // 300 g
        vm.prank(KEEPER);
        credit.cancelFromBuffer(id, 300);
        vm.prank(OWNER);
        credit.retire(id, 10, _note(OWNER, ""));
        vm.assertEq(credit.retirement(1).firstSerial, 301);
    }

    function test_retiresForAnotherHolderWithItsApproval() public {
        _drawAll();
        vm.expectRevert(abi.encodeWithSelector(IERC1155Errors.ERC1155MissingApprovalForAll.selector, STRANGER, OWNER));
        vm.prank(STRANGER);
        credit.retireFrom(OWNER, id, 1, _note(STRANGER, ""));
        vm.prank(OWNER);
        credit.setApprovalForAll(STRANGER, true);
        vm.prank(STRANGER);
        credit.retireFrom(OWNER, id, 5400, _note(STRANGER, "on behalf"));
        vm.assertEq(credit.retirement(1).holder, OWNER);
        vm.assertEq(credit.balanceOf(OWNER, id), 0);
    }

    /// Invariant: retiredNeverFalls. And a retirement makes no room for minting again.
    function test_retiredNeverFalls(uint256 grams, uint256 moreWh) public {
        _drawAll();
        grams = bound(grams, 1, 5400);
        moreWh = bound(moreWh, 0, 100_000);
        vm.prank(OWNER);
        credit.retire(id, grams, _note(OWNER, "2026 footprint"));
        vm.assertEq(credit.issuanceOf(ROOFTOPS, VINTAGE).retired, grams);
        _publishAndSettle(_statement(SHATIN, 10_000 + moreWh, 0, JUNE));
        Issuance memory of_ = credit.issuanceOf(ROOFTOPS, VINTAGE);
        vm.assertEq(of_.retired, grams);
        vm.assertEq(of_.issued, (10_000 + moreWh) * 600 / 1000);
        vm.assertEq(credit.totalSupply(id) + grams, of_.issued);
    }

    function test_refusesWhatCannotBeRetired() public {
        _drawAll();
        vm.expectRevert(
            abi.encodeWithSelector(IERC1155Errors.ERC1155InsufficientBalance.selector, OWNER, 5400, 5401, id)
        );
        vm.prank(OWNER);
        credit.retire(id, 5401, _note(OWNER, ""));
        vm.expectRevert(abi.encodeWithSelector(IERC1155Errors.ERC1155InsufficientBalance.selector, STRANGER, 0, 1, id));
        vm.prank(STRANGER); // somebody else's are not theirs to retire
        credit.retire(id, 1, _note(STRANGER, ""));
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.NothingToRetire.selector));
        vm.prank(OWNER);
        credit.retire(id, 0, _note(OWNER, ""));
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.BeneficiaryMissing.selector));
        vm.prank(OWNER);
        credit.retire(id, 1, _note(address(0), ""));
    }

    /// A beneficiary is named, or its name is hashed, or neither; and texts have a length.
    function test_namesAreOptIn() public {
        _drawAll();
        Purpose memory note = Purpose(STRANGER, keccak256("salted"), "", "");
        vm.prank(OWNER);
        credit.retire(id, 1, note);
        vm.assertEq(credit.retirement(1).nameHash, keccak256("salted"));
        note.name = "Kowloon Bakery";
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.NameAndHash.selector));
        vm.prank(OWNER);
        credit.retire(id, 1, note);
        note.nameHash = bytes32(0);
        note.name = string(new bytes(128));
        note.purpose = string(new bytes(512));
        vm.prank(OWNER);
        credit.retire(id, 1, note);
        note.purpose = string(new bytes(513));
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.TextTooLong.selector, 513, 512));
        vm.prank(OWNER);
        credit.retire(id, 1, note);
        note.name = string(new bytes(129));
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.TextTooLong.selector, 129, 128));
        vm.prank(OWNER);
        credit.retire(id, 1, note);
    }

    /// One bad byte would stop every strict reader of the event.
    function test_textsAreUtf8() public {
        _drawAll();
        bytes[3] memory broken = [bytes(hex"80"), hex"c3", hex"eda080"];
        for (uint256 i = 0; i < broken.length; ++i) {
            Purpose memory note = _note(OWNER, string(broken[i]));
            vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.InvalidText.selector));
            vm.prank(OWNER);
            credit.retire(id, 1, note);
            (note.purpose, note.name) = ("", string(broken[i]));
            vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.InvalidText.selector));
            vm.prank(OWNER);
            credit.retire(id, 1, note);
        }
        vm.prank(OWNER);
        credit.retire(id, 1, Purpose(OWNER, bytes32(0), unicode"九龍麵包", unicode"碳中和 ☀"));
    }

    /// Invariant: pausingNeverBlocksRetire. All pauses at once stop transfers and drawing, and no retirement.
    function test_pausingNeverBlocksRetire() public {
        _drawAll();
        _publishAndSettle(_statement(SHATIN, 20_000, 0, JUNE));
        vm.prank(WATCHMAN);
        ledger.pauseSettling();
        vm.prank(WATCHMAN);
        oracle.pausePublishing();
        vm.expectEmit(true, true, true, true, address(credit));
        emit ICarbonCredit.TransfersPaused(true);
        vm.prank(WATCHMAN);
        credit.pauseTransfers();
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.TransfersArePaused.selector));
        vm.prank(OWNER);
        credit.safeTransferFrom(OWNER, STRANGER, id, 1, "");
        vm.expectRevert(abi.encodeWithSelector(ICarbonCredit.TransfersArePaused.selector));
        vm.prank(OWNER);
        credit.draw(SHATIN, VINTAGE, 1, OWNER);
        vm.prank(OWNER);
        credit.retire(id, 5400, _note(OWNER, "never blocked"));
        vm.assertEq(credit.issuanceOf(ROOFTOPS, VINTAGE).retired, 5400);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, WATCHMAN));
        vm.prank(WATCHMAN);
        credit.resumeTransfers();
        credit.resumeTransfers();
        vm.prank(OWNER);
        credit.draw(SHATIN, VINTAGE, 1, OWNER);
    }

    /// Invariant: guardianNeverRaisesSupply. It calls everything there is, and may only stop.
    function test_guardianNeverRaisesSupply() public {
        uint256 supply = credit.totalSupply(id);
        bytes[5] memory onLedger = [
            abi.encodeCall(ledger.setRateLimit, (ROOFTOPS, 1, 1)),
            abi.encodeCall(ledger.seal, (ROOFTOPS, VINTAGE)),
            abi.encodeCall(ledger.setCredit, (credit)),
            abi.encodeCall(ledger.resumeSettling, ()),
            abi.encodeCall(ledger.settle, (9, _one(_statement(SHATIN, 20_000, 0, JUNE))))
        ];
        bytes[4] memory onCredit = [
            abi.encodeCall(credit.issue, (ROOFTOPS, VINTAGE, 1, 0, 0, 1)),
            abi.encodeCall(credit.setBufferShare, (ROOFTOPS, 0)),
            abi.encodeCall(credit.cancelFromBuffer, (id, 0)),
            abi.encodeCall(credit.resumeTransfers, ())
        ];
        for (uint256 i = 0; i < onLedger.length + onCredit.length; ++i) {
            bool first = i < onLedger.length;
            vm.prank(WATCHMAN);
            (bool done,) =
                (first ? address(ledger) : address(credit)).call(first ? onLedger[i] : onCredit[i - onLedger.length]);
            vm.assertFalse(done);
        }
        vm.assertEq(credit.totalSupply(id), supply);
    }

    /// Minting asks no receiver: an owner that refuses tokens stops nobody's batch, and draws none.
    function test_aBeneficiaryCannotRefuse() public {
        Asset memory asset = _asset(ROOFTOPS);
        asset.beneficiary = address(new Refuser());
        registry.setAsset(SHATIN, asset);
        _publishAndSettle(_statement(SHATIN, 20_000, 0, JUNE));
        vm.assertEq(credit.inVault(SHATIN, VINTAGE), 10_800);
        vm.expectRevert();
        vm.prank(asset.beneficiary);
        credit.draw(SHATIN, VINTAGE, 1, asset.beneficiary);
        vm.prank(asset.beneficiary);
        credit.draw(SHATIN, VINTAGE, 1, OWNER);
    }

    function test_suppliesOfNothingAreZero() public view {
        vm.assertEq(credit.totalSupply(1), 0);
        vm.assertEq(credit.unapplied(1), 0);
        vm.assertEq(credit.inVault("nobody", VINTAGE), 0);
    }

    function _note(address beneficiary, string memory purpose) internal pure returns (Purpose memory) {
        return Purpose(beneficiary, bytes32(0), "", purpose);
    }

    function _drawAll() internal {
        vm.prank(OWNER);
        credit.draw(SHATIN, VINTAGE, 5400, OWNER);
    }
}
