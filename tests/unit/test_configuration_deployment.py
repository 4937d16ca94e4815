"""The configuration of `heliograph deploy`: the example passes its own check, and what is wrong is named."""

import re

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from api.configuration.deployment import EXAMPLE, DeployConfig
from contracts.plan import CONSTRUCTORS
from contracts.state import Role

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
OTHER = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"


def run(*arguments, **variables):
    return CliRunner().invoke(heliograph, ["deploy", *map(str, arguments)], env=variables)


@pytest.fixture
def example(tmp_path):
    path = tmp_path / "deploy.toml"
    path.write_text(run("--example").stdout)
    return path


def test_the_example_passes_its_own_check(example):
    checked = run("--config", example, "--check")
    assert (checked.exit_code, checked.stdout) == (0, f"{example}: ok\n")
    assert "keys/deployer.hex is not there yet" in checked.stderr


def test_the_example_names_every_role_but_the_engines(example):
    plan = DeployConfig.load(example).plan()
    assert {grant.role for grant in plan.grants} == set(Role) - {Role.SETTLER}
    assert list(plan.addresses) == list(CONSTRUCTORS)


def test_the_same_file_gives_the_same_addresses_and_another_salt_others(example):
    plan = DeployConfig.load(example).plan()
    assert plan.addresses == DeployConfig.load(example).plan().addresses
    example.write_text(EXAMPLE.replace('salt = "production-1"', 'salt = "production-2"'))
    assert not set(plan.addresses.values()) & set(DeployConfig.load(example).plan().addresses.values())


def test_the_signers_order_does_not_matter(example):
    plan = DeployConfig.load(example).plan()
    lines = EXAMPLE.splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if line.startswith('  "0x'))
    lines[first : first + 4] = reversed(lines[first : first + 4])
    example.write_text("".join(lines))
    assert DeployConfig.load(example).plan().addresses == plan.addresses


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("chain_id = 31337", "chain_id = 0", "chain.chain_id"),
        ("chain_id = 31337", "", "chain.chain_id: Field required"),
        ('rpc_url = "http', 'rpc_url = "ftp', "chain.rpc_url"),
        (f'address = "{ADDRESS}"', f'address = "{ADDRESS.lower()}"', "is no checksummed address"),
        (f'address = "{ADDRESS}"', 'address = "me"', "is no checksummed address"),
        ('salt = "production-1"', 'salt = ""', "deployment.salt"),
        ('currency = "test"', 'currency = "HKD"', "deployment.currency"),
        ("threshold = 3", "threshold = 2", "threshold 2 is not between two thirds and all of 4 signers"),
        ("threshold = 3", "threshold = 5", "threshold 5 is not between"),
        (f'  "{OTHER}"', f'  "{ADDRESS}"', "a signer is there more than once"),
        ("activation_delay_s = 3600", "activation_delay_s = -1", "oracle.activation_delay_s"),
        ("activation_delay_s = 3600", "", "oracle.activation_delay_s: Field required"),
        ('name = "admin"', 'name = "registrar"', 'there is no [[role]] with name = "admin"'),
        ('name = "admin"', 'name = "settler"', "'settler' is not one of admin, guardian"),
        ('name = "admin"', "name = 0", "0 is not one of admin, guardian"),
        ("delay_s = 604800", "delay_s = 0", "a trustee writes down through a timelock"),
        ("delay_s = 604800", "delay_s = 99999999999", "role.6.delay_s"),
        ('name = "buffer_keeper"', 'name = "share_issuer"', f"role share_issuer is given to {OTHER} more than once"),
        ('level = "info"', 'level = "info"\nfast = true', "log.fast"),
        ("[oracle]", "[oracle", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(example, old, new, complaint):
    assert old in EXAMPLE
    example.write_text(EXAMPLE.replace(old, new, 1))
    checked = run("--config", example, "--check")
    assert (checked.exit_code, checked.stdout) == (2, "")
    assert complaint in checked.stderr
    assert checked.stderr.count("\n") == 1


def test_a_guardian_is_never_delayed(example):
    example.write_text(re.sub(r'(name = "guardian".*\naccount = .*\n)', r"\1delay_s = 60\n", EXAMPLE))
    assert "a guardian that waits guards nothing" in run("--config", example, "--check").stderr


def test_a_wrong_key_is_found_without_a_network(example):
    key = example.parent / "keys" / "deployer.hex"
    key.parent.mkdir()
    key.write_text("07" * 32)
    key.chmod(0o600)
    checked = run("--config", example, "--check")
    assert checked.exit_code == 2
    assert f"and [deployer] names {ADDRESS}" in checked.stderr
    key.unlink()
    checked = run("--config", example, "--check", HELIOGRAPH_DEPLOYER_KEY="07" * 32)
    assert checked.exit_code == 2
    assert "HELIOGRAPH_DEPLOYER_KEY: is the key of" in checked.stderr
    assert "0707" not in checked.stderr


def test_without_a_file_it_says_how_to_get_one():
    refused = run()
    assert refused.exit_code == 2
    assert "--example prints one" in refused.stderr
