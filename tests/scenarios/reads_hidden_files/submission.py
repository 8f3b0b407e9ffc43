PLACES = {
    "hidden check": "@bank@/graders/01_stars/test_hidden.py",
    "reference": "@bank@/solutions/01_stars/stars.py",
    "brief": "@bank@/exercises/01_stars/drill.toml",
    "other submission": "@others@/alice.py",
    "users": "/etc/passwd",
    "passwords": "/etc/shadow",
    "host name": "/etc/hostname",
    "cvlab": "@cvlab@/grading/grader.py",
}


def souvenirs():
    taken = {what: tried(read, path) for what, path in PLACES.items()}
    taken["list of checks"] = tried(os.listdir, "@bank@/graders/01_stars")
    taken["list of submissions"] = tried(os.listdir, "@others@")
    taken["by way of .."] = tried(read, "@stdlib@/../../../../../../../../..@others@/alice.py")
    return taken
