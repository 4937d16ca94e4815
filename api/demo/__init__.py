"""The whole system on one machine: plants, broker, four oracle nodes, chain and API."""
