"""Which placeholders are wanted, and what is to be done for it: by example, and whatever the sites tell."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.marks import REMOTE, marked
from idmap.desired import Desired
from sync.placeholders.cards import Card, card_of, dumped, loaded
from sync.placeholders.wanted import Land
from sync.placeholders.work import Placeholder, ours, work
from tests.sync.neutron import SERVICE

SITES = ("paris", "tokyo", "denver")


def gid(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


NETS = [gid(1, number) for number in range(2)]
SUBNETS = {net: gid(2, number) for number, net in enumerate(NETS)}
GROUPS = [gid(3, number) for number in range(3)]
PORTS = [gid(4, number) for number in range(6)]


def place(global_id: str) -> str:
    return f"local-{global_id}"


def entry(kind: str, global_id: str, sites: Any = SITES, **more: Any) -> Desired:
    state = {name: more.pop(name) for name in ("deleted", "quarantined", "unread") if name in more}
    return Desired(global_id, kind, "p", "paris", frozenset(sites), more, **state)


cards = st.builds(
    Card,
    st.sampled_from(PORTS),
    st.integers(0, 9).map("fa:16:3e:00:00:{:02x}".format),
    st.sets(
        st.tuples(st.sampled_from(list(SUBNETS.values())), st.just("10.0.0.9")), max_size=2
    ).map(lambda each: tuple(sorted(each))),
    st.sets(st.sampled_from(GROUPS), max_size=2).map(lambda each: tuple(sorted(each))),
    st.booleans(),
    st.sampled_from([(), (("10.0.0.0/24", "00:00:5e:00:01:01"),)]),
)
words = st.dictionaries(
    st.sampled_from(SITES),
    st.dictionaries(
        st.sampled_from(NETS), st.lists(cards, max_size=4, unique_by=lambda each: each.port)
    ),
)
networks = st.builds(
    lambda number, sites, deleted, quarantined, unread: entry(
        "network",
        NETS[number],
        {"paris", *sites},
        deleted=deleted,
        quarantined=quarantined,
        unread=frozenset(unread),
    ),
    st.integers(0, 1),
    st.sets(st.sampled_from(SITES)),
    st.booleans(),
    st.sampled_from(["", "", "lost"]),
    st.sets(st.sampled_from(SITES), max_size=1),
)


@st.composite
def estates(draw: Any) -> list[Desired]:
    found = draw(st.lists(networks, unique_by=lambda each: each.global_id))
    found += [entry("subnet", sub, network_id=net) for net, sub in SUBNETS.items()]
    if draw(st.booleans()):
        found.append(entry("router_interface", gid(5, 0), network_id=NETS[0]))
    for group in draw(st.sets(st.sampled_from(GROUPS))):
        found.append(entry("security_group", group, deleted=draw(st.booleans())))
        if draw(st.booleans()):
            found.append(entry("security_group_rule", gid(6, 0), remote_group_id=group))
    return found


def done(todo: Any, there: list[Placeholder]) -> list[Placeholder]:
    """The site after the work."""
    gone = {each.local_id for each in todo.remove}
    changed = {each.local_id: fields for each, _, fields in todo.change}
    after = [
        Placeholder(each.port, {**each.local, **changed.get(each.local_id, {})})
        for each in there
        if each.local_id not in gone
    ]
    for wanted in todo.make:
        new = {"allowed_address_pairs": [], **wanted.fields, "id": f"of {wanted.port}"}
        after.append(Placeholder(wanted.port, new))
    return after


@given(estates(), words, estates(), words)
def test_when_it_is_done_nothing_is_left_to_do(
    before: list[Desired], told: Any, now: list[Desired], tells: Any
) -> None:
    there = done(work(Land("tokyo", before, place), told, []), [])
    land = Land("tokyo", now, place)
    there = [each for each in there if each.local["network_id"] in land.networks]

    todo = work(land, tells, there)
    after = done(todo, there)

    assert not work(land, tells, after)
    assert len({(each.port, each.local["network_id"]) for each in after}) == len(after)
    for each in todo.remove:
        network = land.networks[str(each.local["network_id"])]
        alive = not network.deleted
        if alive and each.site in network.sites and land.spans(network):
            assert network.global_id in tells.get(each.site, {}), "nobody has said that it is gone"
        assert not (alive and network.quarantined)
        assert not (
            alive and {"tokyo", each.site} & network.unread and each.site not in network.sites
        )
    for wanted in todo.make:
        assert wanted.site != "tokyo"
        assert wanted.fields["fixed_ips"]


@given(words)
def test_a_word_comes_over_as_it_was(told: Any) -> None:
    for word in told.values():
        sorted_ = {net: sorted(each) for net, each in word.items()}
        assert loaded(dumped(word)) == sorted_
        backwards = {net: each[::-1] for net, each in reversed(word.items())}
        assert dumped(backwards) == dumped(word), "no news"


@given(
    st.binary() | st.text().map(str.encode) | st.sampled_from([b"[]", b'{"a":[[1]]}', b'{"a":3}'])
)
def test_what_another_release_has_told_tells_nothing(raw: bytes) -> None:
    assert loaded(raw) in ({}, loaded(raw))
    assert loaded(b'{"a":[[1]]}') == loaded(b'{"a":3}') == loaded(b"[]") == {}


def port(**more: Any) -> dict[str, Any]:
    mark = marked("", PORTS[0], "us")
    return {"id": "x", "device_owner": REMOTE, "project_id": SERVICE, "description": mark} | more


def test_only_what_the_account_has_made_is_a_placeholder() -> None:
    theirs = marked("", PORTS[1], "them")
    ports = [
        port(id="1"),
        port(id="2", project_id="a tenant's"),
        port(id="3", description="nothing"),
        port(id="4", device_owner="compute:nova"),
        port(id="5", description=theirs),
    ]

    there, real = ours(ports, SERVICE, "us")

    assert [each.local_id for each in there] == ["1"]
    assert [each["id"] for each in real] == ["2", "3", "4"], "another federation's is nobody's port"


def test_what_has_no_address_or_is_neutrons_own_has_no_card() -> None:
    whole = {"id": PORTS[0], "mac_address": "FA:16:3E:00:00:0A", "fixed_ips": []}
    whole["fixed_ips"] = [{"subnet_id": "s", "ip_address": "10.0.0.9"}]
    card = card_of({**whole, "device_owner": "baremetal:none"})
    assert card is not None
    assert (card.mac, card.up, card.groups) == ("fa:16:3e:00:00:0a", True, ())
    assert card_of({**whole, "fixed_ips": []}) is None
    for owner in ("network:dhcp", "network:router_interface", "network:router_gateway"):
        assert card_of({**whole, "device_owner": owner}) is None
