"""Keeping the ID map true: restoring it from the sites, finding what is equal at several sites."""
