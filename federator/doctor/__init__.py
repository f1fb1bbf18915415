"""Says whether a site is fit for the federation, before it joins and whenever something is odd.

    command     the command line: ``federator site check``
    patient     what a check may look at, and what it finds
    ward        what all sites say of themselves, for checks that compare
    examine     runs all checks
    checks      one file each: whoever adds a file adds a check, and nothing else knows them

Nothing here changes anything anywhere.
"""
