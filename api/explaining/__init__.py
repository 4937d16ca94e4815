"""Why an hour was attested, withheld or disputed, in plain words."""
