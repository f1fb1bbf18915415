"""The checks. A file has ``check(patient)``, which gives findings; they come in order of the files' names.

A check that does not concern the site (another strategy) gives none.
"""
