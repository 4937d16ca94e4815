// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Where the grams of one id are. All but `bufferBps` only rise.
struct Issuance {
    /// Sum of the issued and reversed marks of the project's assets.
    uint80 issued;
    uint80 reversed;
    /// Issued, but not minted: it made up for a reversal.
    uint80 offset;
    bool started;
    uint80 retired;
    /// Taken from the buffer for reversals.
    uint80 cancelled;
    /// Share of each mint that goes to the buffer, in 1/10 000; fixed when the id is first counted.
    uint16 bufferBps;
}

/// A retirement, as its certificate shows it.
struct Retirement {
    uint256 id;
    uint256 grams;
    /// Position of its first gram in the id's issuance log, counted from 1, first in first out. A convention: units are alike.
    uint256 firstSerial;
    uint64 retiredAt;
    address holder;
    address beneficiary;
    /// keccak256(abi.encode(name, salt)) of a beneficiary that does not want to be named here; zero if there is none.
    bytes32 nameHash;
    /// The beneficiary's name, if it wants to be named.
    string name;
    string purpose;
}

/// For whom and why credits are retired.
struct Purpose {
    address beneficiary;
    bytes32 nameHash;
    string name;
    string purpose;
}

/// Carbon credits: one unit is 1 gram CO2e avoided. Id = projectId | vintage.
/// Newly minted credits are in the vault (the balance of this contract), where each asset's beneficiary draws its own, but
/// for the project's share that goes to the buffer (the balance of `BUFFER`).
interface ICarbonCredit {
    /// The ledger newly counted grams as issued and reversed; `offset` of the issued ones made up for reversals, the rest
    /// was minted.
    event Issued(uint256 indexed id, uint256 issuedG, uint256 reversedG, uint256 offsetG);
    event Retired(
        uint256 indexed retirementId,
        address indexed holder,
        address indexed beneficiary,
        uint256 id,
        uint256 grams,
        string purpose
    );
    event Drawn(bytes32 indexed assetId, uint16 indexed vintage, address indexed to, uint256 grams);
    /// Buffer credits were burned for `grams` of unapplied reversal.
    event BufferCancelled(uint256 indexed id, uint256 grams);
    event BufferShareSet(bytes32 indexed projectId, uint16 bps);
    event TransfersPaused(bool paused);

    /// Only the ledger issues.
    error NotTheLedger(address caller);
    /// More offset than was reversed, or more shared out than was minted.
    error IssuedOutOfBalance(uint256 id);
    error UnknownProject(bytes32 projectId);
    error NothingToRetire();
    error BeneficiaryMissing();
    /// A name and the hash of one: either, or neither.
    error NameAndHash();
    /// A name or purpose is not UTF-8.
    error InvalidText();
    error TextTooLong(uint256 bytesGiven, uint256 most);
    error NotBeneficiary(address caller, address beneficiary);
    error MoreThanInVault(uint256 available, uint256 asked);
    error MoreThanUnapplied(uint256 unapplied, uint256 asked);
    error ShareOutOfRange(uint16 bps);
    error TransfersArePaused();
    error UnknownRetirement(uint256 retirementId);

    /// Count what a batch newly issued and reversed, and mint what is not offset: `vaultG` to the vault, the rest to the
    /// buffer. The ledger only, which has computed it from the marks.
    function issue(
        bytes32 projectId,
        uint16 vintage,
        uint256 issuedG,
        uint256 reversedG,
        uint256 offsetG,
        uint256 vaultG
    ) external;

    /// Take `grams` of the caller's credits out of circulation for good. Never paused. Returns the retirement's number, from 1.
    function retire(uint256 id, uint256 grams, Purpose calldata note) external returns (uint256 retirementId);

    /// The same with the credits of `holder`, who has approved the caller for all.
    function retireFrom(address holder, uint256 id, uint256 grams, Purpose calldata note)
        external
        returns (uint256 retirementId);

    /// Take an asset's credits out of the vault. Its beneficiary only.
    function draw(bytes32 assetId, uint16 vintage, uint256 grams, address to) external;

    /// Burn buffer credits for a reversal that no issuance has made up for yet; at most `unapplied(id)`.
    function cancelFromBuffer(uint256 id, uint256 grams) external;

    /// Share of a project's mints that goes to the buffer, in 1/10 000, for ids not minted yet.
    function setBufferShare(bytes32 projectId, uint16 bps) external;

    /// Stop transfers and drawing. Retiring is never stopped.
    function pauseTransfers() external;
    function resumeTransfers() external;

    /// Before an id is first counted, its `bufferBps` is the project's share as it is now.
    function issuanceOf(bytes32 projectId, uint16 vintage) external view returns (Issuance memory);
    /// Grams in circulation, buffer and vault included: issued - offset - retired - cancelled.
    function totalSupply(uint256 id) external view returns (uint256);
    /// Reversed grams that neither later issuance nor the buffer has made up for: reversed - offset - cancelled.
    function unapplied(uint256 id) external view returns (uint256);
    /// Grams that an asset's beneficiary can draw.
    function inVault(bytes32 assetId, uint16 vintage) external view returns (uint256);
    function retirement(uint256 retirementId) external view returns (Retirement memory);
    function retirementCount() external view returns (uint256);
    function transfersPaused() external view returns (bool);
    /// Holds the buffer's credits: an address that nobody has a key of.
    // slither-disable-next-line naming-convention: the getter of a constant
    function BUFFER() external view returns (address);
    /// Token id of a project's credits of one vintage.
    function idOf(bytes32 projectId, uint16 vintage) external pure returns (uint256);
}
