"""The page that a query asks of a resource, whichever service it belongs to."""

from adapters.registry import all_services
from adapters.spec import Resource
from federator.paging import Page, page_of


def wanted(resource: Resource, query: str) -> Page:
    service = next(each for each in all_services().values() if resource in each.resources)
    return page_of(service, resource, query)
