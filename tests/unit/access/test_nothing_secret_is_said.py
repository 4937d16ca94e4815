"""Tokens, signatures and owners' details appear in no log line, no error and no audit row."""

import logging
import sqlite3

from api.http.request_log import RequestLog


def test_neither_log_nor_errors_nor_audit_hold_a_secret(site, alice, caplog, sign):
    caplog.set_level(logging.DEBUG)
    answers = []
    text = site.message(alice)
    signature = sign(alice, text)
    opened = site.client().post("/v1/sessions", json={"message": text, "signature": signature, "keep": "token"})
    session = opened.json()["token"]
    owner = site.client(authorization=f"Bearer {session}")
    key = owner.post("/v1/keys", json={"scopes": ["read", "keys"], "label": "a program"}).json()["key"]
    owner.put(f"/v1/owners/{alice.address}", json={"name": "Village School", "email": "roof@school.example"})
    program = site.client(authorization=f"Bearer {key}")
    forged = key[:-8] + "0" * 8
    answers += [
        program.get("/v1/keys"),
        program.get("/v1/audit"),
        program.get("/v1/sessions/current"),
        program.delete("/v1/keys/000000000000"),
        site.client(authorization=f"Bearer {forged}").get("/v1/keys"),
        site.client(cookie=f"heliograph_session={session}").delete("/v1/sessions/current"),
        site.client().post("/v1/sessions", json={"message": text, "signature": signature}),
        site.client().post("/v1/sessions", json={"message": text, "signature": signature + "zz"}),
        site.client().post("/v1/sessions", json={"message": [text], "signature": 5, "keep": key}),
        site.client().post("/v1/sessions", content=f'{{"message": "{session}", '.encode()),
        owner.put(f"/v1/owners/{alice.address}", json={"name": "Village School", "email": "roof@@school.example"}),
    ]
    connection = sqlite3.connect(site.path)
    connection.execute("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    connection.commit()
    connection.close()
    answers.append(owner.post("/v1/keys", json={"scopes": ["read"], "label": ""}))  # this one logs a traceback
    assert answers[-1].status_code == 503
    assert any(record.exc_info for record in caplog.records)
    said = caplog.text + "".join(answer.text + str(answer.headers) for answer in answers)
    said += str(site.access.audit.rows(0, 1000))
    for secret in (
        session,
        session.split("_")[2],
        key,
        key.split("_")[2],
        forged.split("_")[2],
        signature,
        signature[2:],
    ):
        assert secret not in said
        assert secret[:40] not in said
    for personal in ("Village School", "roof@school", "roof@@school"):
        assert personal not in said


def test_the_log_of_requests_names_neither_query_nor_credentials(make_site, caplog):
    caplog.set_level(logging.DEBUG)
    site = make_site(middlewares=[RequestLog])
    _, token = site.key()
    site.client(authorization=f"Bearer {token}").get("/v1/keys", params={"token": token})
    site.client().get("/v1/keys", params={"token": token})
    lines = [record for record in caplog.records if record.name.startswith("api.")]
    assert lines
    assert token.split("_")[2] not in "".join(str(vars(record)) for record in lines)
