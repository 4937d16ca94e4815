// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IIdentityRegistry, Identity} from "./IIdentityRegistry.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// Which accounts may hold shares and receivables, one storage slot each.
contract IdentityRegistry is IIdentityRegistry, AccessManaged {
    uint16 internal constant HIGHEST_COUNTRY = 999;
    uint8 internal constant HIGHEST_CLASS = 3;

    mapping(address account => Identity) internal _identities;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IIdentityRegistry
    function set(address account, uint16 country, uint8 investorClass, uint64 expiry) external restricted {
        if (account == address(0)) revert AccountMissing();
        if (country == 0 || country > HIGHEST_COUNTRY) revert CountryOutOfRange(country);
        if (investorClass > HIGHEST_CLASS) revert ClassOutOfRange(investorClass);
        // slither-disable-next-line timestamp: an identity lasts for months; seconds do not matter
        if (expiry <= block.timestamp) revert ExpiryPassed(expiry, block.timestamp);

        _identities[account] = Identity(expiry, country, investorClass);
        emit IdentitySet(account, country, investorClass, expiry);
    }

    /// @inheritdoc IIdentityRegistry
    function remove(address account) external restricted {
        if (_identities[account].expiry == 0) revert UnknownIdentity(account);

        delete _identities[account];
        emit IdentityRemoved(account);
    }

    /// @inheritdoc IIdentityRegistry
    function isVerified(address account) external view returns (bool) {
        // slither-disable-next-line timestamp: an identity lasts for months; seconds do not matter
        return _identities[account].expiry > block.timestamp;
    }

    /// @inheritdoc IIdentityRegistry
    function isEligible(address account, uint8 minimumClass) external view returns (bool) {
        Identity storage identity = _identities[account];
        // slither-disable-next-line timestamp: an identity lasts for months; seconds do not matter
        return identity.expiry > block.timestamp && identity.investorClass >= minimumClass;
    }

    /// @inheritdoc IIdentityRegistry
    function identityOf(address account) external view returns (Identity memory) {
        return _identities[account];
    }
}
