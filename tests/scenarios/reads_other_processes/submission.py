def souvenirs():
    taken = {}
    for who, pid in (("grader", GRADER), ("nursery", NURSERY), ("bystander", VICTIM)):
        for what in ("mem", "environ", "maps", "auxv", "stack"):
            taken[f"{who} {what}"] = tried(read, f"/proc/{pid}/{what}")
        taken[f"{who} files"] = tried(os.listdir, f"/proc/{pid}/fd")
        taken[f"{who} open file"] = tried(read, f"/proc/{pid}/fd/0")
        taken[f"{who} root"] = tried(os.listdir, f"/proc/{pid}/root/")
        taken[f"{who} folder"] = tried(os.readlink, f"/proc/{pid}/cwd")
    return taken
