"""PURE. Seeded series of meters with known faults, and the truth about each. Imports nothing of what it is a test for."""
