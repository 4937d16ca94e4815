"""The demo's HTTP API and dashboard: the same application as `heliograph api`, and beside it the wallet of the demo's owners."""

import logging
from collections.abc import Callable
from contextlib import ExitStack

from rich.console import Console

from api.access.keys import scopes_of
from api.access.principal import Role
from api.app import create_app
from api.assembly import assembled
from api.clocks import system_ms
from api.demo.cast import Cast
from api.demo.wallet import DemoWallet
from api.demo.wallet_routes import DemoPages
from api.demo.world import World
from api.ports import free_port
from api.server import serve
from api.services import Services

log = logging.getLogger(__name__)

IDLE_S = 0.5
"""Pause before journal and chain are looked at again [s]."""
IDLE_ONCE_S = 60.0
"""The same in a demo that ends by itself: nobody looks for long, and the days are settled sooner."""
MOST_PLANTS = 1000
"""As many as a demo can have, and more."""
STATE = "api"
"""Folder of the application's own files, in that of the demo."""


def serve_world(
    world: World, port: int, stack: ExitStack, cast: Cast | None, clock_ms: Callable[[], int] = system_ms
) -> tuple[str, Services]:
    """Serve a world until the stack is left; return the address, and what is served.

    Args:
        world: journal and chain.
        port: where; 0 for a free one.
        stack: ends it.
        cast: whose wallet is offered; None for no wallet.
        clock_ms: the plants' clock [ms UTC].

    Raises:
        OSError: the port is taken.

    """
    port = port or free_port()  # sign-in names the address, so it must be known before
    url = f"http://127.0.0.1:{port}"
    demo = None if cast is None else DemoPages(DemoWallet(world.chain.connect, cast.owners), url)
    idle_s = IDLE_S if cast is not None else IDLE_ONCE_S
    site = world.site(world.folder / STATE, url, clock_ms, idle_s)
    services = stack.enter_context(assembled(site, demo=demo))
    address = stack.enter_context(serve(create_app(services), port))
    if services.notices is not None:
        stack.callback(services.notices.hub.close)  # the server would wait for open event streams
    return address, services


def introduce(console: Console, services: Services, cast: Cast, address: str) -> None:
    """Say where to look, as whom to sign in, and what programs send; let everyone check credits down to the meters."""
    _, token = services.access.keys.make(
        role=Role.OPERATOR, scopes=scopes_of(Role.OPERATOR), label="demo", now_ms=services.access.now_ms()
    )
    for asset in services.projection.assets(None, None, MOST_PLANTS).items:
        if asset.claim_right == "credit":  # these owners have agreed: credits of one may rest on a plant of the other
            services.access.releases.put(
                asset.asset_id, released=True, address=asset.beneficiary, now_ms=services.access.now_ms()
            )
    console.print(f"open [bold]{address}[/bold] and sign in with the demo wallet, as owner {cast.owners[0].address}")
    console.print(f"an operator's key, shown only here: {token}", highlight=False, soft_wrap=True)
