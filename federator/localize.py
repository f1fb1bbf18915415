"""A call in one site's own words: its URL, its IDs, its headers. Pure."""

from collections.abc import Mapping
from urllib.parse import quote

import orjson
from multidict import CIMultiDict

from adapters.endpoints import service_root
from adapters.errors import SiteUnreachable
from adapters.identity import Identity, SiteToken
from adapters.names import Inward
from adapters.names import Site as SiteNames
from adapters.paths import rewrite_path
from adapters.queries import rewrite_query
from adapters.spec import Ids, Service
from adapters.translate import Shape, rewrite_action, rewrite_body
from federator.call import Call, SiteCall
from federator.headers import forwarded, global_request_id
from federator.plan import Whereabouts


def localize(
    call: Call,
    shape: Shape | None,
    names: SiteNames,
    token: SiteToken,
    identity: Identity,
    where: Whereabouts,
    rules: Mapping[str, Ids],
    endpoints: Mapping[str, str],
    request_id: str,
) -> SiteCall:
    """What to ask of the site that gave `token`. Raises SiteUnreachable if it lacks the service.

    `endpoints` are those of the gateway's own account there: what the catalogue of somebody's token says
    does not decide whom the gateway talks to.
    """
    table = _table(token, identity, where)
    inward = Inward(names, table, ids=rules)
    path = rewrite_path(call.service, call.path, inward.change)
    query = rewrite_query(shape, call.query, inward.change) if shape else call.query
    body = call.raw or None
    if call.body is not None and shape is not None:
        change = inward.change
        local = (
            rewrite_action(shape, call.body, change)
            if call.is_action
            else rewrite_body(shape, call.body, change, request=True)
        )
        if local is not call.body:
            body = orjson.dumps(local)
    return SiteCall(
        site=token.site,
        service=call.service.type,
        method=call.method,
        base=base_url(call.service, token, endpoints),
        path=path,
        query=query,
        headers=_headers(call, token, request_id),
        body=body,
        put_back={local: sent for sent, local in table.items()},
    )


def base_url(service: Service, token: SiteToken, endpoints: Mapping[str, str]) -> str:
    """Where the service's API version begins at a site, without a trailing slash."""
    for name in (service.type, *service.aliases):
        if name in endpoints:
            root = service_root(endpoints[name]).rstrip("/") + service.version
            return f"{root}/{quote(token.project_id)}" if service.project_in_path else root
    raise SiteUnreachable(token.site, f"its catalogue has no {service.type} service")


def _table(token: SiteToken, identity: Identity, where: Whereabouts) -> dict[str, str]:
    table = {
        sent: places[token.site]
        for part in (*where.filters, where.body, where.path)
        for sent, places in part.items()
        if token.site in places
    }
    if identity.project_id is not None:
        table[identity.project_id] = token.project_id
    table[identity.user_id] = token.user_id
    return table


def _headers(call: Call, token: SiteToken, request_id: str) -> CIMultiDict[str]:
    headers = forwarded(call.headers)
    headers["X-Auth-Token"] = token.token
    headers["X-Openstack-Request-Id"] = global_request_id(call.headers) or request_id
    return headers
