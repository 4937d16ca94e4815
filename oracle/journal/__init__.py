"""The durable record: every accepted envelope, every rejection, every report and every ledger entry.

`schema` (tables, versions), `links` (tamper evidence), `journal` (the one class that reads and writes), `records` (rows
as types).
"""
