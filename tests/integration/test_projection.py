"""What the projection shows of a real system is what its journal and its chain say, on either kind of chain."""

import shutil
import sqlite3
import time
from contextlib import closing
from datetime import date

import pytest

from api.projection import chain_follower
from api.projection.places import Place
from api.projection.projection import Projection
from api.projection.schema import CHAIN_TABLES, JOURNAL_TABLES
from api.proofs.prove import Exporter
from contracts.address_book import connect
from contracts.read_feed import read_feed
from contracts.state import credit_id, to_bytes32
from oracle.errors import ChainError
from tests.support.contract_deployment import revert, snapshot
from tests.support.projected_world import FINALITY, JULY, JUNE, NETWORK, NOBODY, Owners, follow, projected_world

ALL = (0, 2**50)


@pytest.fixture(scope="module", params=["eth-tester", "anvil"])
def owners(request, tmp_path_factory, require):
    if request.param == "anvil":
        require("anvil", shutil.which("anvil"), "npm ci in contracts/, and its anvil on the PATH")
    with projected_world(tmp_path_factory.mktemp("world"), request.param) as world:
        owners = Owners(world)
        owners.draw(5_000)
        owners.retire(1_000, "陳大文", "flight to Vienna", certify=True)
        owners.retire(200, salt=b"a name and salt")
        owners.deposit(JUNE, 1_000_000)
        owners.claim(JUNE)
        owners.deposit(JULY, 40_000_000_000)
        owners.make_feeds()
        yield owners


@pytest.fixture(scope="module")
def projection(owners, tmp_path_factory):
    path = tmp_path_factory.mktemp("projection") / "p.sqlite"
    places = {owners.with_revenue: Place(owners.with_revenue, 22.3, 114.2, "Our roof")}
    with closing(Projection.open(path, network=NETWORK, rules=owners.world.rules, places=places)) as projection:
        follow(projection, owners.world)
        yield projection


def tables(projection, names=(*JOURNAL_TABLES, *CHAIN_TABLES, "asset")):
    with closing(sqlite3.connect(projection._store.path)) as connection:
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def test_assets_have_what_journal_and_chain_have_of_them(owners, projection):
    chain, journal = owners.world.fresh_chain(), owners.world.nodes[0].journal
    registry = chain.registry_at(chain.finalized_block())
    views = projection.assets(None, None, 100).items
    assert [view.asset_id for view in views] == sorted(registry.assets)
    for view in views:
        asset = registry.assets[view.asset_id]
        assert (view.beneficiary, view.nameplate_w, view.project_id) == (
            asset.beneficiary, asset.nameplate_w, asset.project_id,
        )  # fmt: skip
        assert [(m.meter_id, m.thumbprint) for m in view.meters] == [
            (m.meter_id, m.thumbprint.hex()) for m in registry.meters_of(view.asset_id)
        ]
        minted = chain.minted(view.asset_id, owners.vintage)
        assert (view.minted_wh, view.credits_g, view.revenue_minor) == (
            minted.energy_wh, minted.credits_g, minted.revenue_minor,
        )  # fmt: skip
        assert view.attested_wh == sum(e.energy_wh for e in journal.entries(view.asset_id) if e.account.standing == 0)
        assert view.minted_wh == view.attested_wh > 0
        months = projection.production(view.asset_id, *ALL, "month", None, 10).items
        assert [month.minted for month in months] == [True, True]
        assert view.asset_id in projection.assets_of(asset.beneficiary)
    assert projection.asset(owners.with_revenue).name == "Our roof"
    assert projection.asset(owners.with_credits).credit_refusal is None
    assert projection.asset(owners.with_revenue).credit_refusal == "no_right"


def test_credits_are_where_the_contract_has_them(owners, projection):
    credit = connect(owners.web3, owners.world.book, "CarbonCredit")
    project = owners.assets[owners.with_credits].project_id
    token = credit_id(project, owners.vintage)
    issuance = credit.functions.issuanceOf(to_bytes32(project), owners.vintage).call()
    (view,) = projection.credits(frozenset({owners.with_credits}))
    assert view == projection.credit(project, owners.vintage) == projection.credit_by_id(str(token))
    assert (view.issued_g, view.reversed_g, view.offset_g, view.retired_g, view.cancelled_g) == (
        *issuance[:3], issuance[4], issuance[5],
    )  # fmt: skip
    assert view.vault_g == credit.functions.balanceOf(credit.address, token).call()
    assert view.vault_g == credit.functions.inVault(to_bytes32(owners.with_credits), owners.vintage).call() > 0
    assert view.buffer_g == credit.functions.balanceOf(credit.functions.BUFFER().call(), token).call() > 0
    assert view.held_g == 5_000 - 1_200
    assert view.vault_g + view.buffer_g + view.held_g == credit.functions.totalSupply(token).call()
    assert projection.credits(frozenset({owners.with_revenue})) == []
    (own,) = projection.portfolio(frozenset({owners.with_credits})).credits
    assert (own.credits_g, own.retired_g) == (view.issued_g, 1_200)


