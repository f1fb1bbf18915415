"""Keeps what spans sites alike: one daemon for each site (``federator sync --site tokyo``)."""
