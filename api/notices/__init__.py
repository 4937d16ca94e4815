"""What happened, told as it happens: live events, webhooks, and telemetry that comes over HTTP."""
