"""Who may call what, written down a second time and by hand: what the program's own table must come to over HTTP.

Columns are statuses for: nobody (no credentials); the owner, asking for their own; the owner, asking for another's; an operator whose
key has every scope; an auditor likewise; then the scope without which a key gets 403. `-` where there is nothing that could be
another's, and where no scope is needed.
"""

from dataclasses import dataclass

TABLE = """
healthz             GET     /healthz                                         200 200  -   200 200 -
readyz              GET     /readyz                                          200 200  -   200 200 -
metrics             GET     /metrics                                         200 200  -   200 200 -
status              GET     /v1/status                                       200 200  -   200 200 -
reports             GET     /v1/reports                                      200 200  -   200 200 -
report              GET     /v1/reports/{epoch}                              200 200  -   200 200 -
anchor              GET     /v1/anchor                                       200 200  -   200 200 -
feeds               GET     /v1/feeds                                        200 200  -   200 200 -
retirements         GET     /v1/retirements                                  200 200  -   200 200 -
retirement          GET     /v1/retirements/{number}                         200 200  -   200 200 -
retirement_proof    GET     /v1/retirements/{number}/proof                   200 200  -   200 200 -
certificate_pdf     GET     /v1/retirements/{number}/certificate.pdf         200 200  -   200 200 -
retirement_qr       GET     /v1/retirements/{number}/qr.svg                  200 200  -   200 200 -
tokens              GET     /v1/tokens                                       200 200  -   200 200 -
token               GET     /v1/tokens/{credit_id}                           200 200  -   200 200 -

session_nonce       POST    /v1/sessions/nonce                               200 200  -   200 200 -
session_open        POST    /v1/sessions                                     201 201  -   201 201 -
session_current     GET     /v1/sessions/current                             200 200  -   200 200 -
session_close       DELETE  /v1/sessions/current                             401 204  -   403 403 -

keys_list           GET     /v1/keys                                         401 200  -   200 403 keys
keys_create         POST    /v1/keys                                         401 201  -   201 403 keys
keys_revoke         DELETE  /v1/keys/{key_id}                                401 204 404  204 403 keys
audit               GET     /v1/audit                                        401 200  -   200 200 audit
owner_get           GET     /v1/owners/{address}                             401 200 404  200 403 owners
owner_put           PUT     /v1/owners/{address}                             401 204 404  204 403 owners
owner_erase         DELETE  /v1/owners/{address}                             401 204 404  204 403 owners

assets              GET     /v1/assets                                       401 200  -   200 200 read
asset               GET     /v1/assets/{asset_id}                            401 200 404  200 200 read
production          GET     /v1/assets/{asset_id}/production                 401 200 404  200 200 read
accounts            GET     /v1/assets/{asset_id}/accounts                   401 200 404  200 200 read
readings            GET     /v1/assets/{asset_id}/readings                   401 200 404  200 200 read
power               GET     /v1/assets/{asset_id}/power                      401 200 404  200 200 read
portfolio           GET     /v1/portfolio                                    401 200  -   200 200 read
explanation         GET     /v1/assets/{asset_id}/explanation                401 200 404  200 200 read
asset_proof         GET     /v1/assets/{asset_id}/proof                      401 200 404  200 200 read
interval_proof      GET     /v1/assets/{asset_id}/proof/{start}              401 200 404  200 200 read
evidence_released   GET     /v1/assets/{asset_id}/release                    401 200 404  200 200 read
evidence_release    PUT     /v1/assets/{asset_id}/release                    401 200 404  403 403 release
documents_list      GET     /v1/assets/{asset_id}/documents                  401 200 404  200 200 read
document_put        PUT     /v1/assets/{asset_id}/documents/{sha256}         401 201 404  201 403 documents
document_get        GET     /v1/assets/{asset_id}/documents/{sha256}         401 200 404  200 200 read

asset_register      POST    /v1/assets                                       401 403 403  200 403 registry
asset_commission    POST    /v1/assets/{asset_id}/commissioning              401 403 403  200 403 registry
meter_add           POST    /v1/assets/{asset_id}/meters                     401 403 403  200 403 registry
meter_key_rotate    PUT     /v1/assets/{asset_id}/meters/{meter_id}/key      401 403 403  200 403 registry
meter_key_revoke    DELETE  /v1/assets/{asset_id}/meters/{meter_id}/key      401 403 403  200 403 registry

holdings            GET     /v1/credits                                      401 200  -   200 200 read
credit_retire       POST    /v1/credits/retirements                          401 200  -   403 403 transactions
credit_draw         POST    /v1/credits/draws                                401 200 404  403 403 transactions
entitlement         GET     /v1/revenue                                      401 200  -   200 200 read
receivables         GET     /v1/revenue/months                               401 200  -   200 200 read
deposits            GET     /v1/revenue/deposits                             401 200 404  200 200 read
claims              GET     /v1/revenue/claims                               401 200 404  200 200 read
revenue_claim       POST    /v1/revenue/claims                               401 200  -   403 403 transactions
revenue_deposit     POST    /v1/revenue/deposits                             401 200 200  403 403 transactions
share_permit        POST    /v1/revenue/permits                              401 200  -   403 403 transactions
transaction_status  GET     /v1/transactions/{transaction_hash}              401 200  -   200 200 read

events              GET     /v1/events                                       401 200 404  200 200 read
webhooks_list       GET     /v1/webhooks                                     401 200  -   200 403 webhooks
webhook_create      POST    /v1/webhooks                                     401 201 404  201 403 webhooks
webhook_delete      DELETE  /v1/webhooks/{webhook_id}                        401 204 404  204 403 webhooks
webhook_test        POST    /v1/webhooks/{webhook_id}/test                   401 202 404  202 403 webhooks
telemetry           POST    /v1/telemetry                                    401 403  -   200 403 telemetry
"""
PAGES = """
/ /plants/{asset_id} /credits /revenue /network /explorer /explorer/{credit_id} /certificates/{number} /docs /favicon.ico
/assets/{release}/{path:path} /openapi.json /problems /problems/{slug}
"""
"""Whatever else the server answers: files that are the same for everybody, GET only."""


@dataclass(frozen=True)
class Row:
    """One operation, and what becomes of it."""

    operation: str
    method: str
    path: str
    public: int
    own: int
    other: int | None
    operator: int
    auditor: int
    scope: str | None

    @property
    def is_public(self) -> bool:
        """Whether it needs no credentials."""
        return self.public < 400

    @property
    def is_write(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"


def _row(line: str) -> Row:
    operation, method, path, public, own, other, operator, auditor, scope = line.split()
    return Row(
        operation, method, path, int(public), int(own), None if other == "-" else int(other), int(operator),
        int(auditor), None if scope == "-" else scope,
    )  # fmt: skip


ROWS = tuple(_row(line) for line in TABLE.splitlines() if line.strip())
