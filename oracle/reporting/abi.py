"""Bytes that contracts hash: Solidity's `abi.encode`, with one error."""

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError

from oracle.errors import ReportError


def abi_bytes(types: Sequence[str], fields: Sequence[Any]) -> bytes:
    """Encode fields of Solidity types (https://docs.soliditylang.org/en/latest/abi-spec.html).

    Raises:
        ReportError: a field does not fit its type.

    """
    try:
        return encode(types, fields)
    except (EncodingError, ValueError, TypeError) as error:
        raise ReportError(f"cannot be written as the contract's types: {error}") from error
