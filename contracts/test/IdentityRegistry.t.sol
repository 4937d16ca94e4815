// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IIdentityRegistry, Identity} from "../src/shares/IIdentityRegistry.sol";
import {SharesFixture} from "./SharesFixture.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract IdentityRegistryTest is SharesFixture {
    function test_readsBackWhatWasSet() public {
        vm.expectEmit(true, true, true, true, address(identities));
        emit IIdentityRegistry.IdentitySet(STRANGER, 840, 3, EXPIRY);
        vm.prank(IDENTITY_ISSUER);
        identities.set(STRANGER, 840, 3, EXPIRY);
        Identity memory identity = identities.identityOf(STRANGER);
        vm.assertEq(identity.country, 840);
        vm.assertEq(identity.investorClass, 3);
        vm.assertEq(identity.expiry, EXPIRY);
        vm.assertTrue(identities.isVerified(STRANGER));
        vm.assertEq(identities.identityOf(address(0xB0B)).expiry, 0);
    }

    function test_verifiedEndsWithTheExpiry() public {
        vm.assertFalse(identities.isVerified(STRANGER));
        vm.warp(EXPIRY - 1);
        vm.assertTrue(identities.isVerified(ANN) && identities.isEligible(ANN, 0));
        vm.warp(EXPIRY);
        vm.assertFalse(identities.isVerified(ANN) || identities.isEligible(ANN, 0));
        vm.assertEq(identities.identityOf(ANN).country, HONG_KONG);
    }

    function test_aShareAsksForAClassOrAHigherOne(uint8 class, uint8 minimum) public {
        class = uint8(bound(class, 0, 3));
        vm.prank(IDENTITY_ISSUER);
        identities.set(STRANGER, HONG_KONG, class, EXPIRY);
        vm.assertTrue(identities.isEligible(STRANGER, minimum) == (class >= minimum));
        vm.assertFalse(identities.isEligible(address(0xB0B), minimum));
    }

    function test_removedIsUnknown() public {
        vm.expectEmit(true, true, true, true, address(identities));
        emit IIdentityRegistry.IdentityRemoved(ANN);
        _unverify(ANN);
        vm.assertFalse(identities.isVerified(ANN));
        vm.assertEq(identities.identityOf(ANN).country, 0);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.UnknownIdentity.selector, ANN));
        _unverify(ANN);
    }

    function test_refusesWhatIdentifiesNobody() public {
        _refuses(address(0), HONG_KONG, 0, EXPIRY, abi.encodeWithSelector(IIdentityRegistry.AccountMissing.selector));
        _refuses(DAN, 0, 0, EXPIRY, abi.encodeWithSelector(IIdentityRegistry.CountryOutOfRange.selector, 0));
        _refuses(DAN, 1000, 0, EXPIRY, abi.encodeWithSelector(IIdentityRegistry.CountryOutOfRange.selector, 1000));
        _refuses(DAN, 999, 4, EXPIRY, abi.encodeWithSelector(IIdentityRegistry.ClassOutOfRange.selector, 4));
        _refuses(DAN, 1, 3, TODAY, abi.encodeWithSelector(IIdentityRegistry.ExpiryPassed.selector, TODAY, TODAY));
        vm.prank(IDENTITY_ISSUER);
        identities.set(DAN, 999, 3, TODAY + 1);
        vm.prank(IDENTITY_ISSUER);
        identities.set(DAN, 1, 0, EXPIRY);
    }

    function test_onlyTheIssuerOfIdentitiesWrites() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ANN));
        vm.prank(ANN);
        identities.set(ANN, HONG_KONG, 3, EXPIRY);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ENFORCER));
        vm.prank(ENFORCER);
        identities.remove(ANN);
    }

    function _refuses(address account, uint16 country, uint8 class, uint64 expiry, bytes memory expected) internal {
        vm.expectRevert(expected);
        vm.prank(IDENTITY_ISSUER);
        identities.set(account, country, class, expiry);
    }
}
