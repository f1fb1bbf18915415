"""What can go wrong on the way to a site, as far as callers treat it differently.

    FederationError
    ├── SettingsError           a setting is wrong: one line with file, key and cure
    ├── HomeError
    │   ├── HomeUnreachable     home did not answer: nothing can be said of the token
    │   ├── InvalidToken        home does not know the token: expired, revoked, or of another Keystone
    │   ├── NotScoped           the token is good, but not for a project, and so for no site
    │   └── NotServed           the token is good, but of a kind that a gateway can do nothing with
    ├── Crowded                 too many logins wait already: nobody was asked, try again
    └── SiteError               one site; it is named
        ├── SiteUnreachable     no connection, no answer in time, or its Keystone is down
        │   ├── SiteSilent      the request went out and no answer came: it may have been heard
        │   ├── SiteFailed      it is there, and its answer is of no use for this request
        │   └── SitePaused      the operator has taken it out of use: it was not asked
        ├── ProviderUnreachable what a login needs beside home and the site did not answer
        ├── ExchangeRefused     the site (or home, for the site) gave no token
        ├── ProjectNotThere     the site has no project for this home project, and none may be made
        ├── NameNotCarried      a name that cannot be told to the site without being changed
        └── TokenMixUp          the site gave a token for somebody or something else

Texts are fit for users: they name no token, no password and no body of a login. That is also why
exceptions of libraries are not chained to these (``from None``): they hold whole requests.
"""


class FederationError(Exception):
    """The root of the tree."""


class SettingsError(FederationError):
    """A setting is wrong. The text is one line that names file, key and cure."""


class HomeError(FederationError):
    """Something about home or a token of home."""


class HomeUnreachable(HomeError):
    """Home gave no answer, or one that says nothing about the token."""


class InvalidToken(HomeError):
    """Home does not take this token (any more)."""


class NotScoped(HomeError):
    """Only tokens of a project can be exchanged: K2K asserts exactly one."""


class NotServed(HomeError):
    """Home does not let the token be asked about with itself: somebody acts by it as somebody else."""


class Crowded(FederationError):
    """Too many logins wait already, of this user or of all. Nobody was asked anything."""


class SiteError(FederationError):
    """Something about one site."""

    def __init__(self, site: str, reason: str) -> None:
        super().__init__(f"site {site}: {reason}")
        self.site = site
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        # The default would call the class with the one text and fail.
        return (type(self), (self.site, self.reason))


class SiteUnreachable(SiteError):
    """The site did not answer, or only the proxy before it did."""


class SiteSilent(SiteUnreachable):
    """The request went out, and nobody knows whether the site did what it was asked."""


class SiteFailed(SiteUnreachable):
    """The site did answer, and not what it should: it says nothing of what others will be answered."""


class SitePaused(SiteUnreachable):
    """The operator has paused the site (`adapters.pauses`); the reason says since when and why."""


class ProviderUnreachable(SiteError):
    """An identity provider between home and the site did not answer. It says nothing of the site itself."""


class ExchangeRefused(SiteError):
    """No site token for this login. `status` is the HTTP status behind it, if there was one."""

    def __init__(self, site: str, reason: str, status: int | None = None) -> None:
        super().__init__(site, reason)
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.site, self.reason, self.status))


class ProjectNotThere(SiteError):
    """No project of the site stands for this home project; the reason says which cure there is."""


class NameNotCarried(SiteError):
    """A name of the login cannot be put into an assertion unchanged (see `adapters.provision`)."""


class TokenMixUp(SiteError):
    """The token was not what had been asked for. It was thrown away."""
