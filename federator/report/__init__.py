"""``federator site report``: what clashes when sites with a life of their own become one federation.

    command    the command line
    read       looks through the sites by the gateway's account
    snapshot   what was seen, and all that a kind of clash may look at
    finding    what a kind of clash says
    alike      things of one name at several sites, told apart by their content
    ranges     address ranges that overlap
    clashes    one file for each kind of clash: whoever adds a file adds a kind, and nothing else knows it
    draw       the findings as text and as JSON

Nothing here changes anything anywhere.
"""
