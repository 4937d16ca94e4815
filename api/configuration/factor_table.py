"""The factor table that is shipped with the package, and no other."""

import functools
import hashlib
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

from oracle.errors import ConfigError
from oracle.reporting.factor_table import read_factor_table
from oracle.reporting.factors import EmissionFactor

TABLE_SHA256 = "f16d5259a1e97fb5450d8f9bd8082187fe69f7338f81f196c04be58d6518a139"
"""Of `oracle/reporting/factors.toml`. A figure that was changed in the installed file is not taken silently."""


@functools.cache
def shipped_factors() -> Mapping[str, EmissionFactor]:
    """Return the shipped factors by id.

    Raises:
        ConfigError: the file is not the one that this release was made with.

    """
    raw = resources.files("oracle.reporting").joinpath("factors.toml").read_bytes()
    if hashlib.sha256(raw).hexdigest() != TABLE_SHA256:
        raise ConfigError(
            "the shipped factor table is not that of this release: state your own factors in the rules file"
        )
    return MappingProxyType(read_factor_table(raw))
