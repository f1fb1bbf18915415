"""Nova's fake hypervisor with a memory: the servers it runs are written to a file.

Nova's own forgets them when nova-compute is restarted, and what is asked of them then fails.
It is inside nova.virt because Nova looks for drivers nowhere else.
"""

# mypy: ignore-errors
# (runs inside a site, against packages that are not installed here)

import json
from pathlib import Path

import nova.conf
from nova.virt import fake


class RememberedInstances(dict):
    def __init__(self, path):
        known = json.loads(path.read_text()) if path.exists() else []
        super().__init__({each["uuid"]: fake.FakeInstance(**each) for each in known})
        self._path = path

    def __setitem__(self, uuid, instance):
        super().__setitem__(uuid, instance)
        self.save()

    def __delitem__(self, uuid):
        super().__delitem__(uuid)
        self.save()

    def pop(self, uuid):
        instance = super().pop(uuid)
        self.save()
        return instance

    def save(self):
        known = [{"uuid": i.uuid, "name": i.name, "state": i.state} for i in self.values()]
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(known))
        draft.replace(self._path)


class LabComputeDriver(fake.PredictableNodeUUIDDriver):
    """With a node of the same ID at every start; the plain FakeDriver refuses its second one."""

    def __init__(self, virtapi, read_only=False):
        super().__init__(virtapi, read_only)
        self.instances = RememberedInstances(Path(nova.conf.CONF.state_path) / "instances.json")

    def power_off(self, *args, **kwargs):
        super().power_off(*args, **kwargs)
        self.instances.save()

    def power_on(self, *args, **kwargs):
        super().power_on(*args, **kwargs)
        self.instances.save()

    def reboot(self, *args, **kwargs):
        super().reboot(*args, **kwargs)
        self.instances.save()
