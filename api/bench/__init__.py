"""`heliograph bench`: figures beside the limit and a peer, measured in one run."""
