"""What the fuzz tests pass over: only wrong parts that Schemathesis made up and that never were in the request."""

from types import SimpleNamespace

import pytest

from tests.support.api_fuzzing import was_not_sent

EMPTY_LIST = """Invalid component:
  - query: violates `anyOf` at /properties/after
  - header: violates `format` at /properties/Authorization"""
ONE = "Invalid component: parameter `after` in query - violates `anyOf` at /properties/after"
REQUIRED = """Invalid component:
  - query: violates `required`
  - header: violates `format` at /properties/Authorization"""
OTHER_HEADER = "Invalid component: header: violates `format` at /properties/Idempotency-Key"


@pytest.mark.parametrize(
    ("told", "query", "passed_over"),
    [
        (EMPTY_LIST, "limit=204&format=json", True),
        (EMPTY_LIST, "limit=204&after=1", False),
        (EMPTY_LIST, "limit=204&after=", False),
        (ONE, "limit=204", True),
        (ONE, "after=false", False),
        (REQUIRED, "limit=204", False),
        (OTHER_HEADER, "limit=204", False),
        ("something else", "limit=204", False),
    ],
)
def test_only_what_was_not_sent_is_passed_over(told, query, passed_over):
    assert was_not_sent(told, SimpleNamespace(url=f"http://127.0.0.1/v1/audit?{query}")) is passed_over
