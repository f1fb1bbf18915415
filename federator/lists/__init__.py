"""Pages of merged lists: one order over many sites, no item lost, none twice, little read in vain.

cursor      where a walk through a list stands at each site, as it is carried and kept      pure
interleave  the lists of the sites become one; whom to ask for how many more                pure
walk        reads one list of one caller at all sites, round by round
origin      where a walk stands at a marker of which nothing is kept
leaf        a page: where it begins, what stands on it, where it ends
"""
