"""Users made by the gateway: do all of them still stand for somebody?"""

from collections.abc import AsyncIterator

from adapters.deputy import home_user_id
from adapters.directory import Directory
from federator.doctor.patient import Finding, Patient, good, note, wrong


async def check(patient: Patient) -> AsyncIterator[Finding]:
    site = patient.site
    if patient.is_home or site.federation.strategy != "mapped":
        return
    if patient.secret is None:
        cure = "name a file of at least 32 random bytes in federator.yaml"
        yield wrong("there is no secret_file, of which passwords could be made", cure)
    at_site = Directory(patient.account)
    domain = await at_site.find("domains", site.federation.group_domain)
    if domain is None:
        yield good(f"domain {site.federation.group_domain} is made at the first login")
        return
    if not domain.get("enabled", True):
        yield wrong(f"domain {domain['name']} is disabled", "enable it there")
    at_home = {user["id"] for user in await Directory(patient.home_account).list("users")}
    users = await at_site.list("users", domain_id=domain["id"])
    ours = [(user, owner) for user in users if (owner := home_user_id(user["name"])) is not None]
    left = [user["id"] for user, owner in ours if owner not in at_home]
    yield good(f"{len(ours)} users stand for users of home")
    if left:
        what = f"{len(left)} users stand for nobody who is at home: {' '.join(left)}"
        yield note(what, "openstack user delete at the site; nobody can log in as these")
