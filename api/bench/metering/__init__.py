"""The fault corpus of metering, and how settlement does on it.

`corpus` holds the generator, which knows plants, meters and what goes wrong with them, and nothing of how Heliograph
settles: no module in it imports `oracle`. `settling` is the only one that does; `scoring` compares the two.
"""
