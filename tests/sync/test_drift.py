"""What was changed at a site behind our back: put right, or only reported, as operators want it."""

from idmap.desired import State, Status
from sync.plan import told
from tests.sync.world import Line, World


async def a_network(world: World) -> str:
    net = await world.make("network", "paris", name="net")
    (gid,) = await world.stretch("paris", "network", net, "tokyo")
    await world.settle()
    (there,) = world.neutrons["tokyo"].all("network")
    world.ask("tokyo", "PUT", f"/networks/{there['id']}", {"network": {"name": "mine"}})
    return gid


def names(world: World) -> list[str]:
    return [world.neutrons[site].all("network")[0]["name"] for site in world.sites]


async def status_of(world: World, gid: str) -> Status:
    return (await world.store.statuses("tokyo"))[gid]


async def test_it_is_reported_until_the_tenant_changes_something() -> None:
    world = await World(report_drift=True).start()
    gid = await a_network(world)
    await world.settle()
    assert names(world) == ["net", "mine"]
    status = await status_of(world, gid)
    assert (status.state, status.generation) == (State.DRIFT, 2)
    assert status.error == "was changed at the site, past the federation: name"
    (line,) = told(await (await world.round(Line(world.neutrons["tokyo"]))).plan())
    assert line == f"tokyo: drift network {gid} [name]"
    # It is there, and can be used.
    await world.wanted.wait([gid], world.sites, 0)
    assert await world.change(gid, {"description": "new"})
    await world.settle()
    await world.check()
    assert names(world) == ["net", "net"]


async def test_what_is_as_it_is_to_be_again_is_ready() -> None:
    world = await World(report_drift=True).start()
    gid = await a_network(world)
    await world.settle()
    (there,) = world.neutrons["tokyo"].all("network")
    world.ask("tokyo", "PUT", f"/networks/{there['id']}", {"network": {"name": "net"}})
    await world.settle()
    assert (await status_of(world, gid)).state is State.READY


async def test_what_is_deleted_comes_back_and_what_is_to_be_gone_goes() -> None:
    world = await World(report_drift=True).start()
    gid = await a_network(world)
    (there,) = world.neutrons["tokyo"].all("network")
    world.ask("tokyo", "DELETE", f"/networks/{there['id']}")
    await world.settle()
    await world.check()
    assert names(world) == ["net", "net"]
    assert await world.remove(gid)
    await world.settle()
    await world.check()
    assert not world.neutrons["tokyo"].all("network")


async def test_otherwise_it_is_put_right() -> None:
    world = await World().start()
    await a_network(world)
    await world.settle()
    await world.check()
    assert names(world) == ["net", "net"]
