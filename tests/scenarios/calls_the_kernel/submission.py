NAMES = """
mount umount2 pivot_root chroot unshare setns bpf keyctl add_key
request_key io_uring_setup userfaultfd perf_event_open open_by_handle_at name_to_handle_at kexec_load init_module shmget
msgget semget mq_open seccomp personality modify_ldt quotactl acct settimeofday
swapon reboot sethostname iopl memfd_create fsopen open_tree move_mount mknod
inotify_init1 fanotify_init splice vmsplice move_pages migrate_pages mbind setuid setgid
setgroups capset ioprio_set sched_setscheduler landlock_create_ruleset process_madvise vhangup syslog
""".split()


def souvenirs():
    return {name: called(name, 0, 0, 0, 0, 0, 0) for name in NAMES}
