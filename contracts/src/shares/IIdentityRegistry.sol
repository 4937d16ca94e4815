// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What is known of an account's owner, in one storage slot. Who the owner is stays off the chain.
struct Identity {
    /// The account is verified before this instant [s UTC]; zero when it never was, or was removed.
    uint64 expiry;
    /// ISO 3166-1 numeric code of the owner's residence, 1 to 999.
    uint16 country;
    /// 0 retail, 1 professional individual, 2 professional company, 3 institution. A share asks for a class or a higher one.
    uint8 investorClass;
}

/// Which accounts may hold shares and receivables, as an issuer of identities has found them.
interface IIdentityRegistry {
    event IdentitySet(address indexed account, uint16 indexed country, uint8 investorClass, uint64 expiry);
    event IdentityRemoved(address indexed account);

    error AccountMissing();
    error CountryOutOfRange(uint16 country);
    error ClassOutOfRange(uint8 investorClass);
    /// An identity that has run out already verifies nobody: remove it instead.
    error ExpiryPassed(uint64 expiry, uint256 blockTime);
    error UnknownIdentity(address account);

    /// Verify an account until `expiry`, or change what is known of it. Restricted to issuers of identities.
    function set(address account, uint16 country, uint8 investorClass, uint64 expiry) external;

    /// The account is verified no longer. It keeps what it holds, goes on accruing, and receives and claims nothing.
    function remove(address account) external;

    /// As in ERC-3643: there is an identity, and it has not run out.
    function isVerified(address account) external view returns (bool);

    /// Verified, and of this class or a higher one.
    function isEligible(address account, uint8 minimumClass) external view returns (bool);

    /// All zero for an unknown account; stays readable after it has run out.
    function identityOf(address account) external view returns (Identity memory);
}