def test_retirements_are_as_their_certificates_say(owners, projection):
    second, first = projection.retirements(None, 10).items
    assert (first.number, first.grams, first.first_serial, first.last_serial) == (1, 1_000, 1, 1_000)
    assert (first.beneficiary, first.purpose, first.beneficiary_address) == ("陳大文", "flight to Vienna", NOBODY)
    assert (second.first_serial, second.last_serial, second.beneficiary) == (1_001, 1_200, None)
    assert second.beneficiary_hash is not None
    assert (first.certified, second.certified) == (True, False)
    receipt = owners.web3.eth.get_transaction_receipt(first.transaction)
    assert receipt["blockNumber"] == first.block
    if "anvil" in owners.world.chain.name:  # eth-tester answers no proofs of storage
        world = owners.world
        exporter = Exporter(world.nodes[0].journal, NETWORK, (world.rules,), owners.web3, world.book, "latest")
        for view in (first, second):
            stated = exporter.retirement(view.number).body.credits
            assert (stated.first_serial, stated.last_serial) == (view.first_serial, view.last_serial)
            assert sorted({portion.asset_id for portion in stated.portions}) == view.assets


def test_months_are_as_the_contract_counts_them(owners, projection):
    shares = connect(owners.web3, owners.world.book, "RevenueShare").functions
    views = projection.revenue()
    assert {(view.asset_id, view.month) for view in views} == {
        (asset_id, month) for asset_id in owners.assets for month in (JUNE, JULY)
    }
    for view in views:
        attested, written_down, deposited, distributable, paid, is_final = shares.receivable(
            to_bytes32(view.asset_id), view.month
        ).call()
        assert (view.attested_minor, view.written_down_minor, view.paid_minor, view.is_final) == (
            attested, written_down, paid, is_final,
        )  # fmt: skip
        assert view.funded_minor + view.excess_minor == deposited
        if is_final:
            assert view.funded_minor == distributable
    june = next(v for v in views if (v.asset_id, v.month) == (owners.with_revenue, JUNE))
    july = next(v for v in views if (v.asset_id, v.month) == (owners.with_revenue, JULY))
    assert (june.paid_minor, june.funded_minor) == (1_000_000, 1_000_000)
    assert july.excess_minor > 0
    assert [d.minor for d in projection.deposits(None, None, 10).items] == [40_000_000_000, 1_000_000]
    (claim,) = projection.claims(frozenset({owners.with_revenue}), None, 10).items
    assert (claim.minor, claim.month, claim.by) == (1_000_000, JUNE, owners.assets[owners.with_revenue].beneficiary)
    paid = projection.status().stations[5]
    assert paid.paid_minor == june.funded_minor + july.funded_minor
    assert paid.paid_minor + paid.awaited_minor == sum(view.attested_minor for view in views)


def test_reports_are_the_oracles_and_name_who_signed(owners, projection):
    chain = owners.world.fresh_chain()
    second, first = projection.reports(None, 10).items
    signers = chain.signer_set()
    for view in (first, second):
        record = owners.world.nodes[0].journal.report(view.epoch)
        assert view.digest == "0x" + record.report.digest(chain.domain).hex()
        assert view.status == "active"
        assert (view.energy_wh, view.leaf_count) == (record.report.totals.energy_wh, PLANTS_WITH_LEAVES)
        assert [one.address for one in view.signers] == list(signers.signers)
        assert sum(one.signed for one in view.signers) == view.threshold == signers.threshold
    assert second.prev == first.digest
    assert projection.reports(None, 1).next == "2"
    assert projection.reports("2", 1).items == [first]
    stations = {station.name: station for station in projection.status().stations}
    assert (stations["nodes"].agreed, stations["nodes"].of, stations["nodes"].needed) == (3, 4, 3)
    assert (stations["report"].epoch, stations["report"].state_on_chain, stations["report"].state) == (
        2,
        "active",
        "good",
    )
    assert (stations["meters"].reporting, stations["meters"].of) == (3, 3)


