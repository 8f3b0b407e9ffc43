def status(*names):
    found = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return " ".join(found[name].strip() for name in names)


def handles():
    kinds = []
    for number in sorted(int(name) for name in os.listdir("/proc/self/fd")):
        try:
            kinds.append(f"{number} {os.readlink(f'/proc/self/fd/{number}').split(':')[0]}")
        except OSError:
            pass  # the handle that listed them
    return ", ".join(kinds)


def souvenirs():
    return {
        "capabilities": status("CapInh", "CapPrm", "CapEff", "CapAmb"),
        "no new privileges": status("NoNewPrivs"),
        "filter": status("Seccomp"),
        "groups": status("Groups") if os.getuid() == 1000 else "",
        "handles": handles(),
        "oom": read("/proc/self/oom_score_adj").decode().strip(),
        "terminal": str(os.isatty(0) or os.isatty(1) or os.isatty(2)),
        "devices": tried(os.listdir, "/dev"),
        "blocked signals": status("SigBlk"),
    }
