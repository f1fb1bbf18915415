"""An ML2 driver for sites without agents: the real Open vSwitch driver, but a port is ACTIVE once bound.

With a real agent the port goes ACTIVE when the agent reports it; in the lab nothing would report.
"""

# mypy: ignore-errors
# (runs inside a site, against packages that are not installed here)

from neutron.plugins.ml2.drivers.openvswitch.mech_driver import mech_openvswitch
from neutron_lib import constants


class LabOvs(mech_openvswitch.OpenvswitchMechanismDriver):
    def try_to_bind_segment_for_agent(self, context, segment, agent):
        if not self.check_segment_for_agent(segment, agent):
            return False
        context.set_binding(
            segment["id"],
            self.get_vif_type(context, agent, segment),
            self.get_vif_details(context, agent, segment),
            constants.PORT_STATUS_ACTIVE,
        )
        return True
