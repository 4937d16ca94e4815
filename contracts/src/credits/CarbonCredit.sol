// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger} from "../ledger/IMarkLedger.sol";
import {Correction, Mark} from "../ledger/Marks.sol";
import {VaultShare} from "../ledger/VaultShare.sol";
import {IAssetRegistry} from "../registry/IAssetRegistry.sol";
import {ICarbonCredit, Issuance, Purpose, Retirement} from "./ICarbonCredit.sol";
import {SafeText} from "./SafeText.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// Carbon credits: one unit is 1 gram CO2e avoided. Id = projectId | vintage.
contract CarbonCredit is ICarbonCredit, ERC1155, AccessManaged {
    uint256 internal constant LONGEST_NAME = 128;
    uint256 internal constant LONGEST_PURPOSE = 512;
    /// @inheritdoc ICarbonCredit
    address public constant BUFFER = address(uint160(uint256(keccak256("heliograph.buffer"))));

    IAssetRegistry public immutable registry;
    /// Keeps the marks that credits are minted from.
    IMarkLedger public immutable ledger;

    bool public transfersPaused;
    uint256 public retirementCount;
    mapping(uint256 id => Issuance) internal _issuances;
    mapping(bytes32 projectId => uint16) public bufferShareBps;
    mapping(bytes32 assetId => mapping(uint16 vintage => uint256)) internal _drawn;
    mapping(uint256 retirementId => Retirement) internal _retirements;

    constructor(address authority, IAssetRegistry registry_, IMarkLedger ledger_) ERC1155("") AccessManaged(authority) {
        registry = registry_;
        ledger = ledger_;
    }

    /// @inheritdoc ICarbonCredit
    function issue(
        bytes32 projectId,
        uint16 vintage,
        uint256 issuedG,
        uint256 reversedG,
        uint256 offsetG,
        uint256 vaultG
    ) external {
        if (msg.sender != address(ledger)) revert NotTheLedger(msg.sender);
        uint256 id = idOf(projectId, vintage);
        Issuance storage of_ = _issuances[id];
        uint256 reversed_ = of_.reversed + reversedG;
        uint256 offset = of_.offset + offsetG;
        if (offset + of_.cancelled > reversed_ || offsetG + vaultG > issuedG) revert IssuedOutOfBalance(id);

        // The share is fixed here, since what is in the vault is computed from it.
        if (!of_.started) (of_.started, of_.bufferBps) = (true, bufferShareBps[projectId]);
        of_.issued = SafeCast.toUint80(of_.issued + issuedG);
        of_.reversed = SafeCast.toUint80(reversed_);
        of_.offset = SafeCast.toUint80(offset);
        emit Issued(id, issuedG, reversedG, offsetG);
        uint256 bufferG = issuedG - offsetG - vaultG;
        if (vaultG != 0) _move(address(0), address(this), id, vaultG);
        if (bufferG != 0) _move(address(0), BUFFER, id, bufferG);
    }

    /// @inheritdoc ICarbonCredit
    function retire(uint256 id, uint256 grams, Purpose calldata note) external returns (uint256 retirementId) {
        return _retire(msg.sender, id, grams, note);
    }

    /// @inheritdoc ICarbonCredit
    function retireFrom(address holder, uint256 id, uint256 grams, Purpose calldata note)
        external
        returns (uint256 retirementId)
    {
        if (!isApprovedForAll(holder, msg.sender)) revert ERC1155MissingApprovalForAll(msg.sender, holder);
        return _retire(holder, id, grams, note);
    }

    /// @inheritdoc ICarbonCredit
    function draw(bytes32 assetId, uint16 vintage, uint256 grams, address to) external {
        address beneficiary = registry.asset(assetId).beneficiary;
        if (msg.sender != beneficiary) revert NotBeneficiary(msg.sender, beneficiary);
        uint256 available = inVault(assetId, vintage);
        if (grams > available) revert MoreThanInVault(available, grams);

        _drawn[assetId][vintage] += grams;
        emit Drawn(assetId, vintage, to, grams);
        _safeTransferFrom(address(this), to, idOf(_projectOf(assetId), vintage), grams, "");
    }

    /// @inheritdoc ICarbonCredit
    function cancelFromBuffer(uint256 id, uint256 grams) external restricted {
        uint256 open = unapplied(id);
        if (grams > open) revert MoreThanUnapplied(open, grams);

        _issuances[id].cancelled += uint80(grams);
        _move(BUFFER, address(0), id, grams);
        emit BufferCancelled(id, grams);
    }

    /// @inheritdoc ICarbonCredit
    function setBufferShare(bytes32 projectId, uint16 bps) external restricted {
        if (!registry.isProject(projectId)) revert UnknownProject(projectId);
        if (bps > VaultShare.WHOLE_BPS) revert ShareOutOfRange(bps);
        bufferShareBps[projectId] = bps;
        emit BufferShareSet(projectId, bps);
    }

    /// @inheritdoc ICarbonCredit
    function pauseTransfers() external restricted {
        transfersPaused = true;
        emit TransfersPaused(true);
    }

    /// @inheritdoc ICarbonCredit
    function resumeTransfers() external restricted {
        transfersPaused = false;
        emit TransfersPaused(false);
    }

    /// @inheritdoc ICarbonCredit
    function issuanceOf(bytes32 projectId, uint16 vintage) public view returns (Issuance memory of_) {
        of_ = _issuances[idOf(projectId, vintage)];
        if (!of_.started) of_.bufferBps = bufferShareBps[projectId];
    }

    /// @inheritdoc ICarbonCredit
    function totalSupply(uint256 id) external view returns (uint256) {
        Issuance memory of_ = _issuances[id];
        return uint256(of_.issued) - of_.offset - of_.retired - of_.cancelled;
    }

    /// @inheritdoc ICarbonCredit
    function unapplied(uint256 id) public view returns (uint256) {
        Issuance memory of_ = _issuances[id];
        return uint256(of_.reversed) - of_.offset - of_.cancelled;
    }

    /// @inheritdoc ICarbonCredit
    function inVault(bytes32 assetId, uint16 vintage) public view returns (uint256) {
        (Mark memory mark, Correction memory correction) = ledger.markOf(assetId, vintage);
        uint256 mintedG = uint256(mark.creditsG) - correction.creditsOffsetG;
        uint16 bps = issuanceOf(_projectOf(assetId), vintage).bufferBps;
        return VaultShare.ownersDown(mintedG, bps) - _drawn[assetId][vintage];
    }

    /// @inheritdoc ICarbonCredit
    function retirement(uint256 retirementId) external view returns (Retirement memory) {
        if (retirementId == 0 || retirementId > retirementCount) revert UnknownRetirement(retirementId);
        return _retirements[retirementId];
    }

    /// @inheritdoc ICarbonCredit
    function idOf(bytes32 projectId, uint16 vintage) public pure returns (uint256) {
        return uint256(projectId) | vintage;
    }

    function _retire(address holder, uint256 id, uint256 grams, Purpose calldata note)
        internal
        returns (uint256 retirementId)
    {
        if (grams == 0) revert NothingToRetire();
        if (note.beneficiary == address(0)) revert BeneficiaryMissing();
        if (bytes(note.name).length != 0 && note.nameHash != bytes32(0)) revert NameAndHash();
        _requireText(note.name, LONGEST_NAME);
        _requireText(note.purpose, LONGEST_PURPOSE);

        Issuance storage of_ = _issuances[id];
        uint256 before = uint256(of_.retired) + of_.cancelled;
        _move(holder, address(0), id, grams);
        of_.retired += uint80(grams);
        retirementId = ++retirementCount;
        _retirements[retirementId] = Retirement({
            id: id,
            grams: grams,
            firstSerial: before + 1,
            retiredAt: uint64(block.timestamp),
            holder: holder,
            beneficiary: note.beneficiary,
            nameHash: note.nameHash,
            name: note.name,
            purpose: note.purpose
        });
        emit Retired(retirementId, holder, note.beneficiary, id, grams, note.purpose);
    }

    /// A pause stops transfers between accounts, drawing included. Minting and burning, hence retiring, go on.
    function _update(address from, address to, uint256[] memory ids, uint256[] memory units) internal override {
        if (transfersPaused && from != address(0) && to != address(0)) revert TransfersArePaused();
        super._update(from, to, ids, units);
    }

    /// A transfer of one id without asking the receiver: mint from zero, burn to zero.
    function _move(address from, address to, uint256 id, uint256 grams) internal {
        uint256[] memory ids = new uint256[](1);
        uint256[] memory counts = new uint256[](1);
        ids[0] = id;
        counts[0] = grams;
        _update(from, to, ids, counts);
    }

    function _projectOf(bytes32 assetId) internal view returns (bytes32 projectId) {
        // slither-disable-next-line unused-return: only the project is asked for
        (, projectId) = registry.terms(assetId);
    }

    /// Readers of events decode a text strictly: one bad byte in it would stop them all.
    function _requireText(string calldata text, uint256 most) internal pure {
        if (bytes(text).length > most) revert TextTooLong(bytes(text).length, most);
        if (!SafeText.isUtf8(text)) revert InvalidText();
    }
}
