"""``/federation/v1``: what the gateway tells of itself, for dashboards and scripts."""
