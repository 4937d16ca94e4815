"""The HTTP API under requests that Schemathesis makes up from its description, with each role's credentials."""

import random
import re
import time
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import checks as checks_of
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.openapi import checks as _openapi_checks  # noqa: F401  registers what is used below

from api.access.principal import Role
from tests.support.authorisation_table import ROWS
from tests.support.authorised_site import SEQUENCE

schemathesis.serializer.alias(SEQUENCE, "application/octet-stream")
EXAMPLES = 4
"""Requests made up in one go for one operation, role and kind of request."""
TIMEOUT_S = 20
REAL_NAMES = 0.7
"""Share of well-formed requests whose path names something that is there."""
NOTHING_WRONG = "Invalid component: positive test case"
"""What Schemathesis says where it put a name that it had seen in place of the wrong one, and finds nothing wrong any more."""
WRONG = re.compile(r"(query|header)(?:: | - )violates [^\n]* at /properties/([\w-]+)")
"""How Schemathesis names a parameter that it made wrong."""
REFUSALS = [400, 401, 403, 404, 405, 406, 409, 413, 414, 415, 422, 428, 429, "5xx"]
"""Answers by which wrong requests are known to be refused: what Schemathesis expects, and what is too long."""
PROBLEM = "application/problem+json"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
)
"""Checks of Schemathesis; that well-formed requests are taken is left out: names must exist, and the chain has a say."""


