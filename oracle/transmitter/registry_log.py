"""The registry at any block, folded from its events.

The contract's events carry everything that was ever set, so no archive node is needed to know what it said at an older
block, and what was read once is not read again. Blocks are only asked for once they are final.
"""

import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contracts.state import Asset, ListedMeter, Project, from_bytes32
from oracle.reporting.registry import NO_METERS, RegistrySnapshot, meters_root

if TYPE_CHECKING:
    from web3 import Web3
    from web3.contract import Contract

EVENTS = ("ProjectSet", "AssetSet", "MetersSet")


class RegistryLog:
    """All events of one AssetRegistry, read as far as was needed."""

    def __init__(self, web3: "Web3", registry: "Contract", first_block: int) -> None:
        self._web3 = web3
        self._registry = registry
        self._read_until = first_block - 1
        self._changes: list[tuple[int, str, Any]] = []
        self._lock = threading.Lock()
        self._kinds: dict[str, tuple[str, Any]] = {
            registry.events[name]().topic: (name, registry.events[name]()) for name in EVENTS
        }

    def at(self, block: int) -> RegistrySnapshot:
        """The registry at the end of a final block, each meter list held against its root.

        Raises:
            ReportError: one device and meter are listed twice.

        """
        with self._lock:
            self._read_to(block)
            snapshot = _fold(block, [change for change in self._changes if change[0] <= block])
        snapshot.check()
        return snapshot

    def _read_to(self, block: int) -> None:
        if block <= self._read_until:
            return
        logs = self._web3.eth.get_logs(
            {"address": self._registry.address, "fromBlock": self._read_until + 1, "toBlock": block}
        )
        for log in logs:
            kind = self._kinds.get(log["topics"][0].to_0x_hex())
            if kind is not None:
                self._changes.append((log["blockNumber"], kind[0], kind[1].process_log(log)["args"]))
        self._read_until = block


def _fold(block: int, changes: list[tuple[int, str, Any]]) -> RegistrySnapshot:
    """Apply changes in order.

    By rule, on every node alike, a name that is no identifier is passed over, and a meter list that does not hash to its
    root lists nothing: no transaction can stop the nodes.
    """
    projects: dict[str, Project] = {}
    assets: dict[str, Asset] = {}
    meters: dict[str, tuple[ListedMeter, ...]] = {}
    roots: dict[str, bytes] = {}
    for _, name, args in changes:
        with contextlib.suppress(ValueError):
            if name == "AssetSet":
                asset_id = from_bytes32(bytes(args["assetId"]))
                assets[asset_id] = Asset.from_abi(bytes(args["assetId"]), struct_fields(args["asset"]))
                continue
            project_id = from_bytes32(bytes(args["projectId"]))
            if name == "ProjectSet":
                given = struct_fields(args["project"])
                projects[project_id] = Project.from_abi(bytes(args["projectId"]), given, bytes(32))
            else:
                listed = tuple(ListedMeter.from_abi(struct_fields(meter)) for meter in args["meters"])
                roots[project_id] = bytes(args["root"])
                meters[project_id] = listed if meters_root(listed) == roots[project_id] else ()
    with_roots = {name: replace(project, meters_root=roots.get(name, NO_METERS)) for name, project in projects.items()}
    return RegistrySnapshot(block, with_roots, assets, {name: meters.get(name, ()) for name in projects})


def struct_fields(member: Any) -> tuple[Any, ...]:  # noqa: ANN401  web3 gives structs as mappings or tuples
    """Fields of a struct that web3 decoded, in order."""
    return tuple(member.values()) if hasattr(member, "values") else tuple(member)
