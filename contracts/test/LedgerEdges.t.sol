// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICarbonCredit} from "../src/credits/ICarbonCredit.sol";
import {Hold, IMarkLedger} from "../src/ledger/IMarkLedger.sol";
import {MarkLedger} from "../src/ledger/MarkLedger.sol";
import {Mark} from "../src/ledger/Marks.sol";
import {RateLimit} from "../src/ledger/RateLimit.sol";
import {AssetRegistry} from "../src/registry/AssetRegistry.sol";
import {Asset, AssetStatus} from "../src/registry/IAssetRegistry.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {Fixture} from "./Fixture.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// Who may do what to the ledger, and what it does at the edge of a month, a limit, an asset's life.
contract LedgerEdgesTest is Fixture {
    uint64 private constant JULY = JUNE + 30 days;

    /// Invariant: onlyRolesChangeTheLedger.
    function test_onlyRolesChangeTheLedger() public {
        _refused(abi.encodeCall(IMarkLedger.setCredit, (credit)), address(ledger));
        _refused(abi.encodeCall(IMarkLedger.seal, (ROOFTOPS, VINTAGE)), address(ledger));
        _refused(abi.encodeCall(IMarkLedger.setRateLimit, (ROOFTOPS, 1, 1)), address(ledger));
        _refused(abi.encodeCall(IMarkLedger.pauseSettling, ()), address(ledger));
        _refused(abi.encodeCall(IMarkLedger.resumeSettling, ()), address(ledger));
        _refused(abi.encodeCall(IMarkLedger.settle, (1, new Statement[](0))), address(ledger));
        // Nor may anybody name the token of a ledger that has none yet.
        MarkLedger bare = new MarkLedger(address(manager), new AssetRegistry(address(manager)));
        _refused(abi.encodeCall(IMarkLedger.setCredit, (credit)), address(bare));
        vm.assertEq(address(bare.credit()), address(0));
    }

    /// Invariant: onlyRolesChangeTheCredit.
    function test_onlyRolesChangeTheCredit() public {
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE));
        _refused(abi.encodeCall(ICarbonCredit.setBufferShare, (ROOFTOPS, 0)), address(credit));
        _refused(abi.encodeCall(ICarbonCredit.cancelFromBuffer, (_id(), 1)), address(credit));
        _refused(abi.encodeCall(ICarbonCredit.pauseTransfers, ()), address(credit));
        _refused(abi.encodeCall(ICarbonCredit.resumeTransfers, ()), address(credit));
    }

    /// A vintage of a project is counted once in a batch, wherever its statements stand: what makes up for a reversal does
    /// so once.
    function test_aVintageIsCountedOnceInABatch() public {
        manager.grantRole(SETTLER, address(this), 0);
        vm.warp(NEW_YEAR + 405 days);
        ledger.settle(1, _one(_statement(SHATIN, 10_000, 0, JUNE))); // 6000 g
        ledger.settle(2, _one(_statement(SHATIN, 10_000, 5000, JUNE)));
        vm.assertEq(credit.unapplied(_id()), 3000);
        Statement[] memory three = new Statement[](3);
        three[0] = _statement(LAMMA, 5000, 0, JUNE); // 3000 g, all of which make up
        three[1] = _statement(SHATIN, 100, 0, NEW_YEAR + 400 days);
        three[1].vintage = 2027;
        three[2] = _statement(SHATIN, 12_000, 5000, JUNE); // 1200 g, which nothing waits for any more
        ledger.settle(3, three);
        vm.assertEq(credit.unapplied(_id()), 0);
        vm.assertEq(credit.totalSupply(_id()), 7200);
    }

    /// The last month of an asset that is not active any more ends, though nothing more is issued for it.
    function test_theLastMonthOfAnInactiveAssetEnds(bool retired) public {
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE));
        vm.assertEq(_mark(SHATIN).month, 4);
        Asset memory asset = _asset(ROOFTOPS);
        asset.status = retired ? AssetStatus.Retired : AssetStatus.Suspended;
        registry.setAsset(SHATIN, asset);
        vm.warp(JULY);
        _held(_publish(_one(_statement(SHATIN, 20_000, 0, JULY))), SHATIN, Hold.NotActive);
        vm.assertEq(_mark(SHATIN).month, 5);
        vm.assertEq(_mark(SHATIN).energyWh, 10_000);
        vm.assertEq(_mark(SHATIN).cutoff, JUNE);
    }

    /// An asset that moved away is nothing of this ledger's any more.
    function test_anAssetThatMovedAwayIsForeign() public {
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE));
        Asset memory asset = _asset(ROOFTOPS);
        asset.status = AssetStatus.Elsewhere;
        registry.setAsset(SHATIN, asset);
        vm.warp(JULY);
        _held(_publish(_one(_statement(SHATIN, 20_000, 0, JULY))), SHATIN, Hold.Foreign);
        vm.assertEq(_mark(SHATIN).month, 4);
        _held(_publish(_one(_statement(SHATIN, 10_000, 0, JULY))), SHATIN, Hold.Foreign);
        vm.assertEq(_mark(SHATIN).cutoff, JUNE);
    }

    /// What is settled again counts by what is new of it.
    function test_theBucketTakesWhatIsNew() public {
        ledger.setRateLimit(ROOFTOPS, 24_000, 10_000);
        _publishAndSettle(_statement(SHATIN, 5000, 0, JUNE));
        _publishAndSettle(_statement(SHATIN, 7000, 0, JUNE));
        vm.assertEq(ledger.rateLimitOf(ROOFTOPS).levelWh, 7000);
        vm.assertEq(_mark(SHATIN).energyWh, 7000);
    }

    /// What is in the bucket leaves that much less room to the next batch.
    function test_whatIsInTheBucketTakesRoom() public {
        ledger.setRateLimit(ROOFTOPS, 24_000, 10_000);
        _publishAndSettle(_statement(SHATIN, 6000, 0, JUNE));
        Statement[] memory two = new Statement[](2);
        two[0] = _statement(LAMMA, 4000, 0, JUNE);
        two[1] = _statement(SHATIN, 7000, 0, JUNE);
        _settle(_publish(two));
        // One of them fills it, whichever is first among the leaves.
        vm.assertEq(ledger.rateLimitOf(ROOFTOPS).levelWh, uint256(_mark(SHATIN).energyWh) + _mark(LAMMA).energyWh);
        vm.assertEq(_mark(LAMMA).energyWh, 4000);
        vm.assertEq(_mark(SHATIN).energyWh, 6000);
    }

    /// A project without a limit has no bucket; a limit that is set begins with an empty one.
    function test_aProjectWithoutALimitHasNoBucket() public {
        _publishAndSettle(_statement(SHATIN, 6000, 0, JUNE));
        RateLimit memory limit = ledger.rateLimitOf(ROOFTOPS);
        vm.assertEq(limit.levelWh, 0);
        vm.assertEq(limit.since, 0);
    }

    /// Credits that made up for a reversal were never minted, so they do not count for how the next are shared.
    function test_theVaultHasItsShareOfWhatIsMinted() public {
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE)); // 6000 g
        _publishAndSettle(_statement(SHATIN, 10_010, 5, JUNE)); // 6 g more, 3 g of which make up for 3 g
        _publishAndSettle(_statement(SHATIN, 10_020, 5, JUNE)); // 6 g more
        vm.assertEq(credit.totalSupply(_id()), 6009);
        vm.assertEq(credit.inVault(SHATIN, VINTAGE), 5408); // nine tenths of 6009, rounded down
        vm.assertEq(credit.balanceOf(address(credit), _id()), 5408);
    }

    /// The last second of 32 bits is a cutoff like others.
    function test_theLastCutoffIsThatOf32Bits() public {
        manager.grantRole(SETTLER, address(this), 0);
        vm.warp(1 << 32);
        Statement memory statement = _statement(SHATIN, 1, 0, type(uint32).max);
        statement.vintage = 2106;
        ledger.settle(1, _one(statement));
        (Mark memory mark,) = ledger.markOf(SHATIN, 2106);
        vm.assertEq(mark.cutoff, type(uint32).max);
        (statement.energyIssuedWh, statement.cutoff) = (2, 1 << 32);
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IMarkLedger.Skipped(_keyOf(SHATIN, 2106), Hold.CutoffInFuture);
        ledger.settle(2, _one(statement));
    }

    /// A statement has its own calendar, whatever its neighbours in a batch ask of it: the cutoff,
    function test_eachCutoffHasItsMonth() public {
        Statement[] memory two = new Statement[](2);
        two[0] = _statement(SHATIN, 1000, 0, MAY);
        two[1] = _statement(LAMMA, 1000, 0, JUNE);
        _settle(_publish(two));
        vm.assertEq(_mark(SHATIN).month, 3);
        vm.assertEq(_mark(LAMMA).month, 4);
    }

    /// the vintage,
    function test_eachVintageHasItsYear() public {
        uint64 cutoff = NEW_YEAR + 365 days + 1 hours; // 2 kWh of sun, and a quantum
        vm.warp(cutoff);
        Statement[] memory two = new Statement[](2);
        two[0] = _statement(SHATIN, 100_000, 0, cutoff);
        two[1] = _statement(LAMMA, 3001, 0, cutoff);
        two[1].vintage = 2027;
        _settle(_publish(two));
        vm.assertEq(_mark(SHATIN).energyWh, 100_000);
        (Mark memory mark,) = ledger.markOf(LAMMA, 2027);
        vm.assertEq(mark.energyWh, 0);
        two[1].energyIssuedWh = 3000;
        (two[1].creditsIssuedG, two[1].revenueIssuedMinor) = (1800, 9_000_000);
        _settle(_publish(two));
        (mark,) = ledger.markOf(LAMMA, 2027);
        vm.assertEq(mark.energyWh, 3000);
    }

    /// and the offset.
    function test_eachOffsetHasItsMonth() public {
        Asset memory utc = _asset(ROOFTOPS);
        utc.utcOffset = 0;
        registry.setAsset("greenwich", utc);
        uint64 cutoff = JUNE + 1 hours; // June in Hong Kong, the last of May in Greenwich
        vm.warp(cutoff);
        Statement[] memory two = new Statement[](2);
        two[0] = _statement(SHATIN, 1000, 0, cutoff);
        two[1] = _statement("greenwich", 1000, 0, cutoff);
        _settle(_publish(two));
        vm.assertEq(_mark(SHATIN).month, 5);
        vm.assertEq(_mark("greenwich").month, 4);
    }

    function _refused(bytes memory call, address by) private {
        vm.prank(STRANGER);
        (bool done, bytes memory why) = by.call(call);
        vm.assertFalse(done);
        vm.assertEq(
            keccak256(why),
            keccak256(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER))
        );
    }

    /// Settles a batch whose only statement is held back, and says why.
    function _held(Batch memory batch, bytes32 assetId, Hold hold) private {
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IMarkLedger.Skipped(_keyOf(assetId, batch.statements[0].vintage), hold);
        engine.settle(batch.epoch, batch.statements, batch.proofs);
    }
}
