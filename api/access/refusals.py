"""Answers to those who may not: each says what is wrong and what to do, and nothing that a stranger could use."""

from api.http.problems import NotFoundProblem, ProblemError

INVALID = {"WWW-Authenticate": 'Bearer realm="heliograph", error="invalid_token"'}


def credentials_missing() -> ProblemError:
    """Nobody is signed in."""
    detail = "this needs credentials: sign in with your wallet, or send an API key as `Authorization: Bearer hgk_…`"
    return ProblemError("unauthenticated", detail)


def credentials_invalid() -> ProblemError:
    """A key or session is unknown, revoked or over: one answer, so that nobody learns which."""
    detail = "the credential does not hold (unknown, revoked or expired): sign in anew, or use a valid API key"
    return ProblemError("unauthenticated", detail, headers=INVALID)


def role_refused(operation_id: str, role: str) -> ProblemError:
    """The role has no part in this operation."""
    return ProblemError("forbidden", f"{operation_id} is not for the role {role}: use a credential of a role that may")


def scope_missing(operation_id: str, scope: str | None) -> ProblemError:
    """The key was not made for this."""
    if scope == "*":
        return ProblemError("forbidden", f"{operation_id} is for sessions, not for keys: sign in with your wallet")
    return ProblemError("forbidden", f"{operation_id} needs the scope {scope}: use a key that has it")


def header_missing() -> ProblemError:
    """A cookie alone does not write: another site could make a browser send it."""
    detail = "a write with a cookie needs the header X-Heliograph: 1, which other sites cannot send"
    return ProblemError("unconfirmed-write", detail)


def too_many(wait_s: int) -> ProblemError:
    """The bucket is empty."""
    detail = f"too many requests of this credential or address: try again in {wait_s} s"
    return ProblemError("too-many-requests", detail, retry_after_s=wait_s)


def sign_in_refused(why: str) -> ProblemError:
    """A sign-in message or its signature is not good."""
    return ProblemError("sign-in-refused", f"{why}; ask for a new nonce, and sign a message for this address and chain")


def absent_asset(asset_id: str) -> NotFoundProblem:
    """There is no such asset, or none that is theirs."""
    return NotFoundProblem(f"there is no asset {asset_id}: ask for one of GET /v1/assets")


def absent_account(address: str) -> NotFoundProblem:
    """There is no such owner, or it is somebody else."""
    return NotFoundProblem(f"there is no owner {address}: ask for your own address")
