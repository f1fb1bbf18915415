"""The kinds of clashes, one file each, all pure.

Each file has a function `clashes(snapshot)` that yields findings, in the words of `federator.report.finding`.
"""
