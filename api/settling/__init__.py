"""Recorded or signed readings settled without a network, and the sky that bounds them."""
