"""What tests do with the pages of the dashboard, as a user does it in a browser."""


def open_page(page, path: str):
    """Go to a page of the demo and wait until its words are there and its strip has figures."""
    page.goto(path)
    page.locator("html[data-ready]").wait_for()
    if page.locator("#strip").count():
        page.locator('.station[data-station="minted"] .station-count:not(:empty)').wait_for()
    return page


def sign_in(page) -> None:
    """Sign in with the demo wallet, as the first of the demo's owners."""
    page.locator("[data-sign-in]").first.click()
    page.locator('[data-wallet^="demo.heliograph"]').click()
    page.locator(".session-who").wait_for(state="attached")
    page.locator("html[data-ready]").wait_for()
