"""`heliograph api` has none of the demo: no wallet, no key, no simulated plant, not even by an import that is only made when needed."""

import json
import subprocess
import sys

import grimp
import pytest

PROCESS = ("api.commands.api", "api.processes.api_process", "api.app", "api.assembly")
"""Where `heliograph api` begins."""
NOT_HERE = ("api.demo", "devices.pv_plant", "eth_tester", "contracts.deployment")
SHOW = "import json, sys, {names}; print(json.dumps(sorted(sys.modules)))"


@pytest.fixture(scope="module", name="graph")
def graph_fixture():
    return grimp.build_graph("api", "oracle", "devices", "contracts", include_external_packages=True)


def of(name, package):
    return name == package or name.startswith(f"{package}.")


def test_the_process_is_there_to_be_looked_at(graph):
    assert set(PROCESS) <= graph.modules
    assert {"api.routes.credits", "api.dashboard.pages"} <= graph.find_upstream_modules("api.app")


@pytest.mark.parametrize("package", NOT_HERE)
def test_no_import_leads_from_the_api_to(graph, package):
    for start in PROCESS:
        reached = {start, *graph.find_upstream_modules(start)}
        led_to = sorted(name for name in reached if of(name, package))
        assert not led_to, f"{start} leads to {led_to[0]}: {graph.find_shortest_chain(start, led_to[0])}"


def test_the_demo_itself_would_be_noticed(graph):
    reached = graph.find_upstream_modules("api.demo.run")
    assert any(of(name, "api.demo") for name in reached)
    assert any(of(name, "devices.pv_plant") for name in reached)


def test_nothing_of_the_demo_is_loaded_when_all_of_the_api_is(repository):
    names = ", ".join(PROCESS)
    run = subprocess.run(
        [sys.executable, "-c", SHOW.format(names=names)], capture_output=True, text=True, cwd=repository, check=True
    )
    loaded = json.loads(run.stdout)
    assert "api.app" in loaded
    assert [name for name in loaded if any(of(name, package) for package in NOT_HERE)] == []
