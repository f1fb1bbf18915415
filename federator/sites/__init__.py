"""``federator site``: sites join, are paused, get a new name and leave.

command      the group, and which commands it has
overview     what each site is and how it is now: ``list``
pausing      ``pause`` and ``resume``
renaming     ``rename``
removing     ``remove``
shared       whether the daemons keep anything alike there
inheritance  what becomes of the IDs that a site shares when it leaves
opened       what the commands work on
"""
