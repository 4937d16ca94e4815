"""What `heliograph node` and `heliograph gateway` run beside their loop: health, metrics, projection."""
