"""Who may do what: principals, permissions, sign-in, keys, audit, limits, owners' details."""
