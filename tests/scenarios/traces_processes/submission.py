def souvenirs():
    taken = {}
    for who, pid in (("grader", GRADER), ("nursery", NURSERY), ("bystander", VICTIM), ("itself", os.getpid())):
        taken[f"attach to {who}"] = called("ptrace", 16, pid, 0, 0)
        taken[f"seize {who}"] = called("ptrace", 0x4206, pid, 0, 0)
        taken[f"read {who}"] = called("process_vm_readv", pid, 0, 0, 0, 0, 0)
        taken[f"write {who}"] = called("process_vm_writev", pid, 0, 0, 0, 0, 0)
        taken[f"handle on {who}"] = called("pidfd_open", pid, 0)
        taken[f"compare with {who}"] = called("kcmp", pid, pid, 0, 0, 0)
    taken["be traced"] = called("ptrace", 0, 0, 0, 0)
    taken["steal a file"] = called("pidfd_getfd", 3, 0, 0)
    return taken
