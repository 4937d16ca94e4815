"""Pages that are written straight from rows have the very bytes that their models would have."""

import pytest

from api.bench.api import fleet
from api.bench.api.filling import fill
from api.projection.projection import Projection
from api.projection.views import AccountView, Page, ProductionView
from api.projection.written import account_text, production_text


@pytest.fixture(scope="module", name="year")
def filled(tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "p.sqlite"
    fill(path, 2, 40, lambda _: None)
    projection = Projection.open(path, network="bench")
    yield projection
    projection.close()


@pytest.mark.parametrize("per", ["interval", "hour", "day", "month"])
@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_production(year, per, limit):
    page = year.production(fleet.asset_id(1), 0, 2**50, per, None, limit)
    models = Page[ProductionView](items=page.items, next=page.next)
    assert page.to_json(page.next) == models.model_dump_json().encode()
    assert page.items == [ProductionView.model_validate_json(text) for text in page.texts]
    assert page.items


@pytest.mark.parametrize("standing", [None, "attested", "withheld", "disputed"])
def test_accounts(year, standing):
    page = year.accounts(fleet.asset_id(0), 0, 2**50, standing, None, 300)
    models = Page[AccountView](items=page.items, next=page.next)
    assert page.to_json(page.next) == models.model_dump_json().encode()


@pytest.mark.parametrize("meter", ["met-1", "inv-7/met-1", 'odd "one"\\', "电表\n"])
@pytest.mark.parametrize("start_ms", [0, 1_735_660_800_000, 1_735_660_800_123, 2**45])
def test_odd_names_and_instants(meter, start_ms):
    text = account_text(meter, start_ms, start_ms + 1, "withheld", "uncorroborated", 2**60)
    assert AccountView.model_validate_json(text).model_dump_json() == text
    text = production_text(start_ms, start_ms + 500, 1, 0, 2, start_ms)
    assert ProductionView.model_validate_json(text).model_dump_json() == text
    assert '"minted":false' in text
