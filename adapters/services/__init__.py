"""One file per OpenStack service. There is no list to edit: `adapters.registry` finds them."""
