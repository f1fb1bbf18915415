"""The gateway: one endpoint over many sites, and the command line."""
