"""Time series to look at: one port (`port`), read straight from the journal (`embedded`). Nothing is ever settled from here."""
