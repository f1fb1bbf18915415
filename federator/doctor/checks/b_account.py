"""Can the gateway's account log in, and is its login one that rights can be given to?"""

from collections.abc import AsyncIterator

from federator.doctor.patient import Finding, Patient, good, note, wrong


async def check(patient: Patient) -> AsyncIterator[Finding]:
    myself = await patient.account.myself()
    if patient.is_home:
        yield good(f"the account is user {myself.user_id}")
        return
    if not myself.project_id:
        cure = f"clouds.{patient.site.name}.auth.project_name and project_domain_name"
        yield wrong("the account's login is not scoped to a project", cure)
        return
    roles = ", ".join(sorted(myself.roles)) or "none"
    project = f"{myself.project_domain_name}/{myself.project_name}"
    yield good(f"the account is user {myself.user_id} in {project} with the roles {roles}")
    if "admin" not in myself.roles:
        yield note(
            "the account has not the role admin: what it may not see cannot be told from what is "
            "not there",
            "the role admin on its project, or policies by which it sees all projects' things",
        )
