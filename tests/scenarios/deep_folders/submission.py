def souvenirs():
    os.mkdir("closed")
    write("closed/file")
    os.mkdir("dark", 0o300)
    os.mkdir("dark/inner", 0o300)
    os.symlink("@outside@", "closed/out")
    for _ in range(1500):
        os.mkdir("d" * 20)
        os.chdir("d" * 20)
    return "nothing"
