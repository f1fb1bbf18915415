"""A client asks for addresses that it cannot have; said as Neutron says it."""


class Refused(Exception):
    """The answer to the client: Neutron's type of error, and its status."""

    def __init__(self, status: int, type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.type = type


class Elsewhere(Refused):
    """Another site has the address, and may let it go (`sync.ipam.moves`)."""


NOT_READ = "It is not yet known which addresses are in use at every site. Please try again."
