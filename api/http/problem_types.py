"""Every kind of problem that the API answers with: stable names, each explained on a page of this server."""

from dataclasses import dataclass
from http import HTTPStatus

PLACE = "/problems/"
"""Path of the explaining pages; with the slug after it, the `type` of a problem document."""


@dataclass(frozen=True)
class ProblemType:
    """One kind of problem."""

    slug: str
    """Its stable name: the last part of `type`."""
    status: int
    """HTTP status that it comes with."""
    title: str
    """What it is, in a few words; the same for all problems of this type."""
    meaning: str
    """What has happened, for whoever looks the type up."""
    remedy: str
    """What to do about it."""
    retry_after_s: int | None = None
    """When to try again where nothing better is known [s]; None if trying again alone does not help."""

    @property
    def uri(self) -> str:
        """The `type` member: a path on this server."""
        return PLACE + self.slug


_ALL = (
    ProblemType(
        "malformed-request",
        400,
        "The request cannot be read",
        "The request is not HTTP, JSON or text as the description of the API says: a broken body, a header given twice, "
        "bytes that are no UTF-8.",
        "Look at the detail, repair the request and send it again. /openapi.json describes every request.",
    ),
    ProblemType(
        "unauthenticated",
        401,
        "Nobody is signed in",
        "The operation is not public, and the request carries no credential, or one that is unknown, expired or revoked. Which of "
        "these is not said.",
        "Owners sign in with their wallet (POST /v1/sessions); programs send an API key as `Authorization: Bearer hgk_…`. If a "
        "session ended, open a new one.",
    ),
    ProblemType(
        "sign-in-refused",
        401,
        "The sign-in is refused",
        "The signed message is not one that this server accepts: another domain or chain, an unknown or used nonce, a time that is "
        "past or not yet come, or a signature that is not the account's.",
        "Ask for a new nonce (POST /v1/sessions/nonce), and let the wallet sign a fresh message for this very address and chain.",
    ),
    ProblemType(
        "forbidden",
        403,
        "Not allowed with this credential",
        "The credential is good, but its role or scopes do not cover the operation.",
        "Use a credential of the role that the detail names; an operator's key needs the scope that it names.",
    ),
    ProblemType(
        "unconfirmed-write",
        403,
        "The write does not come from a page of this server",
        "A session cookie alone may not change anything, because browsers also send it with requests that other pages make.",
        "Send the header `X-Heliograph: 1` beside the cookie, or the session's token as `Authorization: Bearer`.",
    ),
    ProblemType(
        "not-found",
        404,
        "There is nothing here",
        "What was asked for does not exist, or is not yours to see: the answer is the same.",
        "Look at the path and its names. Lists such as GET /v1/assets name what there is. What a report brings is there after the "
        "next one.",
    ),
    ProblemType(
        "unknown-cursor",
        404,
        "No page begins there",
        "The cursor in `after` is none that this list gave out.",
        "Take `next` of the page before, unchanged; or leave `after` out to begin anew.",
    ),
    ProblemType(
        "method-not-allowed",
        405,
        "The path does not take this method",
        "The path is right; the method is not one that it takes.",
        "Use a method that the `Allow` header lists.",
    ),
    ProblemType(
        "not-acceptable",
        406,
        "No such form of the answer",
        "The `Accept` header leaves out every form in which this answer is given.",
        "Accept application/json, or text/csv for lists; problems are application/problem+json.",
    ),
    ProblemType(
        "conflict",
        409,
        "The state does not allow it",
        "The request is understood, and what is there already or on chain stands against it.",
        "Look at the detail and at the present state; then send what fits it.",
    ),
    ProblemType(
        "idempotency-in-progress",
        409,
        "The same request is still being worked on",
        "A request with this `Idempotency-Key` has begun and not ended.",
        "Wait, and send the same request with the same key again: the answer will be that of the first.",
        2,
    ),
    ProblemType(
        "too-large",
        413,
        "The request is too large",
        "The body has more bytes than the operation takes.",
        "Send less at once. The detail names the limit.",
    ),
    ProblemType(
        "address-too-long",
        414,
        "The address is too long",
        "Path and query together have more bytes than the server takes.",
        "Use fewer or shorter parameters.",
    ),
    ProblemType(
        "unsupported-media-type",
        415,
        "The body is not of a kind that is taken",
        "The `Content-Type` header is missing or names another form than the operation reads.",
        "Send the body in the form that the detail names, with that `Content-Type`.",
    ),
    ProblemType(
        "invalid-parameter",
        422,
        "A parameter or member is not valid",
        "The request can be read, but a parameter or a member of its body is missing, of the wrong kind or out of range.",
        "Look at `errors`: each names the place and what is wrong with it. /openapi.json gives the limits.",
    ),
    ProblemType(
        "idempotency-key-reused",
        422,
        "The idempotency key was used for another request",
        "Within 24 hours this `Idempotency-Key` came with another method, path or body.",
        "Take a new key for a new request; repeat a request with the very same bytes.",
    ),
    ProblemType(
        "refused-by-contract",
        409,
        "The contract would refuse it",
        "The call was tried on the newest state of the chain, and a contract refused it. Nothing was sent.",
        "The detail names the reason that the contract gives. Change what is asked, or wait until the state allows it.",
    ),
    ProblemType(
        "too-many-requests",
        429,
        "Too many requests",
        "The credential or network address has used up its requests for the moment, or all workers for long work are taken.",
        "Wait for the seconds of `Retry-After`, and then go on more slowly.",
        1,
    ),
    ProblemType(
        "internal-error",
        500,
        "The server made a mistake",
        "The program met something that it was not written for. It is in the server's log under the request's number.",
        "Try again later. Tell whoever runs the server the number in the `X-Request-Id` header.",
    ),
    ProblemType(
        "chain-away",
        503,
        "The chain does not answer",
        "The operation needs the chain itself, and its node does not answer. Reads that do not need it go on, and say since when what "
        "they show is stale.",
        "Try again after the seconds of `Retry-After`. GET /v1/status says since when the chain is away.",
        5,
    ),
    ProblemType(
        "journal-away",
        503,
        "The journal cannot be read",
        "The operation needs the node's journal, and it is not there or cannot be read.",
        "Try again after the seconds of `Retry-After`. GET /v1/status says since when the journal is away.",
        5,
    ),
    ProblemType(
        "broker-away",
        503,
        "The broker does not answer",
        "Telemetry goes on to the broker, which is not connected. Nothing was accepted: the gateway keeps its data.",
        "Send the same envelopes again after the seconds of `Retry-After`.",
        5,
    ),
    ProblemType(
        "part-away",
        503,
        "A part of the server does not answer",
        "Something that the operation needs is not there at the moment: a database file, a disk, a service.",
        "Try again after the seconds of `Retry-After`. If it lasts, tell whoever runs the server.",
        5,
    ),
)
PROBLEM_TYPES: dict[str, ProblemType] = {each.slug: each for each in _ALL}
"""By slug."""

BY_STATUS = {
    400: "malformed-request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    409: "conflict",
    413: "too-large",
    414: "address-too-long",
    415: "unsupported-media-type",
    422: "invalid-parameter",
    429: "too-many-requests",
    500: "internal-error",
    503: "part-away",
}
"""What an error that names only its status is taken for."""


def problem_type(slug: str) -> ProblemType:
    """Look a type up. Raises KeyError: a slug that this table lacks is a mistake of the program."""
    return PROBLEM_TYPES[slug]


def type_of_status(status: int) -> ProblemType:
    """Return the type for an error of which only the status is known."""
    slug = BY_STATUS.get(status)
    if slug is not None:
        return PROBLEM_TYPES[slug]
    known = "malformed-request" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal-error"
    return PROBLEM_TYPES[known]
