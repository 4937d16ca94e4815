"""`heliograph api`: its file, its keys, its help, without a server."""

import json
import re

import pytest
from click.testing import CliRunner

from api.access.database import AccessFile
from api.cli import heliograph
from api.configuration.api import EXAMPLE, ApiConfig
from oracle.errors import ConfigError

KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
OWNER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def run(*arguments):
    return CliRunner().invoke(heliograph, [str(argument) for argument in arguments])


@pytest.fixture(name="config")
def written_example(tmp_path):
    path = tmp_path / "api.toml"
    path.write_text(EXAMPLE)
    return path


def test_the_example_passes_the_check_and_names_what_is_missing(config):
    printed = run("api", "--example")
    assert (printed.exit_code, printed.stdout) == (0, EXAMPLE)
    checked = run("api", "--config", config, "--check")
    assert (checked.exit_code, checked.stdout) == (0, f"{config}: ok\n")
    assert re.findall(r"/(\S+) is not there yet", checked.stderr.replace(str(config.parent), "")) == [
        "rules.toml",
        "address-book.json",
    ]


def test_the_example_is_good_with_everything_that_it_leaves_out(tmp_path):
    text = re.sub(r"^# (?=\S+ *=|\[)", "", EXAMPLE, flags=re.MULTILINE)
    (tmp_path / "api.toml").write_text(text)
    config = ApiConfig.load(tmp_path / "api.toml")
    assert config.telemetry.gateway == "http-1"
    assert config.api.archives_folder == tmp_path / "state/archives"
    assert config.api.places == tmp_path / "places.toml"
    assert set(map(str, config.broker.files())) < set(config.check())


def test_without_rules_and_address_book_it_does_not_start(config):
    refused = run("api", "--config", config)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert "rules.toml is not there" in refused.stderr
    assert [path.name for path in config.parent.iterdir()] == ["api.toml"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('name = "api-1"', 'name = "api 1"', "api.name: name 'api 1' is not an identifier"),
        ('state = "state/api"', 'state = "state"', "api.state: must not be the folder of the journal"),
        (
            '"https://sun.example"',
            '"sun.example"',
            "api.public_url: 'sun.example' is not of the form https://host[:port]",
        ),
        ('"https://sun.example"', '"https://sun.example/api"', "only scheme, host and port belong here"),
        ('"https://sun.example"', '"https://me:secret@sun.example"', "only scheme, host and port belong here"),
        ("port = 8080", "port = 70000", "api.port: Input should be less than or equal to 65535"),
        ('finality = "finalized"', 'account_key = "k"', "the api signs nothing and sends nothing"),
        ("# [broker] ", '[broker]\nurl = "mqtts://b"\n#', "[broker] and [telemetry] go together"),
        ("[api]", "[api", "is not TOML"),
        ("port = 8080", "portt = 8080", "api.portt: Extra inputs are not permitted"),
    ],
)
def test_a_fault_is_named_with_its_place(config, old, new, complaint):
    assert old in EXAMPLE
    config.write_text(EXAMPLE.replace(old, new, 1))
    refused = run("api", "--config", config, "--check")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert complaint in refused.stderr
    assert str(config) in refused.stderr
    assert "secret" not in refused.stderr


def test_the_domain_of_sign_ins_has_the_port_that_browsers_see(config):
    config.write_text(EXAMPLE.replace("https://sun.example", "http://127.0.0.1:8080/"))
    settings = ApiConfig.load(config).api
    assert (settings.public_url, settings.domain) == ("http://127.0.0.1:8080", "127.0.0.1:8080")


def test_copies_are_no_more_than_nodes():
    with pytest.raises(ValueError, match="copies is 2, but only 1 nodes are named"):
        ApiConfig.model_validate(
            {
                "api": {"name": "a", "network": "n", "journal": "j/j", "rules": "r", "state": "s", "public_url": "http://h"},
                "chain": {"rpc_url": "http://h", "address_book": "b"},
                "broker": {"url": "mqtt://h"},
                "telemetry": {
                    "gateway": "g",
                    "copies": 2,
                    "node": [{"name": "n", "ack_alg": "eddsa", "ack_key": KEY}],
                },
            }
        )  # fmt: skip


def test_a_key_is_made_once_listed_without_itself_and_revoked(config):
    made = json.loads(
        run("api", "key", "make", "--config", config, "--role", "operator", "--scope", "read", "--days", 7).stdout
    )
    assert made["key"].startswith(f"hgk_{made['key_id']}_")
    assert made["scopes"] == ["read"]
    listed = run("api", "--config", config, "key", "list")
    assert made["key"] not in listed.stdout
    assert [each["key_id"] for each in json.loads(listed.stdout)] == [made["key_id"]]
    revoked = run("api", "key", "revoke", made["key"], "--config", config)
    assert revoked.stdout == f"{made['key_id']}: 1 revoked\n"
    again = run("api", "key", "revoke", made["key_id"], "--config", config)
    assert again.stdout == f"{made['key_id']}: was revoked or made void before\n"
    audit = json.loads(run("api", "audit", "--config", config).stdout)
    assert audit["rows"] == 3
    (file,) = (config.parent / "state/api").glob("access.sqlite")
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["make", "--role", "operator"], "--scope is missing; a key of role operator can have audit, documents"),
        (["make", "--role", "auditor", "--scope", "registry"], "a key of role auditor can have the scopes audit, read"),
        (["make", "--role", "owner", "--scope", "read"], "an owner's key, and no other, names an address"),
        (["make", "--role", "owner", "--scope", "read", "--address", OWNER.lower()], "no address with its capitals"),
        (["make", "--role", "operator", "--scope", "read", "--days", "4000"], "within 1100 days"),
        (["revoke", "0123456789ab"], "there is no key 0123456789ab"),
    ],
)
def test_keys_that_make_no_sense_are_refused(config, arguments, complaint):
    refused = run("api", "key", *arguments, "--config", config)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert complaint in refused.stderr


def test_an_audit_log_that_was_altered_is_found(config):
    run("api", "key", "make", "--config", config, "--role", "auditor", "--scope", "read")
    file = AccessFile(ApiConfig.load(config).api.access_file)
    with file.writing() as connection:
        connection.execute("DROP TRIGGER audit_stands")
        connection.execute("UPDATE audit SET operation = 'nothing'")
    file.close()
    found = run("api", "audit", "--config", config)
    assert (found.exit_code, found.stdout) == (1, "")
    assert "row 1 of the audit log does not follow" in found.stderr


def test_a_file_that_is_no_access_file_is_refused_in_one_line(config):
    folder = config.parent / "state/api"
    folder.mkdir(parents=True)
    (folder / "access.sqlite").write_text("something else entirely, and long enough to be looked at as a database")
    refused = run("api", "key", "list", "--config", config)
    assert refused.exit_code == 2
    assert "cannot be used for access" in refused.stderr
    with pytest.raises(ConfigError):
        ApiConfig.load(folder)
