"""Every surface that people and programs touch: the `heliograph` command, the demo, the HTTP API. Signs nothing, owns only views."""
