"""Documents that owners and operators hand in, kept by the hash of their content."""
