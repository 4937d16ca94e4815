"""Broker -> journal -> acknowledgement.

`admission` decides what is accepted (pure: bytes, registry and time in, verdicts out); `receiver` takes messages from
the broker, commits them in groups, and only then acknowledges.
"""
