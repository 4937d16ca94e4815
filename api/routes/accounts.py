"""Whose figures are asked for: an owner's own account, or the account that an operator or auditor names."""

from typing import Annotated

from fastapi import Query
from fastapi.exceptions import RequestValidationError

from api.access.principal import Principal
from api.access.refusals import absent_account
from api.http.problems import ProblemError

Account = Annotated[
    str | None,
    Query(
        description="account to look at; owners leave it out, since it is theirs",
        pattern="^0x[0-9a-fA-F]{40}$",
        examples=["0x52908400098527886E0F7030069857D2E4169EE7"],
    ),
]


def account_of(principal: Principal, named: str | None) -> str:
    """The account whose figures are shown.

    Raises:
        NotFoundProblem: an owner asks for somebody else's.
        RequestValidationError: an operator or auditor names none.

    """
    if principal.address is None:
        if named is None:
            missing = {
                "type": "missing",
                "loc": ("query", "address"),
                "msg": "name the account to look at",
                "input": None,
            }
            raise RequestValidationError([missing])
        return named
    if named is not None and named.lower() != principal.address.lower():
        raise absent_account(named)
    return principal.address


def own_account(principal: Principal) -> str:
    """The account that sends what is prepared.

    Raises:
        ProblemError: the credential is not an account's.

    """
    if principal.address is None:
        detail = "this prepares a transaction of an owner's own account: sign in with the wallet that will send it"
        raise ProblemError("forbidden", detail)
    return principal.address
