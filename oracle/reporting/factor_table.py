"""The factor table: emission factors by name, each bound to the SHA-256 of the file that it was read from."""

import hashlib
import tomllib
from collections.abc import Mapping
from typing import Any

from oracle.errors import ConfigError
from oracle.reporting.factors import EmissionFactor, FactorKind, Margins

_MARGINS = ("operating_weight_ppm", "operating_g_per_mwh", "build_g_per_mwh")
_MEMBERS = {"id", "g_per_mwh", "kind", "year", "source", "licence", "boundary"}


def read_factor_table(raw: bytes) -> dict[str, EmissionFactor]:
    """Read a factor table (TOML, `[[factor]]`) into factors by id.

    Raises:
        ConfigError: it is no TOML, an entry lacks a member or has an unknown one, or an id is there twice.

    """
    digest = hashlib.sha256(raw).hexdigest()
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the factor table is not readable: {error}") from error
    entries = document.get("factor")
    if set(document) != {"factor"} or not isinstance(entries, list):
        raise ConfigError("the factor table is a list of [[factor]] and nothing else")
    factors: dict[str, EmissionFactor] = {}
    for number, entry in enumerate(entries, 1):
        factor = _factor(entry, number, digest)
        if factor.factor_id in factors:
            raise ConfigError(f"factor {factor.factor_id!r} is in the table more than once")
        factors[factor.factor_id] = factor
    return factors


def margins_of(entry: Mapping[str, Any]) -> Margins | None:
    """Read what a combined margin was weighed from; None where the entry states no weight.

    Raises:
        ConfigError: there are margins and no weight, or they make no sense.

    """
    weight, operating, build = (entry.get(name) for name in _MARGINS)
    if weight is None:
        if operating is not None or build is not None:
            raise ConfigError("operating and build margin need their operating_weight_ppm")
        return None
    return Margins(weight, operating, build)


def _factor(entry: Mapping[str, Any], number: int, digest: str) -> EmissionFactor:
    missing, unknown = _MEMBERS - set(entry), set(entry) - _MEMBERS - set(_MARGINS)
    if missing or unknown:
        wrong = f"lacks {min(missing)}" if missing else f"has an unknown member {min(unknown)}"
        raise ConfigError(f"factor table, entry {number}: {wrong}")
    if entry["kind"] not in set(FactorKind):
        raise ConfigError(f"factor table, entry {number}: kind {entry['kind']!r} is none of {', '.join(FactorKind)}")
    return EmissionFactor(
        factor_id=entry["id"],
        g_per_mwh=entry["g_per_mwh"],
        kind=FactorKind(entry["kind"]),
        year=entry["year"],
        source=entry["source"],
        licence=entry["licence"],
        boundary=entry["boundary"],
        margins=margins_of(entry),
        table_sha256=digest,
    )
