"""Logins in a browser: home's pages of WebSSO, seen through the gateway. Pure.

The browser goes from the dashboard to home's page (through us), to the identity provider, back to
home's page (through us), and takes the token to the dashboard. In between the server before home
keeps the login in cookies, and it has to know under which URL the browser sees it.

Cookies of home live at our ``/identity`` under names of their own, so that home's never get to the
other pages of our host, nor theirs to home.
"""

from urllib.parse import urlsplit

from multidict import CIMultiDict, MultiMapping

_PAGES = "/v3/auth/OS-FEDERATION/"
_OURS = "federator-home-"
_WHERE = ("path", "domain")
_PORTS = {"http": 80, "https": 443}


def is_page(path: str) -> bool:
    """Whether a browser comes to this path of home on its way through WebSSO."""
    return path.startswith(_PAGES)


def headers_to_home(headers: MultiMapping[str], public: str) -> CIMultiDict[str]:
    """What home is told beside the usual headers: its cookies, and `public`, our URL for it."""
    url = urlsplit(public)
    told = CIMultiDict(
        {
            "X-Forwarded-Host": url.netloc,
            "X-Forwarded-Proto": url.scheme,
            "X-Forwarded-Port": str(url.port or _PORTS[url.scheme]),
            "X-Forwarded-Prefix": url.path,
        }
    )
    pairs = [pair.strip() for value in headers.getall("Cookie", []) for pair in value.split(";")]
    homes = [pair.removeprefix(_OURS) for pair in pairs if pair.startswith(_OURS)]
    if homes:
        told["Cookie"] = "; ".join(homes)
    return told


def cookies_to_client(headers: MultiMapping[str], public: str) -> list[str]:
    """The values of ``Set-Cookie`` for home's cookies, as ours."""
    path = urlsplit(public).path
    kept = []
    for value in headers.getall("Set-Cookie", []):
        pair, *attributes = (part.strip() for part in value.split(";"))
        of_home = [each for each in attributes if not each.lower().startswith(_WHERE)]
        kept.append("; ".join((_OURS + pair, *of_home, f"Path={path}")))
    return kept
