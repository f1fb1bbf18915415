"""The version documents of all services, and the microversions that every site has."""
