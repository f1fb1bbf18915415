"""Bodies that are not what they should be: the gateway says what the service itself would say."""

import asyncio
import io

import orjson
import pytest

from tests.adversarial.alike import Bad, Everybody, all_alike

JSON = {"Content-Type": "application/json"}
CREATES = {
    "compute": ("POST", "/servers", "server"),
    "network": ("POST", "/networks", "network"),
    "image": ("POST", "/images", "name"),
    "volume": ("POST", "/volumes", "volume"),
    "identity": ("POST", "/auth/tokens", "auth"),
}
MORE = {
    "compute": [("POST", "/os-keypairs", "keypair"), ("POST", "/os-server-groups", "server_group")],
    "network": [
        ("POST", "/ports", "port"),
        ("POST", "/subnets", "subnet"),
        ("POST", "/security-group-rules", "security_group_rule"),
        ("POST", "/floatingips", "floatingip"),
    ],
    "volume": [("POST", "/snapshots", "snapshot")],
}
DEEP = 10_000
LESS_DEEP = 4_000
"""Within the size that every service reads."""


def bodies(key: str) -> dict[str, bytes]:
    """Every way to get a body wrong."""
    name = key.encode()
    return {
        "truncated": b'{"%s": {"name": "x"' % name,
        "not JSON": b"<server/>",
        "UTF-16": (b'{"%s": {"name": "x"}}' % name).decode().encode("utf-16"),
        "Latin-1": b'{"%s": {"name": "\xe9"}}' % name,
        "with a byte order mark": b'\xef\xbb\xbf{"%s": {}}' % name,
        "garbage behind it": b'{"%s": {}} x' % name,
        "two documents": b'{"%s": {}}{"%s": {}}' % (name, name),
        "single quotes": b"{'%s': {}}" % name,
        "a trailing comma": b'{"%s": {},}' % name,
        "deep lists": b"[" * DEEP + b"]" * DEEP,
        "deep objects": b'{"%s":' % name * LESS_DEEP + b"1" + b"}" * LESS_DEEP,
        "deep below a key": b'{"%s": {"name": ' % name + b"[" * DEEP + b"]" * DEEP + b"}}",
        "a number beyond all": b'{"%s": {"name": 1e999}}' % name,
        "many digits": b'{"%s": {"name": %s}}' % (name, b"9" * 5000),
        "more than 64 bits": b'{"%s": {"name": 36893488147419103232}}' % name,
        "NaN": b'{"%s": {"name": NaN}}' % name,
        "Infinity": b'{"%s": {"name": -Infinity}}' % name,
        "a list": b"[]",
        "a list of it": b'[{"%s": {"name": "x"}}]' % name,
        "a string": b'"%s"' % name,
        "a number": b"17",
        "true": b"true",
        "null": b"null",
        "an empty object": b"{}",
        "another key": b'{"nonsense": {"name": "x"}}',
        "a list below its key": b'{"%s": []}' % name,
        "a list in a list below its key": b'{"%s": [["x"]]}' % name,
        "a string below its key": b'{"%s": "x"}' % name,
        "a number below its key": b'{"%s": 17}' % name,
        "null below its key": b'{"%s": null}' % name,
        "half a surrogate": b'{"%s": {"name": "\\ud800"}}' % name,
        "a control character": b'{"%s": {"name": "a\x01b"}}' % name,
    }


@pytest.mark.parametrize("service", CREATES)
async def test_a_broken_body_gets_the_services_own_answer(
    everybody: Everybody, service: str
) -> None:
    bad = [
        Bad(name, method, path, data, JSON)
        for method, path, key in (CREATES[service], *MORE.get(service, ()))
        for name, data in bodies(key).items()
    ]
    await all_alike(everybody, service, bad)


@pytest.mark.parametrize("service", CREATES)
async def test_a_wrong_content_type_gets_the_services_own_answer(
    everybody: Everybody, service: str
) -> None:
    method, path, key = CREATES[service]
    types = {
        "none": None,
        "text": "text/plain",
        "XML": "application/xml",
        "a form": "application/x-www-form-urlencoded",
        "nonsense": "nonsense",
        "empty": "",
        "another charset": "application/json; charset=utf-16",
    }
    bad = [
        Bad(
            f"{name}, {what}",
            method,
            path,
            data,
            {"Content-Type": kind} if kind is not None else {},
        )
        for name, kind in types.items()
        for what, data in {
            "JSON": b'{"%s": {}}' % key.encode(),
            "no JSON": b"hello",
            "nothing": b"",
        }.items()
    ]
    await all_alike(everybody, service, bad)


async def test_placement_refuses_what_it_cannot_read(everybody: Everybody) -> None:
    # Whose turn it is first, policy or parser, is its own affair: a member gets no further either way.
    for data in bodies("name").values():
        answer = await everybody.member.ask(
            "POST", "placement", "/resource_providers", data=data, headers=JSON
        )
        assert answer.status in (400, 403), answer
        assert set(answer.json) == {"errors"}


@pytest.mark.parametrize("service", CREATES)
async def test_ten_megabytes_of_json_are_too_large(everybody: Everybody, service: str) -> None:
    method, path, key = CREATES[service]
    body = orjson.dumps({key: {"name": "x" * 10_000_000}})

    async def parts() -> object:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    member = everybody.member
    whole, chunked = await asyncio.gather(
        member.ask(method, service, path, data=io.BytesIO(body), headers=JSON),
        member.ask(method, service, path, data=parts(), headers=JSON),
    )
    assert whole.status == chunked.status == 413, (whole, chunked)
    assert await member.get("network", "/networks?limit=1")
