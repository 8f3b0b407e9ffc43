"""The warm engine: a process with torch, graders and a nursery ready, which lends them to one check after another.

`server` accepts and keeps order, `guest` is the child in which one request runs and which ends with it, `preparing`
computes beforehand what needs no submission. Clients know `cvlab.engine` only.
"""
