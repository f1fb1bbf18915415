"""The quirks: a file each, which says QUIRK. There is no list to edit, and they do not know each other."""
