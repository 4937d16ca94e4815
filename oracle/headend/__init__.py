"""Broker -> journal -> acknowledgement.

`admission` decides what is accepted (pure: bytes, registry and time in, verdicts out); `receiver` takes messages from
the broker (`inbox`), commits them in groups, and only then acknowledges; `refusal_quota` bounds what is kept of refused
ones. `workers` keeps several of them going, each in a process of its own (`worker`).
"""
