"""Home, seen through the gateway: logins, tokens with our catalogue, all of its identity API."""
