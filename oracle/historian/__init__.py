"""Time series to look at: one port (`port`), read straight from the journal (`embedded`) or projected into InfluxDB (`influx`).

Nothing is ever settled from here.
"""