class Fuzzing:
    """One run against one site."""

    def __init__(self, site, seed_number):
        self.site = site
        self.chance = random.Random(seed_number)
        refusals = {"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}}
        self.schema = schemathesis.openapi.from_url(
            f"{site.address}/openapi.json", config=SchemathesisConfig.from_dict(refusals)
        )
        self.operations = {
            found.ok().definition.raw["operationId"]: found.ok() for found in self.schema.get_all_operations()
        }
        self.rows = {row.operation: row for row in ROWS}
        self.calls = Counter()
        self.good = Counter()
        self.failures = {}
        self.types = set()
        self._checks = checks_of.CHECKS.get_by_names(CHECKS)
        self._http = requests.Session()
        self._http.trust_env = False

    def credentials(self, role):
        """Fresh ones: some operations use them up."""
        match role:
            case Role.PUBLIC:
                return {}
            case Role.OWNER:
                token = self.site.session(self.site.owner)
            case _:
                token = self.site.key(role)
        return {"Authorization": f"Bearer {token}"}

    def known(self, name):
        """Send the request that is known to succeed, for each role that may, and hold the answer against the description."""
        row, operation = self.rows[name], self.operations[name]
        for role in Role:
            if _expected(row, role) >= 300:
                continue
            names = self._names(row)
            method, path, parts = self.site.request_of(row, names)
            split = urlsplit(path)
            query = dict(parse_qsl(split.query)) | parts.get("params", {})
            case = operation.Case(
                method=method,
                path_parameters=_path_parameters(operation.path, split.path),
                query=query or None,
                headers=dict(parts.get("headers", {})) or None,
                **({"body": parts["json"], "media_type": "application/json"} if "json" in parts else {}),
                **(
                    {"body": parts["content"], "media_type": parts["headers"]["content-type"]}
                    if "content" in parts
                    else {}
                ),
            )
            self._send(name, role, case, self.credentials(role))

    def made_up(self, name, role, mode):
        """Send some requests that were made up."""
        operation, headers = self.operations[name], self.credentials(role)

        @seed(self.chance.getrandbits(32))
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(operation.as_strategy(generation_mode=mode))
        def send(case):
            if mode is GenerationMode.POSITIVE and case.path_parameters and self.chance.random() < REAL_NAMES:
                row = self.rows[name]
                names = self._names(row)
                case.path_parameters |= {key: names[key] for key in case.path_parameters if names.get(key) is not None}
            self._send(name, role, case, headers)

        try:
            send()
        except Unsatisfiable:  # nothing about the operation can be wrong
            return

    def _names(self, row):
        """Names of what is there, and is the owner's."""
        if "webhook" in row.path:  # an account has 20 at most
            token = self.site.session(self.site.owner)
            for each in self.site.call("GET", "/v1/webhooks", token).json()["items"][10:]:
                self.site.call("DELETE", f"/v1/webhooks/{each['webhook_id']}", token)
        return self.site.with_things(row, self.site.names(self.site.owner), self.site.owner)

    def run(self, seconds):
        """Every known request once, then made-up ones in random order until the time is up."""
        deadline = time.monotonic() + seconds
        for name in self.operations:
            if name in self.rows:
                self.known(name)
        pairs = [
            (name, role, mode)
            for name in self.operations
            for role in Role
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        ]
        while True:
            self.chance.shuffle(pairs)
            for pair in pairs:
                if time.monotonic() > deadline:
                    return
                self.made_up(*pair)

    def _send(self, name, role, case, credentials):
        headers = {"Accept": "application/json, */*;q=0.5", **credentials}
        self._http.cookies.clear()  # of a session that was opened
        try:
            response = case.call(session=self._http, headers=headers, timeout=TIMEOUT_S)
        except requests.exceptions.InvalidHeader:
            return  # made up so that no client could send it
        except requests.exceptions.RequestException as error:
            self._note(name, role, f"no answer: {type(error).__name__}", str(error)[:300], case)
            return
        self.calls[name] += 1
        if 200 <= response.status_code < 300:
            self.good[name] += 1
        else:
            self._hold_problem(name, role, case, response)
        try:
            case.validate_response(response, checks=self._checks, headers=headers)
        except BaseExceptionGroup as group:
            for error in group.exceptions:
                if NOTHING_WRONG in str(error) or was_not_sent(str(error), response.request):
                    continue
                title = f"{response.status_code}: {getattr(error, 'title', type(error).__name__)}"
                self._note(name, role, title, str(error)[:600], case)

    def _hold_problem(self, name, role, case, response):
        """An error is a problem document that says what to do, of a type that this server explains."""
        status = response.status_code
        if status == 304:
            return
        faults = []
        if response.headers.get("content-type", [""])[0] != PROBLEM:
            faults.append(f"{status} is {response.headers.get('content-type')}")
        else:
            document = response.json()
            self.types.add(document.get("type"))
            faults += [f"no {member}" for member in ("type", "title", "detail", "instance") if not document.get(member)]
            if document.get("status") != status:
                faults.append("another status in the document")
        if status == 401 and "www-authenticate" not in response.headers:
            faults.append("401 without WWW-Authenticate")
        if status in (429, 503) and "retry-after" not in response.headers:
            faults.append(f"{status} without Retry-After")
        if status >= 500:
            faults.append(f"{status} though nothing was stopped: {response.content[:300]!r}")
        for fault in faults:
            self._note(name, role, fault, response.content[:300].decode("utf-8", "replace"), case)

    def _note(self, name, role, title, text, case):
        if (name, title) not in self.failures:
            self.failures[name, title] = f"{name} as {role}: {title}\n  {text}\n  {_curl(case)}"


def was_not_sent(told, sent):
    """Whether all that Schemathesis says it made wrong is not in the request: an empty list of a query, a header that is ours."""
    wrong = WRONG.findall(told)
    names = dict(parse_qsl(urlsplit(sent.url).query, keep_blank_values=True))
    return len(wrong) == told.count("violates") > 0 and all(
        (where == "query" and name not in names) or (where == "header" and name == "Authorization")
        for where, name in wrong
    )


def _expected(row, role):
    """Status that the table has for a role's own things."""
    return {
        Role.PUBLIC: row.public, Role.OWNER: row.own, Role.OPERATOR: row.operator, Role.AUDITOR: row.auditor,
    }[role]  # fmt: skip


def _path_parameters(template, path):
    """Names in a path, by its template."""
    return {
        part[1:-1]: value
        for part, value in zip(template.split("/"), path.split("/"), strict=True)
        if part.startswith("{") and part.endswith("}")
    }


def _curl(case):
    try:
        return case.as_curl_command()[:700]
    except Exception as error:  # noqa: BLE001  it only says what was sent
        return f"{case.method} {case.path} ({error})"
