"""A Keystone, or the proxy before it, closes a connection that it had kept open."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from keystoneauth1 import exceptions

from adapters.errors import SiteUnreachable
from adapters.keystone.conversation import Conversation
from adapters.keystone.login import Login
from adapters.sites import Site

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def server(*connections: int) -> Iterator[tuple[str, list[bytes]]]:
    """Its URL, and what it is asked: on each connection it answers so many requests, then it hangs up."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answers in connections:
                try:
                    client, _ = listening.accept()
                except OSError:  # nobody came again, and the test is over
                    return
                with client:
                    for _ in range(answers):
                        asked.append(client.recv(65536))
                        client.sendall(ANSWER)
                    asked.append(client.recv(65536))

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked


def conversation() -> Conversation:
    return Conversation(Site("tokyo", "http://tokyo.invalid/v3", "password", {}), 10)


def test_a_request_on_a_connection_that_breaks_down_is_made_again() -> None:
    with server(1, 1) as (url, asked):
        talk = conversation()
        assert talk.request(url, "GET", authenticated=False).status_code == 200
        assert talk.request(url, "POST", authenticated=False).status_code == 200
        talk.close()
    assert [each[:4] for each in asked] == [b"GET ", b"POST", b"POST"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_what_the_account_changes_at_a_site_is_sent_once(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be done although the connection broke down: a second POST would make a second network."""
    with server(1, 1) as (url, asked):
        monkeypatch.setattr(Login, "endpoints", lambda self: {"network": url})
        account = Login(Site("tokyo", url, "password", {}), 10)
        assert account.request("GET", "network", "/v2.0/networks", None, {}).status == 200
        if method == "GET":
            assert account.request(method, "network", "/v2.0/networks", None, {}).status == 200
        else:
            with pytest.raises(SiteUnreachable):
                account.request(method, "network", "/v2.0/networks", {}, {})
        account.close()
    methods = [each.split()[0].decode() for each in asked if each]
    assert methods == (["GET", "GET", "GET"] if method == "GET" else ["GET", method])


def test_who_was_never_heard_is_not_asked_again() -> None:
    with server(0) as (url, asked):
        talk = conversation()
        with pytest.raises(exceptions.ConnectFailure):
            talk.request(url, "GET", authenticated=False)
        talk.close()
    assert len(asked) == 1


def test_who_hangs_up_on_the_second_try_as_well_is_away() -> None:
    with server(1, 0) as (url, asked):
        talk = conversation()
        talk.request(url, "GET", authenticated=False)
        with pytest.raises(exceptions.ConnectFailure):
            talk.request(url, "GET", authenticated=False)
        talk.close()
    assert len(asked) == 3
