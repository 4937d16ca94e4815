"""How fast the HTTP API answers, beside an empty route of the same framework."""
