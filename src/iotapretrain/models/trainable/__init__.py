"""Whether others can train on from a stranger's model: what sabotage does to it, and how it
shows.
"""
