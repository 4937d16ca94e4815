"""Bytes that contracts hash: Solidity's `abi.encode`, with one error."""

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError

from oracle.errors import ReportError


def abi_bytes(types: Sequence[str], fields: Sequence[Any]) -> bytes:
    """Encode fields of Solidity types (https://docs.soliditylang.org/en/latest/abi-spec.html).

    A bytes32 has 32 bytes: the library would fill up shorter ones, and what is hashed would have a second spelling.

    Raises:
        ReportError: a field does not fit its type.

    """
    for kind, field in zip(types, fields, strict=True):
        if kind == "bytes32" and len(field) != 32:
            raise ReportError(f"cannot be written as the contract's types: {len(field)} bytes as bytes32")
    try:
        return encode(types, fields)
    except (EncodingError, ValueError, TypeError) as error:
        raise ReportError(f"cannot be written as the contract's types: {error}") from error
