// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ceilings} from "./Ceilings.sol";
import {Asset, AssetStatus, IAssetRegistry} from "./IAssetRegistry.sol";
import {Hold, ISettledToken, Outcome} from "./ISettledToken.sol";
import {Mark, Marks} from "./Marks.sol";
import {Statement} from "./Statement.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// Marks, ceilings and supply of a token that is minted from statements.
abstract contract SettledToken is ISettledToken, ERC1155, AccessManaged {
    using Marks for Mark;
    using Marks for uint256;

    /// Where ceilings, beneficiaries and rights come from.
    IAssetRegistry public immutable registry;

    mapping(uint256 id => uint256) public totalSupply;
    mapping(bytes32 assetId => mapping(uint16 vintage => Mark)) internal _unitMarks;
    mapping(bytes32 assetId => mapping(uint16 vintage => Mark)) internal _energyMarks;

    constructor(address authority, IAssetRegistry registry_) ERC1155("") AccessManaged(authority) {
        registry = registry_;
    }

    /// @inheritdoc ISettledToken
    function settle(Statement[] calldata statements) external restricted returns (Outcome[] memory outcomes) {
        outcomes = new Outcome[](statements.length);
        for (uint256 i = 0; i < statements.length; ++i) {
            outcomes[i] = _settle(statements[i]);
        }
    }

    /// @inheritdoc ISettledToken
    function marks(bytes32 assetId, uint16 vintage) external view returns (Mark memory units, Mark memory energy) {
        return (_unitMarks[assetId][vintage], _energyMarks[assetId][vintage]);
    }

    /// @inheritdoc ISettledToken
    function backedWh(bytes32 assetId, uint16 vintage) external view returns (uint256) {
        return _energyMarks[assetId][vintage].minted;
    }

    /// The two counters of a statement that this token is minted from.
    function _countersOf(Statement calldata statement) internal pure virtual returns (uint256 issued, uint256 reversed);

    /// Most units per MWh.
    function _unitsPerMwhCeiling(Asset memory asset) internal pure virtual returns (uint64);

    /// Whether the asset's project has a right to this token at all.
    function _hasRight(Asset memory asset) internal view virtual returns (bool);

    /// The id that new units of a statement get.
    function _idOf(Statement calldata statement, Asset memory asset) internal view virtual returns (uint256);

    /// Supply follows mint and burn. Minting calls no receiver, so a recipient cannot stop a batch.
    function _update(address from, address to, uint256[] memory ids, uint256[] memory units) internal virtual override {
        super._update(from, to, ids, units);
        for (uint256 i = 0; i < ids.length; ++i) {
            if (from == address(0)) totalSupply[ids[i]] += units[i];
            if (to == address(0)) totalSupply[ids[i]] -= units[i];
        }
    }

    /// A transfer of one id without asking the receiver: mint from zero, burn to zero.
    function _move(address from, address to, uint256 id, uint256 units) internal {
        uint256[] memory ids = new uint256[](1);
        uint256[] memory counts = new uint256[](1);
        ids[0] = id;
        counts[0] = units;
        _update(from, to, ids, counts);
    }

    function _settle(Statement calldata statement) private returns (Outcome memory outcome) {
        (uint256 issued, uint256 reversed) = _countersOf(statement);
        if (
            !issued.fits() || !reversed.fits() || !uint256(statement.energyIssuedWh).fits()
                || !uint256(statement.energyReversedWh).fits()
        ) return Outcome(0, 0, Hold.FigureTooLarge);

        Mark storage unitMark = _unitMarks[statement.assetId][statement.vintage];
        Mark storage energyMark = _energyMarks[statement.assetId][statement.vintage];
        Mark memory unitsWere = unitMark;
        Mark memory energyWas = energyMark;
        Mark memory units = unitsWere.raised(issued, reversed);
        Mark memory energy = energyWas.raised(statement.energyIssuedWh, statement.energyReversedWh);
        if (units.equals(unitsWere) && energy.equals(energyWas)) return outcome; // stale

        Asset memory asset = registry.asset(statement.assetId);
        if (!_hasRight(asset)) return Outcome(0, 0, Hold.NoClaimRight);
        outcome.units = units.minted - unitsWere.minted;
        outcome.energyWh = energy.minted - energyWas.minted;
        // A reversal mints nothing and always counts: only what mints is held to the ceilings.
        if (outcome.units != 0 || outcome.energyWh != 0) {
            Hold hold = _hold(statement, asset, units.minted, energy.minted);
            if (hold != Hold.None) return Outcome(0, 0, hold);
        }
        _unitMarks[statement.assetId][statement.vintage] = units;
        _energyMarks[statement.assetId][statement.vintage] = energy;
        if (outcome.units != 0) _move(address(0), asset.beneficiary, _idOf(statement, asset), outcome.units);
    }

    function _hold(Statement calldata statement, Asset memory asset, uint256 units, uint256 energyWh)
        private
        view
        returns (Hold)
    {
        if (asset.status != AssetStatus.Active) return Hold.NotActive;
        if (statement.cutoff > block.timestamp) return Hold.CutoffInFuture;
        if (energyWh > Ceilings.energyWhDown(asset, statement.vintage, statement.cutoff)) return Hold.EnergyCeiling;
        if (units > Ceilings.unitsDown(energyWh, _unitsPerMwhCeiling(asset))) return Hold.UnitCeiling;
        return Hold.None;
    }
}