PLANTS_WITH_LEAVES = 3


def test_feeds_say_what_the_contracts_answer(owners, projection):
    views = projection.feeds()
    assert len(views) == 6
    for view in views:
        read = read_feed(owners.web3, owners.world.book, view.asset_id or "fleet", view.metric)
        assert view.address.lower() == read["feed"]
        assert view.decimals == read["decimals"]
        assert view.answer == read["answer"]
        assert int(view.updated_at.timestamp()) == read["cutoff"]
        assert view.state == "stale"  # its days are years ago; the contract goes by its chain's clock


def test_readings_and_power_are_the_meters_own(owners, projection):
    plant = next(plant for plant in owners.world.plants if plant.asset_id == owners.with_revenue)
    truth = list(plant.source.between(plant.baseline_ms - 1, 2**50 // 1000 * 0 + plant.baseline_ms + 2 * 86_400_000))
    read, after = [], None
    while True:
        page = projection.readings(plant.asset_id, *ALL, after, 100)
        read += [(view.at.timestamp() * 1000, view.export_wh, view.power_w) for view in page.items]
        if (after := page.next) is None:
            break
    assert read == [(one.time_ms, one.export_wh, one.power_w) for one in truth]
    view = projection.power(plant.asset_id, date(2025, 6, 30))
    assert view.step_s == 300
    assert len(view.points) == 288
    by_step = {(one.time_ms - 1) // 300_000: one.power_w for one in truth}
    assert [point.power_w for point in view.points] == [
        by_step[int(point.at.timestamp()) // 300] for point in view.points
    ]
    assert len(view.hours) == 24
    hours = projection.production(plant.asset_id, *ALL, "hour", None, 1000).items
    assert sum(hour.attested_wh for hour in view.hours) == sum(
        hour.attested_wh for hour in hours if view.hours[0].start <= hour.start < view.hours[-1].end
    )
    assert view.hours[0].attested_wh == 0  # it is night, and the meter said so
    nothing = projection.power(plant.asset_id, date(2025, 5, 1))
    assert {point.power_w for point in nothing.points} == {None}
    assert {hour.attested_wh for hour in nothing.hours} == {None}


def test_a_clear_sky_comes_after_it_was_asked_for(owners, projection):
    assert projection.power(owners.with_credits, date(2025, 6, 30)).clear_sky is None
    deadline = time.monotonic() + 60
    while (sky := projection.power(owners.with_revenue, date(2025, 6, 30)).clear_sky) is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    nameplate_w = projection.asset(owners.with_revenue).nameplate_w
    assert max(point.power_w for point in sky) <= nameplate_w
    assert max(sky, key=lambda point: point.power_w).at.hour in (3, 4, 5)  # noon is at 04:23 UTC
    assert sky[0].power_w == 0


def test_a_portfolio_adds_up(owners, projection):
    whole = projection.portfolio(None)
    assert [asset.asset_id for asset in whole.assets] == sorted(owners.assets)
    assert whole.month is not None
    assert (whole.month.month, whole.month.asset_id) == (JULY, None)
    assert whole.month.attested_minor == sum(v.attested_minor for v in projection.revenue() if v.month == JULY)
    mine = frozenset({owners.with_revenue})
    part = projection.portfolio(mine)
    assert [asset.asset_id for asset in part.assets] == [owners.with_revenue]
    assert part.credits == []
    assert projection.portfolio(frozenset()).assets == []


def test_one_block_at_a_time_comes_to_the_same(owners, projection, tmp_path, monkeypatch):
    monkeypatch.setattr(chain_follower, "BLOCKS_A_STEP", 1)
    with closing(Projection.open(tmp_path / "p.sqlite", network=NETWORK, rules=owners.world.rules)) as slow:
        follow(slow, owners.world)
        assert tables(slow) == tables(projection)
        told = [(e.kind, e.asset_id, e.document) for e in slow.events(0, 10_000) if e.kind != "report_active"]
        assert sorted(map(str, told)) == sorted(
            str((e.kind, e.asset_id, e.document)) for e in projection.events(0, 10_000) if e.kind != "report_active"
        )


def test_what_happens_later_is_added_and_a_restart_reads_nothing_twice(owners, tmp_path):
    path = tmp_path / "p.sqlite"
    with closing(Projection.open(path, network=NETWORK, rules=owners.world.rules)) as projection:
        follow(projection, owners.world)
        seen = projection.last_event()
    owners.retire(7, "later", "again")
    owners.deposit(JUNE, 5)
    with closing(Projection.open(path, network=NETWORK, rules=owners.world.rules)) as projection:
        follow(projection, owners.world)
        assert [event.kind for event in projection.events(seen, 100)] == ["retirement", "deposit"]
        grown = tables(projection)
    with closing(Projection.open(tmp_path / "fresh.sqlite", network=NETWORK, rules=owners.world.rules)) as fresh:
        follow(fresh, owners.world)
        assert tables(fresh) == grown


def test_without_the_chain_the_journal_is_shown_and_the_other_way_round(owners, tmp_path):
    def away():
        raise ConnectionRefusedError

    def chain_is_away(projection):
        return projection.freshness().chain.fault is not None

    with closing(Projection.open(tmp_path / "p.sqlite", network=NETWORK, rules=owners.world.rules)) as projection:
        projection.follow_journal(owners.world.folder / "node-1" / "journal.sqlite").catch_up()
        follower = projection.follow_chain(away, owners.world.book, FINALITY, idle_s=0.05)
        follower.start()
        deadline = time.monotonic() + 10
        while not chain_is_away(projection):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        source = projection.freshness().chain
        assert source.fresh_at is None
        assert source.stale_since is not None
        view = projection.asset(owners.with_revenue)
        assert view.attested_wh > 0
        assert view.minted_wh == 0
        stations = {station.name: station for station in projection.status().stations}
        assert stations["journal"].state == "good"
        assert stations["minted"].state == "none"
        assert (stations["report"].epoch, stations["report"].state_on_chain) == (2, None)
        follower._connect = owners.world.chain.connect
        projection.wait_fresh()
        assert projection.freshness().chain.stale_since is None
        assert projection.asset(owners.with_revenue).minted_wh == view.attested_wh
    with closing(Projection.open(tmp_path / "q.sqlite", network=NETWORK, rules=owners.world.rules)) as projection:
        projection.follow_chain(owners.world.chain.connect, owners.world.book, FINALITY).catch_up()
        view = projection.asset(owners.with_revenue)
        assert (view.attested_wh, view.minted_wh > 0) == (0, True)


def test_a_chain_that_was_made_anew_is_noticed_and_read_anew(owners, tmp_path):
    if "anvil" not in owners.world.chain.name:
        pytest.skip("eth-tester has no snapshots")
    kept = snapshot(owners.web3)
    with closing(Projection.open(tmp_path / "p.sqlite", network=NETWORK, rules=owners.world.rules)) as projection:
        owners.retire(11, "undone", "never was")
        follower = follow(projection, owners.world).chain
        undone = projection.retirements(None, 1).items[0]
        assert undone.beneficiary == "undone"
        revert(owners.web3, kept)
        with pytest.raises(ChainError, match="behind"):
            follower.catch_up()
        assert projection.retirements(None, 1).items == [undone]
        owners.retire(12, "stands", "instead")
        owners.retire(13, "stands", "too")
        follower.catch_up()
        assert [view.beneficiary for view in projection.retirements(None, 2).items] == ["stands", "stands"]
        assert "made anew" in projection.freshness().chain.remark
        with closing(Projection.open(tmp_path / "fresh.sqlite", network=NETWORK, rules=owners.world.rules)) as fresh:
            follow(fresh, owners.world)
            assert tables(fresh, CHAIN_TABLES) == tables(projection, CHAIN_TABLES)


def test_another_deployment_is_read_anew(owners, projection, tmp_path):
    """The file of one deployment, and the address book of another."""
    with (
        closing(sqlite3.connect(projection._store.path)) as source,
        closing(sqlite3.connect(tmp_path / "p.sqlite")) as target,
    ):
        source.backup(target)
        target.execute("UPDATE meta SET content = json_set(content, '$.oracle', '0x00') WHERE name = 'chain'")
        target.execute("UPDATE mark SET energy_wh = 1")
        target.commit()
    with closing(Projection.open(tmp_path / "p.sqlite", network=NETWORK, rules=owners.world.rules)) as moved:
        follow(moved, owners.world)
        assert "another deployment" in moved.freshness().chain.remark
        chain = owners.world.fresh_chain()
        for asset_id in owners.assets:
            assert moved.asset(asset_id).minted_wh == chain.minted(asset_id, owners.vintage).energy_wh
