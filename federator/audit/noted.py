"""What the rooms further in note of a request for the audit, because only they see it."""

from aiohttp import web

from adapters.identity import Identity
from federator.audit.attempt import Attempt
from federator.call import Call

IDENTITY = web.RequestKey("identity", Identity)
"""Whose token came with the request."""
CALL = web.RequestKey("call", Call)
"""The request to a service, understood."""
ATTEMPT = web.RequestKey("attempt", Attempt)
"""Who tried to log in."""
ACTION_NAME = web.RequestKey("action_name", str)
"""``os-start``: the action that a body asks for."""
